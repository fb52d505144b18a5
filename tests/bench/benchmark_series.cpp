#include "tests/bench/benchmark_series.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace ota::bench {
namespace {

std::optional<std::filesystem::path> data_folder() {
  std::vector<std::filesystem::path> places;
  if (const char* named = std::getenv("OTA_TELEMETRY")) places.emplace_back(named);
  places.emplace_back("../shared/telemetry");
  places.emplace_back("../../shared/telemetry");
  for (const auto& place : places) {
    if (std::filesystem::exists(place / "windows.json")) return place;
  }
  return std::nullopt;
}

double sigmoid(double p) {
  return 2 / (1 + std::exp(5 * p)) - 1;
}

Series read_series(const std::filesystem::path& folder, const std::string& path,
                   const nlohmann::json& windows) {
  Series series;
  series.group = path.substr(0, path.find('/'));
  series.name = path.substr(path.find('/') + 1);
  std::ifstream in(folder / "data" / path);
  std::string line;
  std::getline(in, line);
  std::map<std::string, std::size_t> first_row;
  while (std::getline(in, line)) {
    const auto comma = line.find(',');
    std::string stamp = line.substr(0, comma);
    first_row.emplace(stamp, series.values.size());
    stamp[10] = 'T';
    series.times.push_back(*parse_rfc3339(stamp + "Z"));
    series.values.push_back(std::strtod(line.c_str() + comma + 1, nullptr));
  }
  for (const auto& window : windows) {
    series.windows.push_back({first_row.at(window.at(0).get<std::string>()),
                              first_row.at(window.at(1).get<std::string>())});
  }
  return series;
}

}  // namespace

std::optional<std::vector<Series>> load_series() {
  const auto folder = data_folder();
  if (!folder) return std::nullopt;
  std::ifstream in(*folder / "windows.json");
  std::vector<Series> all;
  const auto labels = nlohmann::json::parse(in);
  for (const auto& [path, windows] : labels.items()) {
    all.push_back(read_series(*folder, path, windows));
  }
  return all;
}

double points(const Series& series, const std::vector<double>& scores, double threshold,
              const Profile& profile) {
  const std::size_t learning = std::min<std::size_t>(scores.size() * 15 / 100, 750);
  std::vector<double> best(series.windows.size(), -profile.false_negative);
  double sum = 0;
  for (std::size_t row = learning; row < scores.size(); ++row) {
    if (scores[row] < threshold) continue;
    const Window* ended = nullptr;
    bool inside = false;
    for (std::size_t i = 0; i < series.windows.size(); ++i) {
      const Window& window = series.windows[i];
      if (window.last < row) ended = &window;
      if (row < window.first || row > window.last) continue;
      inside = true;
      const auto width = static_cast<double>(window.last - window.first + 1);
      const double place = -static_cast<double>(window.last - row + 1) / width;
      best[i] = std::max(best[i], sigmoid(place) / sigmoid(-1));
    }
    if (inside) continue;
    double cost = -1;
    if (ended != nullptr) {
      const double place =
          static_cast<double>(row - ended->last) / static_cast<double>(ended->last - ended->first);
      if (place <= 3) cost = sigmoid(place);
    }
    sum += profile.false_positive * cost;
  }
  for (const double window : best)
    sum += window;
  return sum;
}

double normalized(double sum, std::size_t windows, const Profile& profile) {
  const auto count = static_cast<double>(windows);
  return 100 * (sum + profile.false_negative * count) / (count + profile.false_negative * count);
}

}  // namespace ota::bench

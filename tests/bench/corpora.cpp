#include "tests/bench/corpora.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "anomaly/csv_rows.h"
#include "base/json_numbers.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> data_folder() {
  std::vector<fs::path> places;
  if (const char* named = std::getenv("OTA_TELEMETRY")) places.emplace_back(named);
  places.emplace_back("../shared/telemetry");
  places.emplace_back("../../shared/telemetry");
  for (const auto& place : places) {
    if (fs::exists(place / "windows.json") && fs::exists(place / "more/labels.json")) return place;
  }
  return std::nullopt;
}

std::string unpacked(const fs::path& file) {
  std::string text;
  const std::string command = "gzip -dc '" + file.string() + "'";
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::vector<char> part(1 << 16);
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), got);
  pclose(pipe);
  return text;
}

// Fills everything but start and events; the first row of each stamp goes to `first_rows`.
void read_csv(std::istream& in, Series& series, std::map<std::string, std::size_t>* first_rows) {
  auto rows = anomaly::CsvRows::open(in);
  if (!rows) return;
  series.metrics = rows->columns().size();
  anomaly::CsvRow row;
  for (auto more = rows->next(row); more.has_value() && *more; more = rows->next(row)) {
    if (first_rows != nullptr) first_rows->emplace(row.stamp, series.rows());
    series.times.push_back(row.at);
    for (const auto& value : row.values)
      series.values.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
}

Corpus load_nab(const fs::path& folder) {
  Corpus corpus{"nab", 0, {}};
  std::ifstream in(folder / "windows.json");
  const auto labels = nlohmann::json::parse(in);
  for (const auto& [name, windows] : labels.items()) {
    Series& series = corpus.series.emplace_back();
    series.name = name;
    std::map<std::string, std::size_t> first_rows;
    std::ifstream data(folder / "data" / name);
    read_csv(data, series, &first_rows);
    constexpr std::size_t kMostLearning = 750;
    series.start = std::min(series.rows() * 15 / 100, kMostLearning);
    for (const auto& window : windows) {
      series.events.emplace_back(first_rows.at(window.at(0).get<std::string>()),
                                 first_rows.at(window.at(1).get<std::string>()));
    }
  }
  return corpus;
}

double sigmoid(double p) {
  return 2 / (1 + std::exp(5 * p)) - 1;
}

double rows_between(std::size_t from, std::size_t to) {
  return static_cast<double>(to) - static_cast<double>(from);
}

}  // namespace

std::optional<std::vector<Corpus>> load_corpora() {
  const auto folder = data_folder();
  if (!folder) return std::nullopt;
  std::vector<Corpus> all{load_nab(*folder)};
  std::ifstream in(*folder / "more/labels.json");
  const auto labels = nlohmann::json::parse(in);
  for (const auto& [name, members] : labels.items()) {
    Corpus& corpus = all.emplace_back();
    corpus.name = name;
    corpus.late = name == "cloud" ? 3 : 0;  // its labels mark points
    for (const auto& [file, label] : members.items()) {
      Series& series = corpus.series.emplace_back();
      series.name = file;
      std::istringstream data(unpacked(*folder / "more" / name / (file + ".csv.gz")));
      read_csv(data, series, nullptr);
      series.start = label.at("start").get<std::size_t>();
      for (const auto& event : label.at("events"))
        series.events.emplace_back(event.at(0).get<std::size_t>(), event.at(1).get<std::size_t>());
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

void Tally::add(const Corpus& corpus, const Series& series,
                const std::vector<std::size_t>& alarms) {
  // The first judged alarm from one row to another.
  const auto first_in = [&](std::size_t from, std::size_t to) -> std::optional<std::size_t> {
    for (const std::size_t row : alarms) {
      if (row >= series.start && row >= from && row <= to) return row;
    }
    return std::nullopt;
  };
  for (const auto& [first, last] : series.events) {
    ++events;
    if (const auto row = first_in(first, last + corpus.late)) {
      ++found;
      delays.push_back(*row - first);
    }
    const auto row = first_in(first, last);
    const double width = rows_between(first, last) + 1;
    nab += row ? sigmoid(-(rows_between(*row, last) + 1) / width) / sigmoid(-1) : -1;
  }
  for (const std::size_t row : alarms) {
    if (row < series.start) continue;
    double behind = 9;  // in widths of the last event that ended
    bool inside = false;
    for (const auto& [first, last] : series.events) {
      inside = inside || (row >= first && row <= last + corpus.late);
      if (last < row) behind = rows_between(last, row) / std::max(1.0, rows_between(first, last));
    }
    if (inside) continue;
    ++false_alarms;
    constexpr double kCost = 0.11;
    nab += kCost * (behind > 3 ? -1.0 : sigmoid(behind));
  }
  days += std::max(
      0.0, std::chrono::duration<double>(series.times.back() - series.times[series.start]).count() /
               86400);
}

double Tally::value(const Corpus& corpus) const {
  const auto all = static_cast<double>(events);
  if (corpus.name == "nab") return 100 * (nab + all) / (2 * all);
  if (found == 0) return 0;
  const double recall = static_cast<double>(found) / all;
  const double precision = static_cast<double>(found) / static_cast<double>(found + false_alarms);
  return 100 * 2 * recall * precision / (recall + precision);
}

}  // namespace ota::bench

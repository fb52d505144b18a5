#include "fleet/minutes.h"

#include <algorithm>
#include <cmath>

#include "store/store.h"

namespace ota::fleet {
namespace {

constexpr std::size_t kToTheMinute = 16;  // "2026-08-20T14:03"

Json range_json(const MinuteRange& range) {
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  return {rounded(range.low), rounded(range.mean), rounded(range.high)};
}

MinuteRange range_of(const Json& in) {
  return {in.at(0).get<double>(), in.at(1).get<double>(), in.at(2).get<double>()};
}

Minute minute_of(WallTime at, const Json& in) {
  Minute minute;
  minute.at = at;
  minute.samples = in.value("samples", 0U);
  minute.refused = in.value("refused", 0U);
  minute.score = in.value("score", 0.0);
  if (const auto level = in.find("level"); level != in.end()) level->get_to(minute.level);
  for (std::size_t i = 0; i < minute.values.size(); ++i) {
    const auto found = in.find(std::string(model::to_text(static_cast<model::Metric>(i))));
    if (found != in.end()) minute.values[i] = range_of(*found);
  }
  if (const auto extra = in.find("extra"); extra != in.end()) {
    for (const auto& [name, range] : extra->items())
      minute.extra.emplace_back(name, range_of(range));
  }
  return minute;
}

}  // namespace

std::string minute_key(const std::string& device, WallTime at) {
  return device + "/" + format_rfc3339(at, Fraction::kNone).substr(0, kToTheMinute);
}

Json minute_document(const Minute& minute) {
  constexpr double kDigits = 1e4;
  Json out{{"samples", minute.samples},
           {"refused", minute.refused},
           {"level", minute.level},
           {"score", std::round(minute.score * kDigits) / kDigits}};
  for (std::size_t i = 0; i < minute.values.size(); ++i) {
    if (!minute.values[i]) continue;
    out[std::string(model::to_text(static_cast<model::Metric>(i)))] = range_json(*minute.values[i]);
  }
  for (const auto& [name, range] : minute.extra)
    out["extra"][name] = range_json(range);
  return out;
}

Result<Minute> parse_minute(std::string_view key, const Json& document) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return fail(Errc::kInvalid, "a minute without a device");
  const auto at = parse_rfc3339(std::string(key.substr(slash + 1)) + ":00Z");
  if (!at) return at.error();
  try {
    return minute_of(*at, document);
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("a minute: ") + error.what());
  }
}

void append_points(const Minute& minute, std::vector<HistoryPoint>& points) {
  constexpr std::array kParts{&MinuteRange::low, &MinuteRange::mean, &MinuteRange::high};
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    HistoryPoint& point = points.emplace_back();
    point.at = minute.at + part * seconds(20);
    // Once a minute: three marks would be three incidents.
    point.score = part == 0 ? static_cast<float>(minute.score) : 0;
    point.level = minute.level;
    for (std::size_t i = 0; i < point.values.size(); ++i) {
      if (minute.values[i])
        point.values[i] = static_cast<float>((*minute.values[i]).*kParts.at(part));
    }
  }
}

Result<std::vector<Minute>> read_minutes(store::Store& store, const std::string& device,
                                         WallTime from, WallTime to, std::size_t limit) {
  // The first whole minute of the range, and the one that is no longer in it.
  const auto first = std::chrono::ceil<std::chrono::minutes>(from);
  const auto end = std::chrono::ceil<std::chrono::minutes>(to);
  if (first >= end) return std::vector<Minute>();
  auto documents =
      store.range(std::string(kMinutes), minute_key(device, first), minute_key(device, end), limit);
  if (!documents) return documents.error();
  std::vector<Minute> minutes;
  minutes.reserve(documents->size());
  for (const store::Document& document : *documents) {
    const auto json = parse_json(document.document);
    if (!json) continue;
    if (auto minute = parse_minute(document.key, *json)) minutes.push_back(std::move(*minute));
  }
  return minutes;
}

}  // namespace ota::fleet

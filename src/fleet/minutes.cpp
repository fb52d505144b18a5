#include "fleet/minutes.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <map>

#include "store/store.h"

namespace ota::fleet {
namespace {

constexpr std::size_t kToTheMinute = 16;  // "2026-08-20T14:03"
// Of 100,000 devices a hundred share a row of 16 KB; of a hundred each is nearly alone in its own.
constexpr unsigned kBlocks = 1024;

std::string to_the_minute(WallTime at) {
  return format_rfc3339(at, Fraction::kNone).substr(0, kToTheMinute);
}

// No device is called so: ids begin with a letter or digit.
std::string block_name(unsigned block) {
  std::array<char, 8> name{};
  std::snprintf(name.data(), name.size(), "~%03x", block);
  return name.data();
}

// By FNV-1a (64 bits), which stays the same whatever library builds this.
std::string block_of(std::string_view device) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : device)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return block_name(static_cast<unsigned>(hash % kBlocks));
}

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

// The minute that a row's key names behind its first part.
Result<WallTime> minute_in(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return fail(Errc::kInvalid, "a minute without a place");
  return parse_rfc3339(std::string(key.substr(slash + 1, kToTheMinute)) + ":00Z");
}

// One device's summaries out of rows of many, of which most is not looked at.
class BlockReader {
 public:
  explicit BlockReader(std::string device) : device_(std::move(device)) {}

  // Empty where the row has none of it, or is damaged.
  std::string_view summary_in(const std::string& row) {
    padded_ = simdjson::padded_string(row);
    std::string_view text;
    if (parser_.iterate(padded_).get(document_) != simdjson::SUCCESS) return {};
    if (document_.find_field(device_).get(value_) != simdjson::SUCCESS) return {};
    return value_.raw_json().get(text) == simdjson::SUCCESS ? text : std::string_view();
  }

 private:
  std::string device_;
  simdjson::padded_string padded_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  simdjson::ondemand::object value_;
};

// What of the rows of an owner (a block, or a device) begins in [from, end). `summary_in` gives the
// device's part of a row, empty where it has none.
Result<MinutePage> read_rows(
    store::Store& store, const std::string& owner, WallTime from, WallTime end, std::size_t limit,
    const std::function<std::string_view(const std::string&)>& summary_in) {
  constexpr std::size_t kAtOnce = 256;  // of a large fleet some 4 MB
  constexpr std::size_t kMostRows = 4096;
  std::string first = owner + "/" + to_the_minute(from);
  const std::string last = owner + "/" + to_the_minute(end);
  MinutePage page;
  for (std::size_t looked_at = 0;; looked_at += kAtOnce) {
    const auto rows = store.range(std::string(kMinutes), first, last, kAtOnce);
    if (!rows) return rows.error();
    for (const store::Document& row : *rows) {
      const auto at = minute_in(row.key);
      if (!at) continue;
      // A minute that came twice, as the clock was set back: the later word counts.
      const bool again = !page.minutes.empty() && page.minutes.back().at == *at;
      if ((page.minutes.size() == limit || looked_at >= kMostRows) && !again) {
        page.next = *at;
        return page;
      }
      const auto json = parse_json(summary_in(row.document));
      if (!json) continue;
      auto minute = parse_minute(*at, *json);
      if (!minute) continue;
      if (again) page.minutes.pop_back();
      page.minutes.push_back(std::move(*minute));
    }
    if (rows->size() < kAtOnce) return page;
    first = rows->back().key + '\0';
  }
}

// Both in the order of time, as far as both were read; of a minute in both that of `b`.
MinutePage merged(MinutePage a, MinutePage b, std::size_t limit) {
  MinutePage out;
  out.minutes.reserve(a.minutes.size() + b.minutes.size());
  auto left = a.minutes.begin();
  for (Minute& minute : b.minutes) {
    while (left != a.minutes.end() && left->at < minute.at)
      out.minutes.push_back(std::move(*left++));
    if (left != a.minutes.end() && left->at == minute.at) ++left;
    out.minutes.push_back(std::move(minute));
  }
  std::move(left, a.minutes.end(), std::back_inserter(out.minutes));
  out.next = a.next && b.next ? std::min(*a.next, *b.next) : a.next ? a.next : b.next;
  if (out.next) std::erase_if(out.minutes, [&](const Minute& m) { return m.at >= *out.next; });
  if (out.minutes.size() > limit) {
    out.next = out.minutes[limit].at;
    out.minutes.resize(limit);
  }
  return out;
}

}  // namespace

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

Result<Minute> parse_minute(WallTime at, const Json& document) {
  try {
    return minute_of(at, document);
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("a minute: ") + misfit(error));
  }
}

std::vector<store::Put> minute_rows(std::span<const FinishedMinute> finished,
                                    std::uint64_t writing) {
  std::array<char, 20> written{};
  std::snprintf(written.data(), written.size(), "/%012llx",
                static_cast<unsigned long long>(writing));
  std::map<std::string, std::string> rows;
  for (const FinishedMinute& minute : finished) {
    const std::string key = block_of(minute.device) + "/" + to_the_minute(minute.at);
    std::string& row = rows[key + written.data()];
    row += row.empty() ? "{\"" : ",\"";
    row += minute.device + "\":" + minute.document;
  }
  std::vector<store::Put> puts;
  puts.reserve(rows.size());
  for (auto& [key, row] : rows)
    puts.push_back({std::string(kMinutes), key, row + "}"});
  return puts;
}

std::vector<std::string> minute_blocks() {
  std::vector<std::string> names;
  names.reserve(kBlocks);
  for (unsigned block = 0; block < kBlocks; ++block)
    names.push_back(block_name(block));
  return names;
}

store::Batch expired_minutes(const std::vector<std::string>& owners, WallTime before) {
  const std::string end = to_the_minute(before);
  store::Batch batch;
  batch.ranges.reserve(owners.size());
  for (const std::string& owner : owners) {
    const std::string first = owner + "/";
    batch.ranges.push_back({std::string(kMinutes), first, first + end});
  }
  return batch;
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

Result<MinutePage> read_minutes(store::Store& store, const std::string& device, WallTime from,
                                WallTime to, std::size_t limit) {
  // The first whole minute of the range, and the one that is no longer in it.
  const auto first = std::chrono::ceil<std::chrono::minutes>(from);
  const auto end = std::chrono::ceil<std::chrono::minutes>(to);
  if (first >= end) return MinutePage();
  // As programs before the blocks stored them.
  auto single = read_rows(store, device, first, end, limit,
                          [](const std::string& row) { return std::string_view(row); });
  if (!single) return single.error();
  BlockReader reader(device);
  auto blocks = read_rows(store, block_of(device), first, end, limit,
                          [&reader](const std::string& row) { return reader.summary_in(row); });
  if (!blocks) return blocks.error();
  return merged(std::move(*single), std::move(*blocks), limit);
}

Result<std::vector<Minute>> read_all_minutes(store::Store& store, const std::string& device,
                                             WallTime from, WallTime to) {
  constexpr std::size_t kPage = 4096;
  std::vector<Minute> all;
  for (std::optional<WallTime> next = from; next;) {
    auto page = read_minutes(store, device, *next, to, kPage);
    if (!page) return page.error();
    std::move(page->minutes.begin(), page->minutes.end(), std::back_inserter(all));
    next = page->next;
  }
  return all;
}

}  // namespace ota::fleet

#include "cli/device_columns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "base/nearest_word.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/arguments.h"
#include "cli/format.h"
#include "fleet/snapshot.h"
#include "model/version.h"

namespace ota::cli {
namespace {

constexpr std::array<std::string_view, 4> kVerdicts{"critical", "watch", "unknown", "stable"};

std::string confirmed_of(const Json& row) {
  return version_of(object_at(object_at(row, "facts"), "confirmed"));
}

std::string target_of(const Json& row) {
  const std::string target = cell(row, "target");
  return target == "-" ? target : "v" + target;
}

std::string job_of(const Json& row) {
  const std::string job = text_at(row, "job");
  if (job.empty()) return "-";
  std::string out = job + " " + text_at(row, "job_state");
  if (text_at(row, "job_state") == "downloading") {
    out += " " + format_number(number_at(row, "job_percent"), 0) + " %";
  }
  return printable(out, kMaxCell);
}

// What updates the device: its DDI client, else an agent of this system.
std::string client_of(const Json& row) {
  const std::string client = cell(row, "ddi_client");
  return client == "-" ? "ota-agent" : client;
}

// Where a row stands in a column; the least comes first. None: it has nothing there.
struct Place {
  double number = 0;
  model::Version version;
  std::string text;
};
using MaybePlace = std::optional<Place>;

MaybePlace by_number(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  return Place{value, {}, {}};
}

MaybePlace by_text(const std::string& text) {
  if (text.empty() || text == "-") return std::nullopt;
  return Place{0, {}, text};
}

// One that is no version of ours comes behind those that are.
MaybePlace by_version(const std::string& label) {
  if (label == "-") return std::nullopt;
  const auto version = model::Version::parse(label);
  return version ? Place{0, *version, {}} : Place{1, {}, label};
}

MaybePlace by_rank(std::span<const std::string_view> worst_first, const std::string& word) {
  const auto found = std::find(worst_first.begin(), worst_first.end(), word);
  if (found == worst_first.end()) return std::nullopt;
  return by_number(static_cast<double>(found - worst_first.begin()));
}

MaybePlace by_reading(const Json& row, const char* metric) {
  if (!is_set(row, "online")) return std::nullopt;
  return by_number(-number_at(object_at(row, "values"), metric, std::nan("")));
}

struct Column {
  std::string_view name;
  std::string_view title;
  Align align;
  std::string (*cell)(const Json& row, WallTime now);
  MaybePlace (*place)(const Json& row);
};

template <const char* Key>
Column text_column(std::string_view name, std::string_view title) {
  return {name, title, Align::kLeft, [](const Json& row, WallTime) { return cell(row, Key); },
          [](const Json& row) { return by_text(text_at(row, Key)); }};
}

template <const char* Metric, const char* Unit>
Column reading_column(std::string_view title) {
  return {Metric, title, Align::kRight,
          [](const Json& row, WallTime) { return metric_of(row, Metric, Unit); },
          [](const Json& row) { return by_reading(row, Metric); }};
}

constexpr char kId[] = "id";
constexpr char kGate[] = "gate";
constexpr char kModel[] = "hardware";
constexpr char kGroup[] = "group";
constexpr char kJob[] = "job";
constexpr char kCpu[] = "cpu";
constexpr char kMem[] = "mem";
constexpr char kDisk[] = "disk";
constexpr char kTemp[] = "temp";
constexpr char kPercent[] = "%";
constexpr char kCelsius[] = "C";

std::span<const Column> columns() {
  static const std::array<Column, 16> all{
      {text_column<kId>("device", "DEVICE"),
       {"state", "STATE", Align::kLeft,
        [](const Json& row, WallTime) { return cell(row, "state"); },
        [](const Json& row) { return by_rank(device_states(), text_at(row, "state")); }},
       {"verdict", "VERDICT", Align::kLeft,
        [](const Json& row, WallTime) { return cell(row, "level"); },
        [](const Json& row) { return by_rank(kVerdicts, text_at(row, "level")); }},
       {"risk", "RISK", Align::kRight, [](const Json& row, WallTime) { return risk_of(row); },
        [](const Json& row) {
          return is_set(row, "online") ? by_number(-number_at(row, "risk")) : std::nullopt;
        }},
       {"version", "VERSION", Align::kLeft,
        [](const Json& row, WallTime) { return confirmed_of(row); },
        [](const Json& row) { return by_version(confirmed_of(row)); }},
       {"target", "TARGET", Align::kLeft, [](const Json& row, WallTime) { return target_of(row); },
        [](const Json& row) { return by_version(target_of(row)); }},
       text_column<kGate>("gate", "GATE"),
       reading_column<kCpu, kPercent>("CPU"),
       reading_column<kMem, kPercent>("MEM"),
       reading_column<kDisk, kPercent>("DISK"),
       reading_column<kTemp, kCelsius>("TEMP"),
       {"seen", "SEEN", Align::kRight,
        [](const Json& row, WallTime now) { return age_of(row, "last_seen", now); },
        [](const Json& row) {
          const auto since = stamp_at(row, "last_seen").time_since_epoch();
          return by_number(std::chrono::duration<double>(since).count());
        }},
       text_column<kModel>("model", "MODEL"),
       text_column<kGroup>("group", "GROUP"),
       {"client", "CLIENT", Align::kLeft, [](const Json& row, WallTime) { return client_of(row); },
        [](const Json& row) { return by_text(client_of(row)); }},
       {"job", "JOB", Align::kLeft, [](const Json& row, WallTime) { return job_of(row); },
        [](const Json& row) { return by_text(text_at(row, kJob)); }}}};
  return all;
}

Result<const Column*> column_of(std::string_view name) {
  for (const Column& column : columns()) {
    if (column.name == name) return &column;
  }
  const std::vector<std::string_view> names = device_column_names();
  std::string all;
  for (const std::string_view one : names)
    all.append(all.empty() ? "" : ", ").append(one);
  const std::string_view near = nearest_word(name, names);
  return usage_error("there is no column \"" + printable(name, kMaxCell) + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?") +
                     " There are " + all);
}

bool less(const Place& a, const Place& b) {
  if (a.number != b.number) return a.number < b.number;
  if (const auto order = a.version <=> b.version; order != 0) return order < 0;
  return a.text < b.text;
}

}  // namespace

std::vector<std::string_view> device_states() {
  std::vector<std::string_view> words;
  for (const auto& [state, word] : fleet::kDeviceStateWords)
    words.push_back(word);
  return words;
}

std::vector<std::string_view> device_column_names() {
  std::vector<std::string_view> names;
  for (const Column& column : columns())
    names.push_back(column.name);
  return names;
}

Result<std::vector<std::string_view>> parse_device_columns(const std::string& list) {
  std::vector<std::string_view> names;
  for (const std::string& word : split(list, ',')) {
    const auto column = column_of(word);
    if (!column) return column.error();
    names.push_back((*column)->name);
  }
  return names;
}

Table device_table(const Json& rows, WallTime now, const std::vector<std::string_view>& wanted) {
  std::vector<const Column*> shown;
  for (const std::string_view name : wanted) {
    if (const auto column = column_of(name)) shown.push_back(*column);
  }
  if (wanted.empty()) {
    for (const Column& column : columns())
      shown.push_back(&column);
  }
  std::vector<Table::Column> titles;
  titles.reserve(shown.size());
  for (const Column* column : shown)
    titles.push_back({column->title, column->align});
  Table table(std::move(titles));
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    cells.reserve(shown.size());
    for (const Column* column : shown)
      cells.push_back(column->cell(row, now));
    table.add(std::move(cells));
  }
  return table;
}

Result<void> sort_devices(Json& rows, std::string_view by, Order order) {
  const auto column = column_of(by);
  if (!column) return column.error();
  std::vector<std::pair<MaybePlace, Json>> placed;
  for (Json& row : rows) {
    MaybePlace place = (*column)->place(row);
    placed.emplace_back(std::move(place), std::move(row));
  }
  std::stable_sort(placed.begin(), placed.end(), [order](const auto& a, const auto& b) {
    if (!a.first || !b.first) return a.first.has_value() && !b.first.has_value();
    return order == Order::kReverse ? less(*b.first, *a.first) : less(*a.first, *b.first);
  });
  for (std::size_t i = 0; i < placed.size(); ++i)
    rows[i] = std::move(placed[i].second);
  return {};
}

}  // namespace ota::cli

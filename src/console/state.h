// All that the operator has chosen: view, selection, filters, open dialogs. No device data.
//
// A selection is kept by name, not by row, so that it stays with its device when the order changes.
// Thread: UI only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "console/actions.h"
#include "console/canvas.h"
#include "console/keymap.h"
#include "console/sign_flow.h"
#include "console/update_flow.h"
#include "model/event.h"

namespace ota::console {

enum class SortColumn : std::uint8_t {
  kState,
  kDevice,
  kModel,
  kGroup,
  kVersion,
  kRisk,
  kCpu,
  kMem,
  kDisk,
  kTemp,
  kSeen,
};
inline constexpr std::size_t kSortColumns = 11;
std::string_view name_of(SortColumn column);

// What the log shows.
struct LogFilter {
  model::Severity at_least = model::Severity::kInfo;
  std::string filter;
  std::string source;  // a device's id; empty: all
  bool operator==(const LogFilter&) const = default;
};

// Looking in the store for an event that is older than what is loaded, a thousand at a time.
struct LogSearch {
  enum class Stage : std::uint8_t { kReading, kNone, kLimit };
  LogFilter filter;  // what the log showed when it began; another one ends it
  model::Severity at_least = model::Severity::kInfo;
  std::uint64_t before = 0;  // by sequence number: the found one is older
  Stage stage = Stage::kReading;
  std::uint64_t read_to = 0;  // the oldest event that was looked at
};

struct LogState : LogFilter {
  bool following = true;
  std::uint64_t selected = 0;   // by sequence number
  std::uint64_t paused_at = 0;  // nothing newer is shown while not following
  // What memory held at that moment: shown until the log is followed again.
  std::shared_ptr<const std::vector<std::shared_ptr<const model::Event>>> held;
  bool full_record = false;  // the selected event takes the whole body
  int scroll = 0;            // within the full record
  std::optional<LogSearch> search;
};

// What stands in the status row until it is replaced or 10 s old.
struct Notice {
  std::string text;
  Ink ink = Ink::kText;
  WallTime at;
};

// A line that is being typed at the bottom.
struct Prompt {
  enum class Kind : std::uint8_t { kFilter, kCommand, kExport, kPort, kStop };
  Kind kind = Kind::kFilter;
  std::string text;
  std::size_t recalled = 0;  // how far back in the history; 0: what is typed
};

// A question; Cancel is preselected.
struct Question {
  std::string title;
  std::vector<std::string> lines;
  std::string verb;  // the other button
  std::function<void()> accept;
  bool on_verb = false;
};

// The list of columns that `c` opens.
struct ColumnChooser {
  std::size_t selected = 0;  // in model::kColumnNames
};

struct HelpState {
  std::string search;
  std::size_t selected = 0;
};

struct UiState {
  Keymap keymap;
  View view = View::kSummary;
  View before = View::kSummary;  // where Esc goes from a view that has no tab
  std::string device;            // selected; empty: none
  std::set<std::string> marked;
  std::string filter;  // of the device table
  SortColumn sort = SortColumn::kState;
  bool reverse = false;
  std::set<std::string> hidden_columns;  // names of model::kColumnNames
  seconds span{300};                     // of the graphs
  bool span_chosen = false;              // by + or -; before that it grows with the readings
  milliseconds pan{};                    // how far their end is in the past
  LogState log;
  std::string job;  // selected
  std::string job_filter;
  std::string agent;  // selected
  int scroll = 0;     // of the device's page
  bool frozen = false;
  WallTime frozen_at;
  std::optional<Notice> notice;
  std::optional<Prompt> prompt;
  std::optional<Question> question;
  std::optional<HelpState> help;
  std::optional<ColumnChooser> columns;
  std::optional<UpdateFlow> update;
  std::string pending;  // selected of the changes that wait for signatures, by its role
  std::optional<SignFlow> sign;
  std::vector<std::string> filters;   // history, oldest first
  std::vector<std::string> commands;  // history, oldest first

  // Something that takes keys lies over the view; a question is drawn at every size and not meant.
  bool has_dialog() const { return prompt || help || columns || update || sign; }
};

}  // namespace ota::console

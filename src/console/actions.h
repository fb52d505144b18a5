// Every key of the console in one table: what it does, where it works, and the words that help and
// hints show.
//
// Help is generated from this table and so are the hints; a key that is not here does nothing, but
// console.json may give an action other keys (keymap.h). To add one: an enumerator, a line in the
// table, its case in the view's controller, and its name in model/screen_settings.h. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "console/key.h"

namespace ota::console {

enum class View : std::uint8_t { kSummary, kGraphs, kLog, kUpdates, kAgents, kDevice, kTrust };
inline constexpr std::size_t kViewCount = 7;
std::string_view title_of(View view);

// The views where a binding works, as a set of bits.
using ViewSet = std::uint8_t;
constexpr ViewSet in(View view) {
  return static_cast<ViewSet>(1U << static_cast<unsigned>(view));
}
inline constexpr ViewSet kEverywhere = 0x7f;

enum class Action : std::uint8_t {
  kShowSummary,
  kShowGraphs,
  kShowLog,
  kShowUpdates,
  kShowAgents,
  kNextDevice,
  kPreviousDevice,
  kUpdate,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kFirst,
  kLast,
  kOpen,
  kBack,
  kMark,
  kMarkAll,
  kFilter,
  kNextMatch,
  kPreviousMatch,
  kSort,
  kReverseSort,
  kColumns,
  kFreeze,
  kZoomIn,
  kZoomOut,
  kPanBack,
  kPanForward,
  kLive,
  kPauseLog,
  kFollow,
  kSeverity,
  kNextError,
  kPreviousError,
  kNextWarning,
  kPreviousWarning,
  kGraphsOfDevice,
  kLogOfDevice,
  kRollback,
  kRevoke,
  kAcknowledge,
  kCancelJob,
  kShowTrust,
  kSign,
  kRestartAgent,
  kStopAgent,
  kStartAgent,
  kRetry,
  kOtherPort,
  kCopy,
  kExport,
  kCommand,
  kHelp,
  kRedraw,
  kSuspend,
  kQuit,
};

struct Binding {
  Action action;
  ViewSet views;
  std::string_view keys;  // names, separated by blanks: "j Down"
  std::string_view name;  // one word or two, unique: what `:` and search know it by
  std::string_view help;  // ends in "..." where it asks before it acts
  std::string_view hint;  // for the key row; empty: not there
};

std::span<const Binding> bindings();

// Whether it changes a device, a job or an agent: what --read-only refuses.
bool changes_fleet(Action action);

// Whether `text` holds `part`, ASCII letters compared without case.
bool contains_folded(std::string_view text, std::string_view part);

}  // namespace ota::console

// The keys of the console: what each does, where it works, who may use it, and the words that help
// and hints show.
//
// A view has keys of its own (views/*.cpp) and those that all views, or all views of a kind, share
// (actions.cpp). Help is generated from these tables and so are the hints; a key that is not there
// does nothing, but console.json may give an action other keys (keymap.h). To add one: an
// enumerator, a line in a table, its case in the controller, and its name in
// model/screen_settings.h. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "console/key.h"

namespace ota::console {

enum class View : std::uint8_t { kSummary, kGraphs, kLog, kUpdates, kAgents, kDevice, kTrust };
inline constexpr std::size_t kViewCount = 7;

// What the operator of this screen may do; --read-only takes all but looking.
enum class Access : std::uint8_t { kReadOnly, kFull };

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
  kStop,
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

// What a view must have so that a shared key works in it.
enum class Needs : std::uint8_t {
  kNothing,
  kLines,      // something to move in
  kOpen,       // lines that open
  kFilter,     // a filter
  kDevice,     // a device of which the selected line is
  kDevices,    // devices are what it is about
  kStandstill  // a picture that can be held still
};

struct Binding {
  Action action;
  std::string_view keys;  // names, separated by blanks: "j Down"
  std::string_view name;  // one word or two, unique: what `:` and search know it by
  std::string_view help;  // ends in "..." where it asks before it acts
  std::string_view hint;  // for the key row; empty: not there
  // kFull: it changes devices, jobs, agents or the server, and --read-only refuses it.
  Access access = Access::kReadOnly;
  Needs needs = Needs::kNothing;
};

// The keys of a view in the order of help and hints. Where two have the same key, the view's own
// comes first; a shared one that has lost all of its keys is not there.
std::span<const Binding* const> bindings_of(View view);
// Those of all views, each once.
std::span<const Binding* const> all_bindings();

// The shared keys that stand before a view's own, and behind them.
std::span<const Binding> leading_bindings();
std::span<const Binding> trailing_bindings();

// What an action takes, whatever key or command asks for it.
Access access_for(Action action);

}  // namespace ota::console

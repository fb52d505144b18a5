#include "console/actions.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ota::console {
namespace {

constexpr auto kFull = Access::kFull;
constexpr auto kLooks = Access::kReadOnly;

// What is used most comes first; `?` is put last by the key row itself.
constexpr std::array<Binding, 5> kLeading{{
    {Action::kOpen, "Enter", "open", "open the selected line", "open", kLooks, Needs::kOpen},
    {Action::kNextDevice, "d", "next device", "next device", ""},
    {Action::kPreviousDevice, "D", "previous device", "previous device", ""},
    {Action::kUpdate, "u", "update", "update marked devices, or this one...", "update...", kFull,
     Needs::kDevice},
    {Action::kFilter, "/", "filter", "filter; !text excludes, Up recalls", "filter", kLooks,
     Needs::kFilter},
}};

constexpr std::array<Binding, 28> kTrailing{{
    {Action::kLogOfDevice, "l", "device log", "log of this device", "log", kLooks, Needs::kDevices},
    {Action::kRollback, "b", "roll back", "roll back marked devices, or this one...",
     "roll back...", kFull, Needs::kDevices},
    {Action::kAcknowledge, "a", "acknowledge", "acknowledge FAILED or ROLLBACK", "", kFull,
     Needs::kDevices},
    {Action::kStop, "!", "stop updates", "stop all updates, or let them start again...", "", kFull},
    {Action::kRetry, "R", "retry", "where the server is down: try it again", "", kFull},
    {Action::kOtherPort, "o", "other port", "where the server is down: another port...", "", kFull},
    {Action::kFreeze, "p", "freeze", "hold the picture still; data keep coming", "pause", kLooks,
     Needs::kStandstill},
    {Action::kCopy, "y", "copy", "copy the selected line (OSC 52)", ""},
    {Action::kExport, "x", "export", "write what is shown to a file", ""},
    {Action::kCommand, ":", "command", "command line; Tab completes", "command"},
    {Action::kNextMatch, "n", "next match", "next line that matches the filter", "", kLooks,
     Needs::kFilter},
    {Action::kPreviousMatch, "N", "previous match", "the match before", "", kLooks, Needs::kFilter},
    {Action::kUp, "k Up", "up", "one line up", "", kLooks, Needs::kLines},
    {Action::kDown, "j Down", "down", "one line down", "", kLooks, Needs::kLines},
    {Action::kPageUp, "PgUp", "page up", "one page up", "", kLooks, Needs::kLines},
    {Action::kPageDown, "PgDn", "page down", "one page down", "", kLooks, Needs::kLines},
    {Action::kFirst, "Home g", "first", "first line", "", kLooks, Needs::kLines},
    {Action::kLast, "End G", "last", "last line", "", kLooks, Needs::kLines},
    {Action::kShowSummary, "1", "summary", "the fleet", ""},
    {Action::kShowGraphs, "2", "graphs", "one device's readings over time", ""},
    {Action::kShowLog, "3", "security log", "events", ""},
    {Action::kShowUpdates, "4", "updates", "jobs, running and past", ""},
    {Action::kShowAgents, "5", "agents", "the agents of this host", ""},
    {Action::kBack, "Esc", "back", "back; never quits", ""},
    {Action::kRedraw, "Ctrl-L", "redraw", "draw the screen anew", ""},
    {Action::kSuspend, "Ctrl-Z", "suspend", "suspend, and the server with it...", "", kFull},
    {Action::kQuit, "q Ctrl-C", "quit", "stop the server and quit...", "quit", kFull},
    {Action::kHelp, "? F1", "help", "keys of this view; type to search", "help"},
}};

}  // namespace

std::span<const Binding> leading_bindings() {
  return kLeading;
}

std::span<const Binding> trailing_bindings() {
  return kTrailing;
}

std::span<const Binding* const> all_bindings() {
  static const std::vector<const Binding*> all = [] {
    std::vector<const Binding*> found;
    for (std::size_t view = 0; view < kViewCount; ++view) {
      for (const Binding* binding : bindings_of(static_cast<View>(view))) {
        if (std::find(found.begin(), found.end(), binding) == found.end()) found.push_back(binding);
      }
    }
    return found;
  }();
  return all;
}

Access access_for(Action action) {
  for (const Binding* binding : all_bindings()) {
    if (binding->action == action) return binding->access;
  }
  return Access::kFull;  // what no key reaches is asked for by nobody
}

}  // namespace ota::console

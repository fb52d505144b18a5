#include "console/actions.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ota::console {
namespace {

constexpr ViewSet kTables =
    static_cast<ViewSet>(in(View::kSummary) | in(View::kLog) | in(View::kUpdates) |
                         in(View::kAgents) | in(View::kDevice) | in(View::kTrust));
constexpr ViewSet kOfDevice =
    static_cast<ViewSet>(in(View::kSummary) | in(View::kGraphs) | in(View::kDevice));
constexpr ViewSet kFiltered =
    static_cast<ViewSet>(in(View::kSummary) | in(View::kLog) | in(View::kUpdates));

// In the order of help and of the hints: what is used most comes first, `?` is put last by the key
// row itself.
constexpr std::array<Binding, 60> kBindings{{
    {Action::kOpen,
     static_cast<ViewSet>(kTables & ~in(View::kDevice) & ~in(View::kAgents) & ~in(View::kTrust)),
     "Enter", "open", "open the selected line", "open"},
    {Action::kNextDevice, static_cast<ViewSet>(kEverywhere & ~in(View::kGraphs)), "d",
     "next device", "next device", ""},
    {Action::kNextDevice, in(View::kGraphs), "d", "next device", "next device", "next device"},
    {Action::kPreviousDevice, kEverywhere, "D", "previous device", "previous device", ""},
    {Action::kUpdate, kEverywhere, "u", "update", "update the selected or marked devices...",
     "update..."},
    {Action::kZoomIn, in(View::kGraphs), "+ =", "zoom in", "show a shorter time", "zoom"},
    {Action::kZoomOut, in(View::kGraphs), "-", "zoom out", "show a longer time", ""},
    {Action::kPanBack, in(View::kGraphs), "[ Left", "earlier", "go back in time", "earlier"},
    {Action::kPanForward, in(View::kGraphs), "] Right", "later", "go forward in time", "later"},
    {Action::kLive, in(View::kGraphs), "0", "live", "back to the present", "live"},
    {Action::kFilter, kFiltered, "/", "filter", "filter; !text excludes, Up recalls", "filter"},
    {Action::kSeverity, in(View::kLog), "l", "level", "least severity shown", "level"},
    {Action::kNextError, in(View::kLog), "e", "next error", "next error", "error"},
    {Action::kPreviousError, in(View::kLog), "E", "previous error", "previous error", ""},
    {Action::kNextWarning, in(View::kLog), "w", "next warning", "next warning or error", ""},
    {Action::kPreviousWarning, in(View::kLog), "W", "previous warning", "previous warning or error",
     ""},
    {Action::kPauseLog, in(View::kLog), "Space", "pause log", "hold the log still, or go on",
     "pause"},
    {Action::kFollow, in(View::kLog), "f End", "follow", "follow the newest events", "follow"},
    {Action::kMark, in(View::kSummary), "Space", "mark", "mark the device for an update", "mark"},
    {Action::kMarkAll, in(View::kSummary), "*", "mark all", "mark all devices shown, or none", ""},
    {Action::kSort, in(View::kSummary), "s", "sort", "sort by the next column", "sort"},
    {Action::kReverseSort, in(View::kSummary), "S", "reverse", "turn the order around", ""},
    {Action::kColumns, in(View::kSummary), "c", "columns", "choose the columns of the table", ""},
    {Action::kCancelJob, in(View::kUpdates), "c", "cancel", "cancel the selected job...",
     "cancel..."},
    {Action::kShowTrust, in(View::kUpdates), "K", "keys and trust",
     "signing roles, and changes that wait for signatures", "keys"},
    {Action::kSign, in(View::kTrust), "s Enter", "sign",
     "read the selected change, then sign it...", "sign..."},
    {Action::kRestartAgent, in(View::kAgents), "r", "restart agent", "restart the agent...",
     "restart..."},
    {Action::kStopAgent, in(View::kAgents), "t", "stop agent", "stop the agent...", "stop..."},
    {Action::kStartAgent, in(View::kAgents), "o", "start agent", "start the agent", "start"},
    {Action::kGraphsOfDevice, static_cast<ViewSet>(in(View::kSummary) | in(View::kDevice)), "g",
     "device graphs", "graphs of this device", "graphs"},
    {Action::kLogOfDevice, kOfDevice, "l", "device log", "log of this device", "log"},
    {Action::kRollback, kOfDevice, "b", "roll back", "roll back to the other slot...",
     "roll back..."},
    {Action::kAcknowledge, kOfDevice, "a", "acknowledge", "acknowledge FAILED or ROLLBACK", ""},
    {Action::kRevoke, in(View::kDevice), "R", "revoke", "revoke the device's certificate...", ""},
    {Action::kRetry, static_cast<ViewSet>(kEverywhere & ~in(View::kDevice)), "R", "retry",
     "where the server is down: try it again", ""},
    {Action::kOtherPort, static_cast<ViewSet>(kEverywhere & ~in(View::kAgents)), "o", "other port",
     "where the server is down: another port...", ""},
    {Action::kFreeze, static_cast<ViewSet>(kEverywhere & ~in(View::kLog)), "p", "freeze",
     "hold the picture still; data keep coming", "pause"},
    {Action::kCopy, kEverywhere, "y", "copy", "copy the selected line (OSC 52)", ""},
    {Action::kExport, kEverywhere, "x", "export", "write what is shown to a file", ""},
    {Action::kCommand, kEverywhere, ":", "command", "command line; Tab completes", "command"},
    {Action::kNextMatch, kFiltered, "n", "next match", "next line that matches the filter", ""},
    {Action::kPreviousMatch, kFiltered, "N", "previous match", "the match before", ""},
    {Action::kUp, kTables, "k Up", "up", "one line up", ""},
    {Action::kDown, kTables, "j Down", "down", "one line down", ""},
    {Action::kPageUp, kTables, "PgUp", "page up", "one page up", ""},
    {Action::kPageDown, kTables, "PgDn", "page down", "one page down", ""},
    {Action::kFirst, static_cast<ViewSet>(kTables & ~in(View::kSummary) & ~in(View::kDevice)),
     "Home g", "first", "first line", ""},
    {Action::kFirst, static_cast<ViewSet>(in(View::kSummary) | in(View::kDevice)), "Home", "first",
     "first line", ""},
    {Action::kLast, in(View::kLog), "G", "last", "last line", ""},
    {Action::kLast, static_cast<ViewSet>(kTables & ~in(View::kLog)), "End G", "last", "last line",
     ""},
    {Action::kShowSummary, kEverywhere, "1", "summary", "the fleet", ""},
    {Action::kShowGraphs, kEverywhere, "2", "graphs", "one device's readings over time", ""},
    {Action::kShowLog, kEverywhere, "3", "security log", "events", ""},
    {Action::kShowUpdates, kEverywhere, "4", "updates", "jobs, running and past", ""},
    {Action::kShowAgents, kEverywhere, "5", "agents", "the agents of this host", ""},
    {Action::kBack, kEverywhere, "Esc", "back", "back; never quits", ""},
    {Action::kRedraw, kEverywhere, "Ctrl-L", "redraw", "draw the screen anew", ""},
    {Action::kSuspend, kEverywhere, "Ctrl-Z", "suspend", "suspend; fg comes back", ""},
    {Action::kQuit, kEverywhere, "q Ctrl-C", "quit", "stop the server and quit...", "quit"},
    {Action::kHelp, kEverywhere, "? F1", "help", "keys of this view; type to search", "help"},
}};

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string_view title_of(View view) {
  constexpr std::array<std::string_view, kViewCount> kTitles{
      "Summary", "Graphs", "Security log", "Updates", "Agents", "Device", "Keys and trust"};
  return kTitles.at(static_cast<std::size_t>(view));
}

std::span<const Binding> bindings() {
  return kBindings;
}

bool changes_fleet(Action action) {
  switch (action) {
    case Action::kUpdate:
    case Action::kRollback:
    case Action::kRevoke:
    case Action::kAcknowledge:
    case Action::kCancelJob:
    case Action::kSign:
    case Action::kRestartAgent:
    case Action::kStopAgent:
    case Action::kStartAgent:
      return true;
    default:
      return false;
  }
}

bool contains_folded(std::string_view text, std::string_view part) {
  const auto found = std::search(text.begin(), text.end(), part.begin(), part.end(),
                                 [](char a, char b) { return folded(a) == folded(b); });
  return part.empty() || found != text.end();
}

}  // namespace ota::console

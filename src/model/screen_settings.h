// What console.json may say about the screen, and the names that it may use for it.
//
// The names are those of the console's own tables. They stand here because `config` has to check a
// file without knowing the console; a test of the console holds the two together. Pure; any thread.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ota::model {

struct ScreenSettings {
  std::map<std::string, std::vector<std::string>> keys;  // action -> its keys, in place of its own
  std::set<std::string> hidden_columns;                  // of the table of devices
  bool operator==(const ScreenSettings&) const = default;
};

inline constexpr std::array<std::string_view, 58> kActionNames{"acknowledge",
                                                               "agents",
                                                               "back",
                                                               "cancel",
                                                               "columns",
                                                               "command",
                                                               "copy",
                                                               "device-graphs",
                                                               "device-log",
                                                               "down",
                                                               "earlier",
                                                               "export",
                                                               "filter",
                                                               "first",
                                                               "follow",
                                                               "freeze",
                                                               "graphs",
                                                               "help",
                                                               "keys-and-trust",
                                                               "last",
                                                               "later",
                                                               "level",
                                                               "live",
                                                               "mark",
                                                               "mark-all",
                                                               "next-device",
                                                               "next-error",
                                                               "next-match",
                                                               "next-warning",
                                                               "open",
                                                               "other-port",
                                                               "page-down",
                                                               "page-up",
                                                               "pause-log",
                                                               "previous-device",
                                                               "previous-error",
                                                               "previous-match",
                                                               "previous-warning",
                                                               "quit",
                                                               "redraw",
                                                               "restart-agent",
                                                               "retry",
                                                               "reverse",
                                                               "revoke",
                                                               "roll-back",
                                                               "security-log",
                                                               "sign",
                                                               "sort",
                                                               "start-agent",
                                                               "stop-agent",
                                                               "stop-updates",
                                                               "summary",
                                                               "suspend",
                                                               "up",
                                                               "update",
                                                               "updates",
                                                               "zoom-in",
                                                               "zoom-out"};

// DEVICE and STATE are always shown.
inline constexpr std::array<std::string_view, 11> kColumnNames{
    "model", "group", "version", "target", "risk", "cpu", "mem", "disk", "temp", "seen", "gate"};

// One sign, or the name of a key: "Space", "PgDn", "F5", "Ctrl-E". Not Esc, Ctrl-C, Ctrl-L and
// Ctrl-Z, which mean the same everywhere and always, nor what a terminal cannot tell from other
// keys.
bool is_key_name(std::string_view name);

}  // namespace ota::model

// Which key does what: the table of actions.cpp, changed by what console.json says.
//
// An action that console.json gives keys has those and no others. A key that it takes for one
// action is lost to the action that had it before, in the views where both work. Help and hints ask
// here too, so that they never show a key that does something else. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "console/actions.h"
#include "model/screen_settings.h"

namespace ota::console {

class Keymap {
 public:
  Keymap() = default;  // the keys of the table
  explicit Keymap(const model::ScreenSettings& settings) : changed_(settings.keys) {}

  // What the key does in a view; null: nothing.
  const Binding* find(View view, const Key& key) const;
  // The keys of a binding that reach it in this view, the first one first; may be empty.
  std::vector<std::string> keys_of(const Binding& binding, View view) const;

  // The bindings of a view that match `search` (in key, name or help, case ignored), in the table's
  // order.
  std::vector<const Binding*> help_for(View view, std::string_view search) const;

 private:
  const Binding* find(View view, const std::string& key) const;

  std::map<std::string, std::vector<std::string>> changed_;  // by the action's name in console.json
};

// An action's name as console.json writes it: "next device" is next-device.
std::string action_name(const Binding& binding);

}  // namespace ota::console

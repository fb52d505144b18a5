#include "console/keymap.h"

#include <algorithm>

#include "base/fold.h"
#include "base/text.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

std::vector<std::string> keys_in_table(const Binding& binding) {
  return split(binding.keys, ' ');
}

bool in_table(const Binding& binding, std::string_view key) {
  std::string_view rest = binding.keys;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == key) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool holds(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Whether it is the view's own, and not one that several share.
bool is_own(const Binding& binding, View view) {
  const auto own = spec_of(view).keys;
  return std::any_of(own.begin(), own.end(),
                     [&](const Binding& other) { return &other == &binding; });
}

// What means the same whatever console.json says: the way back and the way out.
bool is_fixed(const std::string& key) {
  return key == "Esc" || key == "Ctrl-C" || key == "Ctrl-L" || key == "Ctrl-Z";
}

}  // namespace

std::string action_name(const Binding& binding) {
  std::string name(binding.name);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

const Binding* Keymap::find(View view, const Key& key) const {
  if (key.kind == Key::Kind::kPaste) return nullptr;
  return find(view, key.name());
}

const Binding* Keymap::find(View view, const std::string& key) const {
  const Binding* by_table = nullptr;
  for (const Binding* binding : bindings_of(view)) {
    const auto changed = changed_.empty() ? changed_.end() : changed_.find(action_name(*binding));
    if (changed != changed_.end() && !is_fixed(key)) {
      if (holds(changed->second, key)) return binding;
    } else if (in_table(*binding, key) && (by_table == nullptr || is_own(*binding, view))) {
      by_table = binding;
    }
  }
  return by_table;
}

std::vector<std::string> Keymap::keys_of(const Binding& binding, View view) const {
  const auto changed = changed_.find(action_name(binding));
  std::vector<std::string> keys =
      changed == changed_.end() ? keys_in_table(binding) : changed->second;
  for (const std::string& key : keys_in_table(binding)) {
    if (changed != changed_.end() && is_fixed(key)) keys.push_back(key);
  }
  std::erase_if(keys, [&](const std::string& key) {
    const Binding* found = find(view, key);
    return found == nullptr || found->action != binding.action;
  });
  return keys;
}

std::vector<const Binding*> Keymap::help_for(View view, std::string_view search) const {
  std::vector<const Binding*> found;
  for (const Binding* binding : bindings_of(view)) {
    const std::vector<std::string> keys = keys_of(*binding, view);
    const bool in_keys = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
      return contains_folded(key, search);
    });
    if (in_keys || contains_folded(binding->name, search) ||
        contains_folded(binding->help, search)) {
      found.push_back(binding);
    }
  }
  return found;
}

}  // namespace ota::console

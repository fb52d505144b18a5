// Keys that console.json gives to actions.
#include "console/keymap.h"

#include <set>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::console;

namespace {

Key sign(char c) {
  return {Key::Kind::kText, static_cast<char32_t>(c), {}};
}

Action action_of(const Keymap& keymap, View view, const Key& key) {
  const Binding* binding = keymap.find(view, key);
  REQUIRE(binding != nullptr);
  return binding->action;
}

const Binding& binding_of(Action action) {
  for (const Binding* binding : all_bindings()) {
    if (binding->action == action) return *binding;
  }
  FAIL("not in the table");
  return *all_bindings().front();
}

}  // namespace

TEST_CASE("the actions that console.json may name are those of the console's table", "[console]") {
  std::set<std::string> in_table;
  for (const Binding* binding : all_bindings())
    in_table.insert(action_name(*binding));
  const std::set<std::string> in_file(model::kActionNames.begin(), model::kActionNames.end());
  CHECK(in_file == in_table);
  CHECK(in_file.size() == model::kActionNames.size());
}

TEST_CASE("every key of the table has a name that console.json takes, but the fixed ones",
          "[console]") {
  const std::set<std::string> fixed{"Esc", "Ctrl-C", "Ctrl-L", "Ctrl-Z"};
  const Keymap keymap;
  for (const Binding* binding : all_bindings()) {
    for (unsigned view = 0; view < kViewCount; ++view) {
      for (const std::string& key : keymap.keys_of(*binding, static_cast<View>(view))) {
        CAPTURE(key);
        CHECK(model::is_key_name(key) == !fixed.contains(key));
      }
    }
  }
}

TEST_CASE("a name of a key is what the decoder calls it", "[console]") {
  for (const char* name : {"F2", "F5", "F12", "PgDn", "Space", "Ctrl-E", "BackTab", "x", "~"}) {
    CAPTURE(name);
    REQUIRE(model::is_key_name(name));
    KeyDecoder decoder;
    std::vector<Key> keys;
    decoder.feed(bytes_of_key(name).value(), keys);
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].name() == name);
  }
  for (const char* name : {"", "Esc", "Ctrl-C", "Ctrl-M", "ctrl-e", "F13", "F0", "xy", "\033", " "})
    CHECK_FALSE(model::is_key_name(name));
}

TEST_CASE("an action has the keys that it was given, and no others", "[console]") {
  const Keymap keymap(model::ScreenSettings{{{"update", {"U", "F2"}}}, {}});
  CHECK(action_of(keymap, View::kSummary, sign('U')) == Action::kUpdate);
  CHECK(action_of(keymap, View::kGraphs, {Key::Kind::kF2, 0, {}}) == Action::kUpdate);
  CHECK(keymap.find(View::kSummary, sign('u')) == nullptr);
  CHECK(keymap.keys_of(binding_of(Action::kUpdate), View::kSummary) ==
        std::vector<std::string>{"U", "F2"});
}

TEST_CASE("a key that was given away is lost to the action that had it, where both work",
          "[console]") {
  const Keymap keymap(model::ScreenSettings{{{"mark", {"d"}}}, {}});
  CHECK(action_of(keymap, View::kSummary, sign('d')) == Action::kMark);
  CHECK(action_of(keymap, View::kGraphs, sign('d')) == Action::kNextDevice);
  CHECK(keymap.keys_of(binding_of(Action::kNextDevice), View::kSummary).empty());
  CHECK(keymap.keys_of(binding_of(Action::kNextDevice), View::kDevice) ==
        std::vector<std::string>{"d"});
}

TEST_CASE("Esc stays the way back whatever the configuration says", "[console]") {
  const Keymap keymap(model::ScreenSettings{{{"back", {"B"}}, {"quit", {"F10"}}}, {}});
  CHECK(action_of(keymap, View::kLog, {Key::Kind::kEscape, 0, {}}) == Action::kBack);
  CHECK(action_of(keymap, View::kLog, sign('B')) == Action::kBack);
  CHECK(keymap.find(View::kLog, sign('q')) == nullptr);
  CHECK(action_of(keymap, View::kLog, {Key::Kind::kCtrl, U'c', {}}) == Action::kQuit);
}

TEST_CASE("help finds an action by the key that it has now", "[console]") {
  const Keymap keymap(model::ScreenSettings{{{"update", {"F2"}}}, {}});
  const auto found = keymap.help_for(View::kUpdates, "f2");
  REQUIRE(found.size() == 1);
  CHECK(found[0]->action == Action::kUpdate);
}

#include "console/actions.h"

#include <map>
#include <set>

#include "base/text.h"
#include "console/commands.h"
#include "console/keymap.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::console;

namespace {

constexpr std::array<View, kViewCount> kViews{View::kSummary, View::kGraphs, View::kLog,
                                              View::kUpdates, View::kAgents, View::kDevice,
                                              View::kTrust};

}  // namespace

TEST_CASE("no key means two things in one view", "[console]") {
  for (const View view : kViews) {
    std::map<std::string, std::string_view> taken;
    for (const Binding& binding : bindings()) {
      if ((binding.views & in(view)) == 0) continue;
      for (const std::string& key : split(binding.keys, ' ')) {
        const auto [place, fresh] = taken.emplace(key, binding.name);
        INFO(title_of(view) << ": " << key << " is " << place->second << " and " << binding.name);
        CHECK(fresh);
      }
    }
  }
}

TEST_CASE("every binding has a name, a help text and a view", "[console]") {
  for (const Binding& binding : bindings()) {
    CHECK_FALSE(binding.name.empty());
    CHECK_FALSE(binding.help.empty());
    CHECK_FALSE(binding.keys.empty());
    CHECK(binding.views != 0);
  }
}

TEST_CASE("the keys that users know are there in every view", "[console]") {
  const std::map<std::string, Action> known{
      {"1", Action::kShowSummary},    {"2", Action::kShowGraphs},
      {"3", Action::kShowLog},        {"4", Action::kShowUpdates},
      {"5", Action::kShowAgents},     {"d", Action::kNextDevice},
      {"D", Action::kPreviousDevice}, {"u", Action::kUpdate},
      {"q", Action::kQuit},           {"?", Action::kHelp}};
  for (const View view : kViews) {
    for (const auto& [key, action] : known) {
      const Binding* binding =
          Keymap().find(view, {Key::Kind::kText, static_cast<char32_t>(key[0]), {}});
      REQUIRE(binding != nullptr);
      CHECK(binding->action == action);
    }
  }
}

TEST_CASE("help finds a key by a word of its text", "[console]") {
  const Keymap keymap;
  const auto found = keymap.help_for(View::kSummary, "ROLL back");
  REQUIRE(found.size() == 1);
  CHECK(found[0]->action == Action::kRollback);
  CHECK(keymap.help_for(View::kGraphs, "").size() > 15);
}

TEST_CASE("commands are known by an unambiguous beginning", "[console]") {
  REQUIRE(find_command("pu iot-001") != nullptr);
  CHECK(find_command("pu iot-001")->id == CommandId::kPush);
  CHECK(find_command("re") == nullptr);  // retry, revoke
  CHECK(find_command("xyz") == nullptr);
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    CHECK(names.insert(command.name).second);
    CHECK_FALSE(command.help.empty());
  }
}

TEST_CASE("completion goes as far as all candidates agree", "[console]") {
  const std::vector<std::string> words{"iot-001", "iot-002", "this-host"};
  CHECK(complete("pus", words) == "push ");
  CHECK(complete("push i", words) == "push iot-00");
  CHECK(complete("push iot-001,t", words) == "push iot-001,this-host ");
  CHECK(complete("push zz", words) == "push zz");
}

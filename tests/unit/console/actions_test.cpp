#include "console/actions.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "console/commands.h"
#include "console/keymap.h"
#include "console/views/view_spec.h"
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
    for (const Binding* binding : bindings_of(view)) {
      const auto keys = Keymap().keys_of(*binding, view);
      INFO(spec_of(view).title << ": " << binding->name);
      CHECK_FALSE(keys.empty());
      for (const std::string& key : keys) {
        const auto [place, fresh] = taken.emplace(key, binding->name);
        INFO(key << " is " << place->second << " too");
        CHECK(fresh);
      }
    }
  }
}

TEST_CASE("every binding has a name and a help text, and no shared one is without a view",
          "[console]") {
  const auto all = all_bindings();
  for (const Binding* binding : all) {
    CHECK_FALSE(binding->name.empty());
    CHECK_FALSE(binding->help.empty());
    CHECK_FALSE(binding->keys.empty());
  }
  for (const auto shared : {leading_bindings(), trailing_bindings()}) {
    for (const Binding& binding : shared) {
      INFO(binding.name);
      CHECK(std::find(all.begin(), all.end(), &binding) != all.end());
    }
  }
}

// What --read-only refuses is a column of the tables: an action that asks something of the server
// must not be there as one that only looks.
TEST_CASE("an action means the same access on whatever key it is", "[console]") {
  for (const Binding* binding : all_bindings()) {
    CAPTURE(binding->name);
    CHECK(access_for(binding->action) == binding->access);
  }
  for (const Action action :
       {Action::kUpdate, Action::kRollback, Action::kRevoke, Action::kAcknowledge,
        Action::kCancelJob, Action::kSign, Action::kRestartAgent, Action::kStopAgent,
        Action::kStartAgent, Action::kRetry, Action::kOtherPort, Action::kSuspend, Action::kQuit}) {
    CHECK(access_for(action) == Access::kFull);
  }
}

TEST_CASE("every view has its words, its picture, and a way to it", "[console]") {
  UiState state;
  state.device = "iot-001";
  std::set<std::string_view> titles;
  std::set<std::string_view> words;
  for (const ViewSpec& view : views()) {
    CAPTURE(view.title);
    CHECK(titles.insert(view.title).second);
    CHECK((view.word.empty() || words.insert(view.word).second));
    CHECK(view.draw != nullptr);
    CHECK(view.context != nullptr);
    CHECK(view.copy != nullptr);
    CHECK(view.export_text != nullptr);
    CHECK_FALSE(view.export_stem(state).empty());
    CHECK_FALSE(view.export_suffix.empty());
    // Esc leads out of it, or it is among the tabs.
    CHECK((view.back != nullptr) == !view.tab.empty());
    CHECK((view.show.has_value() || view.id == View::kDevice));
    CHECK(spec_of(view.id).title == view.title);
  }
}

TEST_CASE("the keys that users know are there in every view", "[console]") {
  const std::map<std::string, Action> known{
      {"1", Action::kShowSummary},    {"2", Action::kShowGraphs}, {"3", Action::kShowLog},
      {"4", Action::kShowUpdates},    {"5", Action::kShowAgents}, {"d", Action::kNextDevice},
      {"D", Action::kPreviousDevice}, {"q", Action::kQuit},       {"?", Action::kHelp}};
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

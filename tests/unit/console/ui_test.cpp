// The console without a terminal: keys in, screens and requests out.
#include "console/ui.h"

#include <random>

#include "fleet/event_log.h"
#include "tests/support/catch.h"
#include "tests/support/chain.h"
#include "tests/support/screen_fixture.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

TEST_CASE("number keys change the view", "[console]") {
  Desk desk;
  CHECK(desk.shows("[1 Summary]"));
  desk.keys("2");
  CHECK(desk.shows("[2 Graphs]"));
  desk.keys("3");
  CHECK(desk.shows("[3 Log]"));
  desk.keys("4");
  CHECK(desk.shows("[4 Updates]"));
  desk.keys("5");
  CHECK(desk.shows("[5 Agents]"));
}

TEST_CASE("d goes through the devices, and D back, in every view", "[console]") {
  Desk desk;
  const std::string first = desk.ui.state().device;
  desk.keys("2 d");
  const std::string second = desk.ui.state().device;
  CHECK(second != first);
  desk.keys("D");
  CHECK(desk.ui.state().device == first);
  desk.keys("D d");
  CHECK(desk.ui.state().device == first);
}

TEST_CASE("the selection stays with its device when the order changes", "[console]") {
  Desk desk;
  desk.keys("j j");
  const std::string device = desk.ui.state().device;
  desk.keys("s s S");
  CHECK(desk.ui.state().device == device);
}

TEST_CASE("u on a stable device updates it after gate and question, in the words that users know",
          "[console]") {
  Desk desk;
  desk.type(":device iot-001");
  desk.keys("Enter u");
  CHECK(desk.shows("Which version?"));
  CHECK(desk.backend.asked.empty());
  desk.keys("Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"preview iot-001 2.1.5"});
  CHECK(desk.shows("ALLOWED"));
  desk.keys("Enter");
  CHECK(desk.shows("[ Cancel ]"));
  desk.keys("Tab Enter");
  CHECK(desk.backend.asked.back() == "push iot-001 2.1.5");
  CHECK(desk.notice() == "SUCCESS: Update to v2.1.5 initiated");
}

TEST_CASE("Enter on a question that was not read cancels", "[console]") {
  Desk desk;
  desk.type(":device iot-001");
  desk.keys("Enter u Enter Enter Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"preview iot-001 2.1.5"});
  CHECK_FALSE(desk.ui.state().update);
}

TEST_CASE("u on a stressed device says why, and records the refusal only when asked to",
          "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter u Enter");
  CHECK(desk.shows("BLOCKED: Anomaly Detected"));
  CHECK(desk.shows("Risk: High Load"));
  CHECK(desk.shows("critical: cpu 97 % for 38 s"));
  desk.keys("Enter Tab Enter");
  CHECK(desk.backend.asked.back() == "push iot-002 2.1.5");
  CHECK(desk.notice() == "BLOCKED: Anomaly Detected");
}

TEST_CASE("a device that runs the version already is skipped", "[console]") {
  Desk desk;
  desk.type(":push iot-003 2.1.5");
  desk.keys("Enter");
  CHECK(desk.shows("SKIPPED: Device already on v2.1.5"));
  desk.keys("Enter Tab Enter");
  CHECK(desk.notice() == "SKIPPED: Device already on v2.1.5");
}

TEST_CASE("for more than one device the version is typed", "[console]") {
  Desk desk;
  desk.type(":push iot-001,iot-005,iot-002 2.1.5");
  desk.keys("Enter");
  desk.keys("Enter Tab Enter");
  CHECK(desk.shows("type 2.1.5 to confirm"));
  // Any other word is refused: the beginning, another version, one letter more.
  const std::size_t before = desk.backend.asked.size();
  for (const char* word : {"2", "yes", "2.1.4", "2.1.55"}) {
    desk.keys("Ctrl-U");
    desk.type(word);
    desk.keys("Enter");
    CAPTURE(word);
    CHECK(desk.shows("type 2.1.5 to confirm"));
    CHECK(desk.backend.asked.size() == before);
  }
  desk.keys("Ctrl-U");
  desk.type("2.1.5");
  desk.keys("Enter");
  CHECK(desk.backend.asked.back() == "push iot-001 iot-005 2.1.5");
  CHECK(desk.notice() == "SUCCESS: Update to v2.1.5 initiated (2)");
}

TEST_CASE("an override is offered for security releases only and needs a reason", "[console]") {
  Desk desk;
  desk.type(":push iot-002 2.1.5");
  desk.keys("Enter o");
  CHECK(desk.shows("cannot be overridden"));
  desk.keys("Esc Esc");
  desk.type(":push iot-002 2.2.0");
  desk.keys("Enter o Enter");
  CHECK(desk.shows("needs a reason"));
  desk.type("closes an open port");
  desk.keys("Enter");
  CHECK(desk.backend.asked.back() == "preview iot-002 2.2.0 override");
  desk.keys("Enter Tab Enter");
  CHECK(desk.backend.asked.back() == "push iot-002 2.2.0 override");
}

TEST_CASE("an answer that comes after Esc changes nothing", "[console]") {
  Desk desk;
  desk.backend.hold_answers = true;
  desk.type(":push iot-001 2.1.5");
  desk.keys("Enter Esc");
  REQUIRE(desk.backend.held.size() == 1);
  desk.backend.held[0]();
  desk.settle();
  REQUIRE(desk.ui.state().update);
  CHECK(desk.ui.state().update->step() == UpdateFlow::Step::kVersion);
}

TEST_CASE("no update can start while the state is not saved", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  fleet->store_writable = false;
  fleet->store_problem = "no space left on device";
  desk.backend.fleet = fleet;
  desk.settle();
  desk.keys("u");
  CHECK_FALSE(desk.ui.state().update);
  CHECK(desk.notice() == "BLOCKED: state is not saved (no space left on device)");
}

TEST_CASE("q asks before it stops the server, with Cancel preselected", "[console]") {
  Desk desk;
  desk.keys("q");
  CHECK(desk.shows("Stop the server and 2 agents?"));
  desk.keys("Enter");
  CHECK(desk.ui.take_effects().empty());
  desk.keys("q Tab Enter");
  REQUIRE(desk.ui.take_effects().size() == 1);
}

TEST_CASE("Esc never quits", "[console]") {
  Desk desk;
  desk.keys("Enter Esc Esc Esc 3 Esc Esc 2 Esc");
  CHECK(desk.ui.take_effects().empty());
  CHECK_FALSE(desk.ui.state().question);
}

TEST_CASE("pasted text does not run keys", "[console]") {
  Desk desk;
  desk.ui.handle({Key::Kind::kPaste, 0, "qqqu5"});
  CHECK(desk.shows("[1 Summary]"));
  CHECK_FALSE(desk.ui.state().question);
  desk.keys("/");
  desk.ui.handle({Key::Kind::kPaste, 0, "iot-00\033[2J1"});
  CHECK(desk.ui.state().prompt->text == "iot-00?[2J1");
}

TEST_CASE("the filter leaves what matches, !text excludes, and Up recalls", "[console]") {
  Desk desk;
  desk.type("/canary !BLOCKED");
  desk.keys("Enter");
  CHECK(desk.ui.model().rows.size() == 2);
  desk.keys("Esc");
  CHECK(desk.ui.model().rows.size() == 12);
  desk.keys("/ Up");
  CHECK(desk.ui.state().prompt->text == "canary !BLOCKED");
}

TEST_CASE("moving up holds the log still and End follows again", "[console]") {
  Desk desk;
  desk.keys("3 k");
  CHECK_FALSE(desk.ui.state().log.following);
  CHECK(desk.shows("PAUSED  +0 new"));
  auto fleet = screen_fleet();
  auto events = *fleet->events;
  auto event = std::make_shared<model::Event>(*events.back());
  event->seq += 1;
  events.push_back(event);
  fleet->events = std::make_shared<const Events>(events);
  fleet->last_event = event->seq;
  desk.backend.fleet = fleet;
  desk.settle();
  CHECK(desk.shows("PAUSED  +1 new"));
  desk.keys("End");
  CHECK(desk.shows("FOLLOW"));
  CHECK(desk.ui.state().log.selected == event->seq);
}

TEST_CASE("e goes to errors and Enter shows the event with its place in the log", "[console]") {
  Desk desk;
  desk.keys("3 E");
  CHECK(desk.ui.state().log.selected == 5);
  desk.keys("Enter");
  CHECK(desk.shows("entry 5; otactl audit verify checks it"));
  CHECK(desk.shows("1.7.5.1"));
}

TEST_CASE("an event of the chain that was edited shows as broken", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  auto events = *fleet->events;
  auto forged = std::make_shared<model::Event>(*events.back());
  test::link(*forged, forged->seq, events[events.size() - 2]->hash);
  forged->message = "nothing happened";
  events.back() = forged;
  fleet->events = std::make_shared<const Events>(events);
  desk.backend.fleet = fleet;
  desk.settle();
  desk.keys("3 Enter");
  CHECK(desk.shows("BROKEN"));
}

TEST_CASE("an event whose record is not kept in memory does not show as broken", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  auto events = *fleet->events;
  model::Event event = *events.back();
  event.data["record"] = {{"readings", {1, 2, 3}}};
  test::link(event, event.seq, events[events.size() - 2]->hash);
  fleet::EventLog log;
  log.add({event});
  events.back() = log.all()->front();
  fleet->events = std::make_shared<const Events>(events);
  desk.backend.fleet = fleet;
  desk.settle();
  desk.keys("3 Enter");
  CHECK_FALSE(desk.shows("BROKEN"));
  CHECK(desk.shows("ok: in its place"));
}

TEST_CASE("graphs scroll back over what is stored, and mark where incidents began", "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter 2");
  const auto stored = [&] {
    return std::count(desk.backend.asked.begin(), desk.backend.asked.end(), "stored iot-002");
  };
  CHECK(stored() == 0);  // memory holds all of the last minutes
  desk.keys("- - - - - - -");
  CHECK(desk.shows("-1d"));
  CHECK(desk.shows("min 20"));
  CHECK(desk.shows("▲"));
  const auto asked = stored();
  CHECK(asked >= 1);
  desk.settle();
  desk.settle();
  CHECK(stored() == asked);  // once, not at every frame

  // Half an hour, half an hour ago: nothing stood out.
  desk.keys("+ + + + [ [ [ [");
  CHECK(desk.shows("min 20"));
  CHECK(desk.shows("max 40"));
  CHECK_FALSE(desk.shows("▲"));
}

TEST_CASE(
    "a stressed device is explained in a sentence with what would clear it, and is seen to clear",
    "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter");
  CHECK(desk.shows("critical  risk 91  High Load"));
  CHECK(desk.shows("CPU has been above its limit for 38 s."));
  CHECK(desk.shows("clears: CPU below 85 % for 10 s"));

  // It comes true.
  auto fleet = std::make_shared<fleet::Snapshot>(*desk.backend.fleet);
  for (auto& chunk : fleet->rows) {
    auto rows = std::make_shared<fleet::RowChunk>(*chunk);
    for (auto& row : *rows) {
      if (row->id != "iot-002") continue;
      auto calm = std::make_shared<fleet::DeviceRow>(*row);
      calm->level = model::Level::kStable;
      calm->label = "Stable";
      row = calm;
    }
    chunk = rows;
  }
  desk.backend.fleet = fleet;
  desk.settle();
  CHECK(desk.shows("All readings are within their limits."));
  CHECK_FALSE(desk.shows("clears:"));
}

TEST_CASE("a block that nobody saw to for too long says so", "[console]") {
  Desk desk;
  auto fleet = std::make_shared<fleet::Snapshot>(*desk.backend.fleet);
  fleet->thresholds.block_escalate_after = seconds(10);
  desk.backend.fleet = fleet;
  desk.settle();
  desk.type(":device iot-002");
  desk.keys("Enter");
  CHECK(desk.shows("ESCALATED: blocked for"));
  fleet = std::make_shared<fleet::Snapshot>(*fleet);
  fleet->thresholds.block_escalate_after = std::chrono::hours(24);
  desk.backend.fleet = fleet;
  desk.settle();
  CHECK_FALSE(desk.shows("ESCALATED"));
}

TEST_CASE("a frozen picture keeps its device data and says since when", "[console]") {
  Desk desk;
  desk.keys("p");
  desk.backend.fleet = empty_fleet();
  desk.clock.advance(seconds(5));
  desk.settle();
  CHECK(desk.shows("PAUSED at 14:03:22Z"));
  CHECK(desk.ui.model().rows.size() == 12);
  desk.keys("p");
  CHECK(desk.ui.model().rows.empty());
}

TEST_CASE("agents are restarted only after a question", "[console]") {
  Desk desk;
  desk.keys("5 r");
  CHECK(desk.backend.asked.empty());
  desk.keys("Tab Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"restart iot-001"});
}

TEST_CASE("help runs what was searched for", "[console]") {
  Desk desk;
  desk.keys("?");
  desk.type("security");
  desk.keys("Enter");
  CHECK(desk.shows("[3 Log]"));
}

// A key that help offers is heard in that view, and help runs the very action of its line.
TEST_CASE("every action of every view's help does something that is seen or asked for",
          "[console]") {
  for (const ViewSpec& view : views()) {
    const auto found = Keymap().help_for(view.id, "");
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Binding& binding = *found[i];
      CAPTURE(view.title, binding.name);
      const auto played = [&](const auto& run) {
        Desk desk;
        desk.backend.trust_page = screen_trust();
        desk.command(view.id == View::kDevice ? "device iot-002"
                                              : "view " + std::string(view.word));
        desk.ui.take_effects();
        REQUIRE(desk.ui.state().view == view.id);
        run(desk);
        const auto effects = desk.ui.take_effects();
        return desk.screen({120, 36}) + desk.notice() + std::to_string(effects.size()) +
               std::to_string(desk.backend.asked.size());
      };
      const std::string by_help = played([&](Desk& desk) {
        desk.keys("?");
        for (std::size_t down = 0; down < i; ++down)
          desk.press("Down");
        desk.keys("Enter");
      });
      const std::string by_key =
          played([&](Desk& desk) { desk.press(Keymap().keys_of(binding, view.id).front()); });
      CHECK(by_help == by_key);
      CHECK(by_key.find("nothing to do here") == std::string::npos);
    }
  }
}

TEST_CASE("a console that looks only asks for nothing, whatever key or command is given",
          "[console]") {
  for (const ViewSpec& spec : views()) {
    const View view = spec.id;
    for (const Binding* binding : Keymap().help_for(view, "")) {
      CAPTURE(binding->name);
      Desk desk(Access::kReadOnly);
      desk.backend.trust_page = screen_trust();
      desk.command(view == View::kDevice ? "device iot-002" : "view " + std::string(spec.word));
      REQUIRE(desk.ui.state().view == view);
      desk.press(Keymap().keys_of(*binding, view).front());
      desk.keys("Enter Tab Enter Tab Enter");  // through any question that it asked
      std::erase_if(desk.backend.asked, [](const std::string& asked) {
        return asked.starts_with("older") || asked.starts_with("write");
      });
      CHECK(desk.backend.asked.empty());
      CHECK(desk.ui.take_effects().empty() ==
            (binding->action != Action::kRedraw && binding->action != Action::kCopy));
      CHECK((desk.notice().starts_with("read-only:") || binding->access == Access::kReadOnly));
    }
  }
  for (const char* line :
       {"push iot-001 2.1.5", "cancel job-000042", "rollback iot-001", "ack iot-004",
        "revoke iot-001", "agent stop iot-001", "agent restart iot-001", "accept iot-001"}) {
    CAPTURE(line);
    Desk desk(Access::kReadOnly);
    desk.keys(":");
    desk.type(line);
    desk.keys("Enter Tab Enter");
    CHECK(desk.notice().starts_with("read-only:"));
    CHECK(desk.backend.asked.empty());
  }
  Desk desk(Access::kReadOnly);
  CHECK(desk.screen({120, 36}).find("READ-ONLY") != std::string::npos);
  CHECK(desk.shows("R/O UP"));
  CHECK_FALSE(desk.shows("update..."));
}

TEST_CASE("keys and columns follow console.json while the console runs", "[console]") {
  Desk desk;
  CHECK(desk.screen({120, 36}).find("RISK") != std::string::npos);
  auto settings = std::make_shared<model::Settings>();
  settings->console.screen.keys["security-log"] = {"L"};
  settings->console.screen.hidden_columns = {"risk"};
  desk.backend.configuration = settings;
  desk.settle();
  CHECK(desk.screen({120, 36}).find("RISK") == std::string::npos);
  desk.keys("3");
  CHECK(desk.ui.state().view == View::kSummary);
  desk.keys("L");
  CHECK(desk.ui.state().view == View::kLog);
}

TEST_CASE("the graphs grow with the first minutes, until the operator zooms", "[console]") {
  Desk desk;
  desk.keys("2");
  const auto span_after = [&](seconds known) {
    auto detail = std::make_shared<fleet::DeviceDetail>(
        *screen_detail(*desk.backend.fleet, desk.ui.state().device));
    detail->history = {{screen_time() - known, {}, 0, model::Level::kStable}};
    desk.backend.own_detail = detail;
    desk.settle();
    return desk.ui.state().span;
  };
  CHECK(span_after(seconds(10)) == seconds(60));
  CHECK(span_after(seconds(90)) == seconds(120));
  CHECK(span_after(seconds(200)) == seconds(300));
  desk.keys("-");
  CHECK(span_after(seconds(10)) == seconds(600));
}

TEST_CASE("c chooses the columns of the table", "[console]") {
  Desk desk;
  desk.keys("c");
  CHECK(desk.shows("[x] model"));
  desk.keys("j Space");
  CHECK(desk.ui.state().hidden_columns == std::set<std::string>{"group"});
  CHECK(desk.shows("[ ] group"));
  desk.keys("Esc");
  CHECK(desk.screen({119, 36}).find("GROUP") == std::string::npos);
  desk.keys("c j Space c");
  CHECK(desk.ui.state().hidden_columns.empty());
  CHECK(desk.screen({119, 36}).find("GROUP") != std::string::npos);
}

TEST_CASE("random keys, pastes and sizes do no harm in any state", "[console]") {
  constexpr std::string_view kSigns =
      "12345duDUjkgGnNcsSpyxbaRlLeEwWfrto/:?!*+-[]0 qiot-001 push view";
  constexpr std::array<Key::Kind, 12> kNamed{
      Key::Kind::kEnter,  Key::Kind::kEscape,   Key::Kind::kTab,     Key::Kind::kUp,
      Key::Kind::kDown,   Key::Kind::kPageDown, Key::Kind::kHome,    Key::Kind::kEnd,
      Key::Kind::kDelete, Key::Kind::kF1,       Key::Kind::kBackTab, Key::Kind::kBackspace};
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Desk desk;
    for (int i = 0; i < 2500; ++i) {
      const auto roll = random() % 10;
      if (roll == 0) {
        desk.ui.handle({Key::Kind::kPaste, 0, "q\033[2J:quit\r"});
      } else if (roll < 4) {
        desk.ui.handle({kNamed[random() % kNamed.size()], 0, {}});
      } else {
        desk.ui.handle(
            {Key::Kind::kText, static_cast<char32_t>(kSigns[random() % kSigns.size()]), {}});
      }
      desk.settle();
      if (i % 5 == 0) {
        const Size size{static_cast<int>(random() % 220) + 1, static_cast<int>(random() % 60) + 1};
        REQUIRE(desk.ui.draw(size).size() == size);
      }
    }
  }
}

TEST_CASE("a device's text cannot paint the screen", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  auto chunk = std::make_shared<fleet::RowChunk>(*fleet->rows.front());
  auto row = std::make_shared<fleet::DeviceRow>(*chunk->front());
  auto spec = std::make_shared<model::DeviceSpec>(*row->spec);
  spec->hardware = "rp\033[2Ji4";
  row->spec = spec;
  row->gate = "\033]0;owned\a\u202e";
  chunk->front() = row;
  fleet->rows = {chunk};
  desk.backend.fleet = fleet;
  desk.settle();
  for (const char c : desk.screen({200, 50}))
    CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
}

TEST_CASE("a screen of any size is drawn whole and nothing falls outside", "[console]") {
  Desk desk;
  const std::array<const char*, 5> views{"1", "2", "3", "4", "5"};
  for (int columns = 1; columns <= 220; columns += (columns < 70 ? 1 : 7)) {
    for (int rows = 1; rows <= 60; rows += (rows < 20 ? 1 : 4)) {
      desk.press(views[static_cast<std::size_t>(columns + rows) % views.size()]);
      const Canvas canvas = desk.ui.draw({columns, rows});
      REQUIRE(canvas.size() == Size{columns, rows});
      for (int y = 0; y < rows; ++y) {
        REQUIRE(cells_of(canvas.row(y)) <= columns);
        for (int x = 0; x < columns; ++x) {
          if (canvas.at(x, y).cells == 2)
            REQUIRE((x + 1 < columns && canvas.at(x + 1, y).cells == 0));
        }
      }
    }
  }
}

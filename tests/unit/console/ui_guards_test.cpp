// What keeps an operator from acting on what the screen does not show, or from taking old for new.
#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

TEST_CASE("u is for the device of the selected line, not for one selected elsewhere", "[console]") {
  Desk desk;
  desk.type(":device iot-001");
  desk.keys("Enter Esc");
  REQUIRE(desk.ui.state().device == "iot-001");
  const auto asked_for = [&](std::string_view keys) {
    desk.backend.asked.clear();
    desk.keys(keys);
    desk.keys("u Enter");
    const std::string asked = desk.backend.asked.empty() ? "" : desk.backend.asked.front();
    desk.keys("Esc Esc Esc");
    return asked;
  };
  SECTION("in the updates, the selected job's") {
    CHECK(asked_for("4 j").starts_with("preview iot-007 "));
    CHECK(asked_for("4 j").starts_with("preview iot-010 "));
  }
  SECTION("in the log, the selected event's source") {
    CHECK(asked_for("3").starts_with("preview iot-004 "));
    CHECK(asked_for("3 k").starts_with("preview iot-002 "));
  }
  SECTION("of an event of no device, nobody: the one selected elsewhere is not on the screen") {
    CHECK(asked_for("3 g").empty());
    CHECK(desk.notice() == "no device is selected here");
  }
  SECTION("where a filter leaves no line, nobody") {
    desk.keys("1 /");
    desk.type("no such device");
    CHECK(asked_for("Enter").empty());
    CHECK(desk.notice() == "no device is selected here");
  }
  SECTION("where a filter hides the selected one, the one that is drawn as selected") {
    desk.keys("1 /");
    desk.type("iot-007");
    CHECK(asked_for("Enter").starts_with("preview iot-007 "));
  }
  SECTION("among the agents, the selected one's") {
    desk.keys("1 j");
    REQUIRE(desk.ui.state().device != "iot-001");
    CHECK(asked_for("5").starts_with("preview iot-001 "));
  }
  SECTION("marked devices come first, where the marks are seen") {
    desk.keys("1 Space");
    const std::string marked = *desk.ui.state().marked.begin();
    CHECK(asked_for("1 j").starts_with("preview " + marked + " "));
    CHECK(asked_for("4 j").starts_with("preview iot-007 "));
  }
}

TEST_CASE("b and a are for the marked devices, as u is", "[console]") {
  Desk desk;
  desk.keys("1 Space Space");
  const std::vector<std::string> marked(desk.ui.state().marked.begin(),
                                        desk.ui.state().marked.end());
  REQUIRE(marked.size() == 2);
  desk.keys("b");
  CHECK(desk.shows("Roll back 2 devices?"));
  CHECK(desk.shows(marked[0] + ", " + marked[1]));
  desk.keys("Enter");
  CHECK(desk.backend.asked.empty());
  desk.keys("b Tab Enter");
  CHECK(desk.backend.asked ==
        std::vector<std::string>{"rollback " + marked[0], "rollback " + marked[1]});
  CHECK(desk.notice() == "rollback requested of 2 of 2 devices");
  desk.backend.asked.clear();
  desk.keys("1 *");  // none is marked
  desk.keys("*");    // and then all are: only those that failed or fell back have something
  desk.keys("a");
  REQUIRE_FALSE(desk.backend.asked.empty());
  CHECK(desk.backend.asked.size() < desk.ui.model().rows.size());
  for (const std::string& asked : desk.backend.asked)
    CHECK(asked.starts_with("acknowledge "));
}

TEST_CASE("the selected job stays selected when the list changes under it", "[console]") {
  Desk desk;
  desk.keys("4");
  REQUIRE(desk.ui.state().job == "job-000042");
  auto fleet = screen_fleet();
  auto newer = std::make_shared<model::Job>(*fleet->jobs.front());
  newer->id = "job-000043";
  newer->device = "iot-005";
  fleet->jobs.insert(fleet->jobs.begin(), newer);
  desk.backend.fleet = fleet;
  desk.settle();
  CHECK(desk.ui.state().job == "job-000042");
  desk.keys("c Tab Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"cancel job-000042"});
}

TEST_CASE("a cancel is said to be asked for until the device has answered", "[console]") {
  Desk desk;
  desk.keys("4 c");
  CHECK(desk.shows("The device is asked to stop"));
  desk.keys("Tab Enter");
  CHECK(desk.notice() == "iot-004 is asked to stop job-000042");
  auto fleet = screen_fleet();
  auto queued = std::make_shared<model::Job>(*fleet->jobs.front());
  queued->state = model::JobState::kQueued;
  fleet->jobs.front() = queued;
  desk.backend.fleet = fleet;
  desk.settle();
  desk.keys("c Tab Enter");
  CHECK(desk.notice() == "job-000042 cancelled");
}

TEST_CASE("what an earlier action said does not stand over the next question", "[console]") {
  Desk desk;
  desk.keys("a");
  const std::string earlier = desk.notice();
  REQUIRE_FALSE(earlier.empty());
  REQUIRE(desk.shows(earlier));
  for (const char* key : {"b", "q", "u", ":", "Ctrl-Z"}) {
    CAPTURE(key);
    desk.keys("a");
    desk.press(key);
    CHECK_FALSE(desk.shows(earlier));
    desk.keys("Esc Esc");
  }
  // Nor does an answer that comes while it is asked.
  desk.keys("q");
  desk.ui.say("an answer that was under way");
  CHECK_FALSE(desk.shows("an answer that was under way"));
  desk.keys("Esc");
  CHECK(desk.shows("an answer that was under way"));
}

TEST_CASE("Ctrl-Z asks before it stops the server, with Cancel preselected", "[console]") {
  Desk desk;
  desk.keys("Ctrl-Z Enter");
  CHECK(desk.ui.take_effects().empty());
  desk.keys("Ctrl-Z");
  CHECK(desk.shows("The server stops with it"));
  desk.keys("Tab Enter");
  const auto effects = desk.ui.take_effects();
  REQUIRE(effects.size() == 1);
  CHECK(effects.front().kind == Effect::Kind::kSuspend);
}

TEST_CASE("a console that looks only stops no server, by whatever key", "[console]") {
  for (const char* keys : {"q Tab Enter", "Ctrl-C Ctrl-C", "Ctrl-Z Tab Enter", "R", "o"}) {
    CAPTURE(keys);
    Desk desk(Access::kReadOnly);
    desk.backend.status.phase = model::ServerStatus::Phase::kDown;
    desk.backend.status.port_failed = true;
    desk.settle();
    desk.keys(keys);
    CHECK(desk.ui.take_effects().empty());
    CHECK(desk.backend.asked.empty());
    CHECK_FALSE(desk.ui.state().question);
    CHECK_FALSE(desk.ui.state().prompt);
    CHECK(desk.notice().starts_with("read-only:"));
  }
  for (const char* line : {"quit", "retry", "port 9000"}) {
    Desk desk(Access::kReadOnly);
    desk.command(line);
    CHECK(desk.notice().starts_with("read-only:"));
    CHECK_FALSE(desk.ui.state().question);
    CHECK(desk.backend.asked.empty());
  }
}

TEST_CASE("a dialog that a small screen cannot draw takes no key but Esc, and says why",
          "[console]") {
  constexpr Size kSmall{40, 8};
  Desk desk;
  desk.type(":device iot-001");
  desk.keys("Enter u");
  REQUIRE(desk.ui.state().update);
  desk.ui.draw(kSmall);
  desk.keys("Enter Enter Tab Enter");
  CHECK(desk.backend.asked.empty());
  CHECK(desk.screen(kSmall).find("enlarge to 60x16; Esc back") != std::string::npos);
  CHECK(desk.screen({40, 3}).find("enlarge to 60x16; Esc back") != std::string::npos);
  SECTION("Esc goes back") {
    desk.keys("Esc");
    CHECK_FALSE(desk.ui.state().update);
    CHECK(desk.screen(kSmall).find("enlarge") == std::string::npos);
  }
  SECTION("enlarged, it goes on where it was") {
    CHECK(desk.shows("Which version?"));
    desk.keys("Enter");
    CHECK(desk.backend.asked == std::vector<std::string>{"preview iot-001 2.1.5"});
  }
}

TEST_CASE("on a small screen a command that is typed does not run unseen", "[console]") {
  Desk desk;
  desk.ui.draw({59, 16});
  desk.type(":agent restart iot-001");
  desk.keys("Enter");
  CHECK_FALSE(desk.ui.state().question);
  REQUIRE(desk.ui.state().prompt);
  CHECK(desk.ui.state().prompt->text.empty());
}

TEST_CASE("a question is answered by what is seen, however small the screen is", "[console]") {
  Desk desk;
  desk.keys("q");
  CHECK(desk.screen({26, 3}).find("[Cancel] Stop the server") != std::string::npos);
  desk.keys("Tab");
  CHECK(desk.screen({26, 6}).find("[Stop] Stop the server") != std::string::npos);
}

TEST_CASE("a frozen picture says so in every view, and at every size", "[console]") {
  Desk desk;
  desk.keys("p");
  desk.clock.advance(seconds(5));
  for (const char* keys : {"1", "2", "3", "4", "5", "4 K", "1 Enter"}) {
    CAPTURE(keys);
    desk.keys(keys);
    for (const Size size : {Size{60, 16}, Size{80, 24}, Size{200, 50}, Size{26, 6}})
      CHECK(desk.screen(size).find("PAUSED at 14:03:22Z") != std::string::npos);
  }
  desk.backend.status.phase = model::ServerStatus::Phase::kDown;
  desk.backend.status.problem = "cannot listen on 0.0.0.0:8443: address already in use";
  desk.settle();
  CHECK(desk.shows("SERVER DOWN"));
  CHECK(desk.shows("PAUSED at 14:03:22Z"));
}

TEST_CASE("a frozen log does not say that it follows, and follows again with f", "[console]") {
  for (const char* key : {"f", "End", "Space"}) {
    CAPTURE(key);
    Desk desk;
    desk.keys("p 3");
    CHECK_FALSE(desk.shows("FOLLOW"));
    CHECK(desk.shows("f or End follows again"));
    desk.press(key);
    CHECK_FALSE(desk.ui.state().frozen);
    CHECK(desk.shows("FOLLOW"));
    CHECK_FALSE(desk.shows("PAUSED"));
  }
}

TEST_CASE("a view of one device names it also while trouble is said", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  fleet->config_problems = {{"config/thresholds.json",
                             "config/thresholds.json:3:20: cpu_threshold is 140", screen_time()}};
  desk.backend.fleet = fleet;
  desk.settle();
  desk.type(":device iot-002");
  desk.keys("Enter");
  const auto context = [&](Size size) { return desk.ui.draw(size).row(1); };
  for (const char* keys : {"1 Enter", "2"}) {
    CAPTURE(keys);
    desk.keys(keys);
    CHECK(context({80, 24}).starts_with(" CONFIG  config/thresholds.json:3:20: cpu_threshold is"));
    CHECK(context({80, 24}).ends_with("  iot-002"));
    CHECK(context({60, 16}).ends_with("  iot-002"));
  }
  desk.keys("p");
  CHECK(context({80, 24}).ends_with("  iot-002  PAUSED at 14:03:22Z"));
  CHECK(context({60, 16}).ends_with("  iot-002  PAUSED at 14:03:22Z"));
}

TEST_CASE("a graph calls a reading present only of a device that reports, and at the present",
          "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter 2");
  CHECK(desk.shows(" now 97 "));
  SECTION("not of the past that is looked at") {
    desk.keys("[");
    CHECK_FALSE(desk.shows("─ now "));
    CHECK(desk.shows(" ago  min "));
    desk.keys("0");
    CHECK(desk.shows(" now 97 "));
  }
  SECTION("not of a device that is silent") {
    desk.clock.advance(seconds(100));
    desk.settle();
    CHECK(desk.shows("─ last 97, 1m41 ago  min "));
    CHECK_FALSE(desk.shows("─ now "));
    CHECK(desk.screen({60, 16}).find(" last 97, 1m41 ago  max ") != std::string::npos);
  }
}

TEST_CASE("a log that is held still keeps its events when they leave memory", "[console]") {
  Desk desk;
  // Memory holds four events, up to this one.
  const auto come = [&](std::uint64_t last) {
    auto fleet = screen_fleet();
    Events events;
    for (std::uint64_t seq = last - 3; seq <= last; ++seq) {
      auto event = std::make_shared<model::Event>(*fleet->events->back());
      event->seq = seq;
      event->message = "event " + std::to_string(seq);
      event->severity = seq % 2 == 0 ? model::Severity::kWarning : model::Severity::kInfo;
      events.push_back(event);
    }
    fleet->events = std::make_shared<const Events>(events);
    fleet->last_event = last;
    desk.backend.fleet = fleet;
    desk.settle();
  };
  desk.keys("3 k");
  REQUIRE(desk.shows("listening on 0.0.0.0:8443"));
  come(14);
  CHECK(desk.shows("PAUSED  +4 new"));
  CHECK(desk.shows("listening on 0.0.0.0:8443"));
  come(18);
  CHECK(desk.shows("PAUSED  +8 new"));
  CHECK(desk.shows("10 shown of 18"));
  desk.keys("g Enter");
  CHECK(desk.shows("listening on 0.0.0.0:8443"));
  desk.keys("Esc f");
  CHECK(desk.shows("event 18"));
  CHECK_FALSE(desk.shows("listening on 0.0.0.0:8443"));
  CHECK(desk.shows("4 shown of 18"));
  // What is counted is what the filter lets pass.
  desk.keys("l l k");
  REQUIRE(desk.ui.state().log.at_least == model::Severity::kWarning);
  come(22);
  CHECK(desk.shows("PAUSED  +2 new"));
  come(26);
  CHECK(desk.shows("PAUSED  +4 new"));
}

TEST_CASE("! stops all updates with a reason, and lets them start again after a question",
          "[console]") {
  Desk desk;
  for (const char* view : {"1", "2", "3", "4", "5"}) {
    desk.press(view);
    desk.keys("!");
    REQUIRE(desk.ui.state().prompt);
    desk.keys("Esc");
    CHECK(desk.backend.asked.empty());
  }
  desk.keys("! Enter");
  CHECK(desk.backend.asked.empty());
  CHECK(desk.notice() == "not stopped: say why, for those who meet it");
  desk.keys("!");
  CHECK(desk.shows("stop all updates, because: "));
  desk.type("it drains batteries");
  desk.keys("Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"stop it drains batteries"});
  CHECK(desk.notice() == "STOPPED; 2 running asked to stop; ! lets updates start again");
  desk.command("resume");
  CHECK(desk.notice() == "updates are not stopped");

  auto fleet = std::make_shared<fleet::Snapshot>(*desk.backend.fleet);
  fleet->stop = std::make_shared<const model::Stop>(
      model::Stop{desk.clock.wall(), "operator:ada", "it drains batteries"});
  desk.backend.fleet = fleet;
  desk.settle();
  for (const char* view : {"1", "2", "3", "4", "5"}) {
    desk.press(view);
    CHECK(desk.shows("UPDATES STOPPED"));
    CHECK(desk.shows("by operator:ada: it drains batteries"));
  }
  desk.backend.asked.clear();
  desk.keys("! Enter");  // Cancel is preselected
  CHECK(desk.backend.asked.empty());
  desk.keys("! Tab Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"resume"});
  CHECK(desk.notice() == "updates may start again");
}

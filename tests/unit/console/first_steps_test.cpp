// What the console offers where there is nothing to show yet: an empty fleet, a server that is
// down.
#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

struct EmptyDesk : Desk {
  explicit EmptyDesk(Access access = Access::kFull) : Desk(access) {
    backend.fleet = empty_fleet();
    settle();
  }
};

struct DownDesk : Desk {
  DownDesk() {
    backend.status.phase = model::ServerStatus::Phase::kDown;
    backend.status.problem = "cannot listen on 0.0.0.0:8443: address already in use";
    backend.status.port_failed = true;
    settle();
  }
  // What console.json says; 0: no DDI.
  void configure(std::uint16_t port, std::uint16_t ddi_port) {
    auto settings = std::make_shared<model::Settings>();
    settings->console.port = port;
    settings->console.ddi.on = ddi_port != 0;
    settings->console.ddi.port = ddi_port;
    backend.configuration = settings;
    settle();
  }
};

}  // namespace

TEST_CASE("in an empty fleet a starts the demonstration, once it is confirmed", "[console]") {
  EmptyDesk desk;
  CHECK(desk.shows("To try it without a device press a:"));
  CHECK(desk.shows(" a demonstration...  "));
  desk.keys("a");
  CHECK(desk.shows("Start the demonstration?"));
  desk.keys("Enter");  // Cancel is preselected
  CHECK(desk.backend.asked.empty());
  desk.keys("a Tab Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"demonstration"});
  CHECK(desk.notice() == "the demonstration's agents start");
  desk.keys(":");
  desk.type("demo");
  desk.keys("Enter Tab Enter");
  CHECK(desk.backend.asked.size() == 2);
}

TEST_CASE("there is no demonstration among real devices, before the start, nor read-only",
          "[console]") {
  Desk full;
  full.command("demo");
  CHECK(full.notice() == "the demonstration is for an empty fleet");
  EmptyDesk starting;
  starting.backend.status.phase = model::ServerStatus::Phase::kStarting;
  starting.settle();
  CHECK_FALSE(starting.shows("demonstration"));
  EmptyDesk reading(Access::kReadOnly);
  CHECK_FALSE(reading.shows("demonstration"));
  reading.keys("a");
  CHECK(reading.notice().starts_with("read-only"));
  CHECK_FALSE(reading.ui.state().question);
}

TEST_CASE("o asks for another port where the server is down", "[console]") {
  DownDesk desk;
  CHECK(desk.shows("R retry now  o other port..."));
  CHECK(desk.shows("R tries again now, o on another port"));
  desk.keys("o");
  CHECK(desk.shows("port for this run: "));
  desk.type("9443");
  desk.keys("Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"retry on 9443"});
  CHECK(desk.notice() == "trying port 9443 for this run; console.json stays as it is");
}

TEST_CASE("the port after the one of console.json is proposed", "[console]") {
  DownDesk desk;
  desk.configure(8443, 0);
  desk.keys("o");
  CHECK(desk.shows("port for this run: 8444_"));
}

TEST_CASE("what is no port is refused with what is accepted", "[console]") {
  for (const char* text : {"0", "65536", "-1", "84x", "", " 9443"}) {
    CAPTURE(text);
    DownDesk desk;
    desk.keys("o");
    desk.type(text);
    desk.keys("Enter");
    CHECK(desk.backend.asked.empty());
    CHECK(desk.notice().find("accepted: 1 to 65535") != std::string::npos);
  }
}

TEST_CASE("another port is no remedy where the port is not what failed", "[console]") {
  DownDesk desk;
  desk.backend.status.port_failed = false;
  desk.backend.status.problem = "open state/ota.db: locked";
  desk.settle();
  CHECK_FALSE(desk.shows("other port"));
  CHECK(desk.shows("R tries again now; an edit in config/ counts as well."));
  desk.keys("o");
  CHECK(desk.notice() == "its port is not why the server is down");
}

TEST_CASE("a port is taken while another attempt to start is under way", "[console]") {
  DownDesk desk;
  desk.keys("o");
  desk.type("9443");
  desk.backend.status.phase = model::ServerStatus::Phase::kStarting;
  desk.settle();
  desk.keys("Enter");
  CHECK(desk.backend.asked == std::vector<std::string>{"retry on 9443"});
  desk.command("demo");
  CHECK(desk.notice() == "the server is not up");
}

TEST_CASE("the port of the DDI listener is not taken from it", "[console]") {
  DownDesk desk;
  desk.configure(8443, 8444);
  desk.keys("o");
  CHECK(desk.shows("port for this run: 8445_"));
  desk.keys("Ctrl-U");
  desk.type("8444");
  desk.keys("Enter");
  CHECK(desk.backend.asked.empty());
  CHECK(desk.notice() == "port 8444 is for DDI devices (ddi.listen in console.json)");
}

TEST_CASE("a server that is up stays on its port", "[console]") {
  Desk desk;
  desk.keys("o");
  CHECK_FALSE(desk.ui.state().prompt);
  CHECK(desk.notice() == "the server is up; another port is for one that is down");
  desk.command("port 9443");
  CHECK(desk.backend.asked.empty());
}

TEST_CASE("that nothing is published is not said before it was read", "[console]") {
  Desk desk;
  auto unread = std::make_shared<fleet::Snapshot>(*desk.backend.fleet);
  unread->releases = std::make_shared<const std::vector<model::Release>>();
  desk.backend.fleet = unread;
  desk.backend.status.phase = model::ServerStatus::Phase::kStarting;
  desk.settle();
  desk.command("push iot-001");
  CHECK(desk.notice() == "the server is starting: what is published is not read yet");
  desk.backend.status.phase = model::ServerStatus::Phase::kUp;
  desk.settle();
  desk.command("push iot-001");
  CHECK(desk.notice() == "nothing is published: otactl firmware add FILE");
}

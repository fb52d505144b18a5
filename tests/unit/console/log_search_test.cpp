// Looking for events that are not loaded: piece by piece, and saying what is so.
#include "tests/support/catch.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

std::shared_ptr<const model::Event> event_at(std::uint64_t seq, std::string message,
                                             model::Severity severity) {
  auto event = std::make_shared<model::Event>();
  event->seq = seq;
  event->at = screen_time() - std::chrono::hours(1);
  event->severity = severity;
  event->source = "iot-001";
  event->kind = "test";
  event->message = std::move(message);
  return event;
}

// Memory holds the last ten events of `count`; the store has them all.
struct Past : Desk {
  explicit Past(std::uint64_t count) {
    for (std::uint64_t seq = 1; seq <= count; ++seq)
      backend.stored.push_back(event_at(seq, "as usual", model::Severity::kInfo));
    auto fleet = screen_fleet();
    fleet->events = std::make_shared<const Events>(backend.stored.end() - 10, backend.stored.end());
    fleet->last_event = count;
    backend.fleet = fleet;
    settle();
    keys("3");
  }
  void rename(std::uint64_t seq, std::string message,
              model::Severity severity = model::Severity::kInfo) {
    backend.stored.at(seq - 1) = event_at(seq, std::move(message), severity);
  }
  void filter(std::string_view text) {
    keys("/");
    type(text);
    keys("Enter");
  }
  std::size_t reads() const {
    return static_cast<std::size_t>(
        std::count_if(backend.asked.begin(), backend.asked.end(),
                      [](const std::string& asked) { return asked.starts_with("older"); }));
  }
  std::uint64_t selected() const { return ui.state().log.selected; }
};

}  // namespace

TEST_CASE("a filter without a match goes on through older events until there is one", "[console]") {
  Past past(5000);
  past.rename(1500, "a needle");
  past.filter("needle");
  CHECK(past.shows("No event in memory passes the filter.  Up searches older ones"));
  CHECK(past.reads() == 0);
  past.keys("k");
  CHECK(past.reads() == 2);  // the second piece is asked for when the first is there
  CHECK(past.shows("Searching older events, now before #3991"));
  for (int i = 0; i < 10; ++i)
    past.settle();
  CHECK(past.selected() == 1500);
  CHECK(past.reads() == 4);
  CHECK(past.shows("a needle"));
  CHECK_FALSE(past.shows("Searching"));
}

TEST_CASE("a search that finds nothing says how far it looked", "[console]") {
  SECTION("to the first event") {
    Past past(2500);
    past.filter("needle");
    past.keys("k");
    for (int i = 0; i < 10; ++i)
      past.settle();
    CHECK(past.reads() == 3);
    CHECK(past.shows("No event passes the filter, back to the first."));
  }
  SECTION("to the bound of what is loaded") {
    Past past(50010);
    past.filter("needle");
    past.keys("k");
    for (int i = 0; i < 40; ++i)
      past.settle();
    CHECK(past.reads() == 20);
    CHECK(past.shows("No event back to #30001 passes the filter."));
  }
}

TEST_CASE("Esc, another filter and another view end a search", "[console]") {
  for (const char* way : {"Esc", "l", "1", "f"}) {
    CAPTURE(way);
    Past past(5000);
    past.filter("needle");
    past.keys("k");
    past.keys(way);
    for (int i = 0; i < 10; ++i)
      past.settle();
    CHECK(past.reads() <= 2);  // the piece that was on its way
    CHECK_FALSE(past.shows("Searching"));
  }
}

TEST_CASE("the error before this one is looked for beyond what is loaded", "[console]") {
  Past past(3000);
  past.rename(700, "broken", model::Severity::kError);
  past.keys("E");
  for (int i = 0; i < 10; ++i)
    past.settle();
  CHECK(past.selected() == 700);
  past.keys("E");
  for (int i = 0; i < 10; ++i)
    past.settle();
  CHECK(past.selected() == 700);
  CHECK(past.notice().starts_with("none before this one"));
}

TEST_CASE("moving up past the first event in memory comes to the one before it", "[console]") {
  Past past(3000);
  past.keys("g k");
  past.settle();
  CHECK(past.selected() == 2990);
}

#include "fleet/identity_watch.h"

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using Places = fleet::IdentityWatch::Places;

namespace {

constexpr model::BootId boot(std::uint64_t number) {
  return {1, number};
}

struct Watched {
  ManualClock clock{test::kStart};
  fleet::IdentityWatch watch;
  bool two = false;

  Watched() { clock.advance(std::chrono::hours(1)); }
  void hear(std::uint64_t start, std::string_view address = "10.0.0.4") {
    two = watch.heard(boot(start), address, clock) == Places::kTwo || two;
  }
};

}  // namespace

TEST_CASE("starts that alternate are two devices, found within seconds", "[fleet][identity]") {
  Watched it;
  int seconds_passed = 0;
  while (!it.two && seconds_passed < 60) {
    it.hear(1, "10.0.0.4");
    it.clock.advance(milliseconds(300));
    it.hear(2, "10.0.0.9");
    it.clock.advance(milliseconds(700));
    ++seconds_passed;
  }
  CHECK(it.two);
  CHECK(seconds_passed <= 10);
  CHECK((it.watch.addresses() == "10.0.0.4 and 10.0.0.9" ||
         it.watch.addresses() == "10.0.0.9 and 10.0.0.4"));
}

TEST_CASE("a device that restarts over and over, and roams, is one", "[fleet][identity]") {
  Watched it;
  for (std::uint64_t start = 1; start < 200; ++start) {
    for (int i = 0; i < 3; ++i)
      it.hear(start, "10.0.0." + std::to_string(start % 7));
    it.clock.advance(seconds(start % 9));
    it.hear(start + 1);
    it.hear(start);  // what was still on its way
  }
  CHECK_FALSE(it.two);
}

TEST_CASE("a return now and then is no proof", "[fleet][identity]") {
  Watched it;
  for (int i = 0; i < 20; ++i) {
    it.hear(1 + i % 2);
    it.clock.advance(std::chrono::minutes(61));
  }
  CHECK_FALSE(it.two);
}

TEST_CASE("copies of a running machine share the start, and are known by numbers that fall behind",
          "[fleet][identity]") {
  Watched it;
  it.hear(1);
  CHECK(it.watch.contradicted(300, "10.0.0.9", it.clock) == Places::kOne);
  // The same batch again, as after a lost answer.
  for (int i = 0; i < 10; ++i)
    CHECK(it.watch.contradicted(300, "10.0.0.9", it.clock) == Places::kOne);
  CHECK(it.watch.contradicted(301, "10.0.0.9", it.clock) == Places::kOne);
  CHECK(it.watch.contradicted(302, "10.0.0.9", it.clock) == Places::kTwo);
}

#include "agents/server_time.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;

namespace {

const WallTime kServer = *parse_rfc3339("2026-08-20T14:03:22Z");
const MonoTime kAt{std::chrono::hours(1)};
constexpr milliseconds kWhole{1000};  // a Date says no more

bool near(WallTime a, WallTime b) {
  return std::chrono::abs(a - b) <= kWhole;
}

}  // namespace

TEST_CASE("a clock that agrees with the server's stamps its own readings", "[agent]") {
  ServerTime time;
  const WallTime own = kServer + milliseconds(3100);
  CHECK(time.stamp(kAt, own) == own);  // nothing heard yet
  time.heard(kServer, kAt, kAt, own);
  CHECK_FALSE(time.off());
  CHECK(time.stamp(kAt + seconds(1), own + seconds(1)) == own + seconds(1));
}

TEST_CASE("readings of a clock that is off carry the server's time, those of before the answer too",
          "[agent]") {
  const seconds ahead(GENERATE(90, -660, 75 * 24 * 3600));
  ServerTime time;
  time.heard(kServer, kAt, kAt, kServer + ahead);
  REQUIRE(time.off());
  CHECK(std::chrono::abs(*time.off() - ahead) <= seconds(1));
  CHECK(near(time.stamp(kAt + seconds(10), kServer + ahead + seconds(10)), kServer + seconds(10)));
  CHECK(
      near(time.stamp(kAt - seconds(300), kServer + ahead - seconds(300)), kServer - seconds(300)));
}

TEST_CASE("a clock that jumps between two answers spoils no reading", "[agent]") {
  ServerTime time;
  time.heard(kServer, kAt, kAt, kServer);
  CHECK(near(time.stamp(kAt + seconds(1), kServer + std::chrono::hours(2)), kServer + seconds(1)));
  time.heard(kServer + seconds(1), kAt + seconds(1), kAt + seconds(1),
             kServer + std::chrono::hours(2));
  CHECK(time.off());
  time.heard(kServer + seconds(2), kAt + seconds(2), kAt + seconds(2), kServer + seconds(2));
  CHECK_FALSE(time.off());
}

TEST_CASE(
    "stamps go on evenly however the seconds of the answers are cut, and follow a server whose "
    "clock is set",
    "[agent]") {
  ServerTime time;
  const seconds ahead(3600);
  WallTime before{};
  for (int i = 0; i < 100; ++i) {
    const MonoTime now = kAt + milliseconds(i * 370);
    const WallTime server = kServer + milliseconds(i * 370);
    time.heard(std::chrono::floor<seconds>(server), now, now, server + ahead);
    const WallTime stamped = time.stamp(now, server + ahead);
    if (i > 0) CHECK(stamped - before == milliseconds(370));
    before = stamped;
  }
  const MonoTime later = kAt + seconds(60);
  time.heard(kServer + std::chrono::hours(24), later, later, kServer);
  CHECK(near(time.stamp(later, kServer), kServer + std::chrono::hours(24)));
}

TEST_CASE("an answer that took long says nothing about the time", "[agent]") {
  ServerTime time;
  time.heard(kServer, kAt, kAt + seconds(11), kServer + seconds(3600));
  CHECK_FALSE(time.off());
}

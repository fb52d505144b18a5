#include "agents/poll_pace.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;

namespace {

const MonoTime kStart{std::chrono::hours(1)};

}  // namespace

TEST_CASE("an answer that comes at once makes the pauses grow, one that was waited for ends them",
          "[agent]") {
  PollPace pace({}, 1);
  milliseconds paused{0};
  for (int i = 0; i < 10; ++i)
    paused += pace.nothing(milliseconds(1));
  CHECK(paused > seconds(60));  // of 10 polls; without pauses they took 10 ms
  CHECK(pace.nothing(seconds(30)) == milliseconds(0));
  CHECK(pace.nothing(milliseconds(1)) <= milliseconds(750));
}

TEST_CASE("after a poll that went well, the next failure is followed by a short pause again",
          "[agent]") {
  const int went_well = GENERATE(0, 1, 2);
  PollPace pace({}, 1);
  for (int i = 0; i < 10; ++i)
    pace.failed();
  CHECK(pace.failed() >= seconds(15));
  if (went_well == 0) pace.nothing(seconds(30));
  if (went_well == 1) pace.nothing(milliseconds(1));
  if (went_well == 2) pace.commands(0, kStart);
  CHECK(pace.failed() <= milliseconds(750));
}

TEST_CASE("commands have a floor in time: a burst goes through, a stream comes one a second",
          "[agent]") {
  PollPace pace({}, 1);
  MonoTime now = kStart;
  for (int i = 0; i < 10; ++i)
    CHECK(pace.commands(0, now) == milliseconds(0));
  for (int i = 0; i < 100; ++i)
    now += pace.commands(0, now) + milliseconds(1);
  CHECK(now - kStart >= seconds(99));
}

TEST_CASE("a server that keeps changing what the device saves is asked less and less often",
          "[agent]") {
  PollPace pace({}, 1);
  MonoTime now = kStart;
  unsigned changes = 0;
  const unsigned each = GENERATE(1U, 64U);  // commands in one answer
  while (now - kStart < std::chrono::hours(24)) {
    now += pace.commands(each, now) + milliseconds(20);
    changes += each;
  }
  CHECK(changes <= 2 * 24 * 60 + 30 + each);

  // An hour of rest gives the whole budget back, and no more than that.
  now += std::chrono::hours(1);
  CHECK(pace.commands(20, now) == milliseconds(0));
  CHECK(pace.commands(20, now) > seconds(60));
}

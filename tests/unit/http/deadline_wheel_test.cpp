#include "http/deadline_wheel.h"

#include <map>
#include <random>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;
using Entry = DeadlineWheel::Entry;

namespace {
const MonoTime kStart = MonoTime() + std::chrono::hours(1);
MonoTime at(int ms) {
  return kStart + milliseconds(ms);
}
}  // namespace

TEST_CASE("a deadline is handed out once, never early and at most a tick late", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry entry;
  wheel.set(entry, at(150));
  CHECK(wheel.next() == at(200));
  CHECK(wheel.expire(at(149)) == nullptr);
  CHECK(wheel.expire(at(200)) == &entry);
  CHECK(wheel.expire(at(400)) == nullptr);
  CHECK_FALSE(wheel.next().has_value());
}

TEST_CASE("a deadline that was moved back or cleared does not come at its old time", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry moved;
  Entry cleared;
  wheel.set(moved, at(100));
  wheel.set(cleared, at(100));
  wheel.set(moved, at(900));
  wheel.clear(cleared);
  CHECK(wheel.expire(at(800)) == nullptr);
  CHECK(wheel.expire(at(900)) == &moved);
}

TEST_CASE("a deadline that was moved forward comes at its new time", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry entry;
  wheel.set(entry, at(5000));
  wheel.set(entry, at(300));
  CHECK(wheel.expire(at(300)) == &entry);
}

TEST_CASE("a deadline past the wheel's round comes when it is due", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry entry;
  wheel.set(entry, at(200'000));
  for (int ms = 0; ms < 200'000; ms += 1000)
    REQUIRE(wheel.expire(at(ms)) == nullptr);
  CHECK(wheel.expire(at(200'000)) == &entry);
}

TEST_CASE("one jump over many rounds hands out everything that is due", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry first;
  Entry second;
  wheel.set(first, at(100));
  wheel.set(second, at(300'000));
  int seen = 0;
  while (wheel.expire(at(10'000'000)) != nullptr)
    ++seen;
  CHECK(seen == 2);
}

TEST_CASE("an entry that dies leaves the wheel", "[http]") {
  DeadlineWheel wheel(kStart, milliseconds(100));
  Entry stays;
  {
    Entry dies;
    wheel.set(dies, at(100));
    wheel.set(stays, at(100));
  }
  CHECK(wheel.expire(at(100)) == &stays);
  CHECK(wheel.expire(at(100)) == nullptr);
}

TEST_CASE("random deadlines all come in time", "[http]") {
  std::mt19937 random(7);
  DeadlineWheel wheel(kStart, milliseconds(100));
  std::vector<Entry> entries(50);
  std::map<Entry*, int> due;
  for (int now = 0; now < 200'000; now += 37) {
    Entry& entry = entries[random() % entries.size()];
    if (random() % 8 == 0) {
      wheel.clear(entry);
      due.erase(&entry);
    } else {
      due[&entry] = now + static_cast<int>(random() % 80'000);
      wheel.set(entry, at(due[&entry]));
    }
    while (Entry* expired = wheel.expire(at(now))) {
      REQUIRE(due.contains(expired));
      REQUIRE(due[expired] <= now);
      due.erase(expired);
    }
    for (const auto& [key, when] : due)
      REQUIRE(when > now - 200);
  }
}

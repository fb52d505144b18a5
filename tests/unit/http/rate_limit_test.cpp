#include "http/rate_limit.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;

namespace {
const MonoTime kBegin = MonoTime() + std::chrono::hours(1);
}

TEST_CASE("a bucket lets one second's worth through at once and then keeps the rate", "[http]") {
  RateBucket bucket;
  int through = 0;
  for (int i = 0; i < 100; ++i)
    through += bucket.take(kBegin, 10) ? 1 : 0;
  CHECK(through == 10);
  CHECK_FALSE(bucket.take(kBegin + milliseconds(99), 10));
  CHECK(bucket.take(kBegin + milliseconds(100), 10));
  CHECK_FALSE(bucket.take(kBegin + milliseconds(100), 10));
  through = 0;
  for (int ms = 1000; ms < 11'000; ++ms) {
    through += bucket.take(kBegin + milliseconds(ms), 10) ? 1 : 0;
  }
  CHECK(through >= 100);
  CHECK(through <= 110);
}

TEST_CASE("a limit of nought lets everything through", "[http]") {
  RateBucket bucket;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(bucket.take(kBegin, 0));
}

TEST_CASE("connections of one name share a bucket while any of them lives", "[http]") {
  RateBuckets buckets;
  const auto first = buckets.of("iot-001");
  CHECK(buckets.of("iot-001") == first);
  CHECK(buckets.of("iot-002") != first);
  for (int i = 0; i < 5000; ++i)
    buckets.of("gone-" + std::to_string(i));
  CHECK(buckets.of("iot-001") == first);
}

TEST_CASE("a connection for each request is no way around the limit", "[http]") {
  RateBuckets buckets;
  int through = 0;
  for (int i = 0; i < 100; ++i)
    through += buckets.of("iot-001", kBegin)->take(kBegin, 10) ? 1 : 0;
  CHECK(through == 10);
  // Nor do others push its bucket out while it is not full.
  for (int i = 0; i < 5000; ++i)
    buckets.of("other-" + std::to_string(i), kBegin);
  CHECK_FALSE(buckets.of("iot-001", kBegin)->take(kBegin, 10));
  CHECK(buckets.of("iot-001", kBegin + seconds(1))->take(kBegin + seconds(1), 10));
}

TEST_CASE("buckets without connections are forgotten when full, and when there are too many",
          "[http]") {
  RateBuckets buckets;
  const auto kept = buckets.of("iot-001", kBegin);
  for (int i = 0; i < 20'000; ++i) {
    const MonoTime now = kBegin + milliseconds(i);
    buckets.of("slow-" + std::to_string(i), now)->take(now, 10);
  }
  CHECK(buckets.size() < 4000);
  for (int i = 0; i < 300'000; ++i)
    buckets.of("flood-" + std::to_string(i), kBegin)->take(kBegin, 10);
  CHECK(buckets.size() <= 16U * 2 * 4096);
  CHECK(buckets.of("iot-001", kBegin) == kept);
}

TEST_CASE("an address is heard a few times in each window", "[http]") {
  EventLimit limit(3, seconds(1));
  int heard = 0;
  for (int i = 0; i < 10; ++i)
    heard += limit.take("192.0.2.1", kBegin) ? 1 : 0;
  CHECK(heard == 3);
  CHECK(limit.take("192.0.2.2", kBegin));
  CHECK(limit.take("192.0.2.1", kBegin + seconds(1)));
  for (int i = 0; i < 5000; ++i)
    CHECK(limit.take(std::to_string(i), kBegin));
}

TEST_CASE("all downloads together keep to their bytes a second", "[http]") {
  constexpr std::uint64_t kRate = 1'000'000;
  constexpr std::uint64_t kPiece = 10'000;
  Pacer pacer;
  MonoTime now = kBegin;
  std::uint64_t sent = 0;
  while (now < kBegin + seconds(10)) {
    const milliseconds wait = pacer.wait(now);
    if (wait == milliseconds(0)) {
      pacer.sent(now, kPiece, kRate);
      sent += kPiece;
    }
    now += wait;
  }
  CHECK(sent >= 10 * kRate);
  CHECK(sent <= 10 * kRate + kRate / 50 + kPiece);
}

TEST_CASE("without a limit no download waits, and an idle time is not made up for", "[http]") {
  Pacer pacer;
  pacer.sent(kBegin, 1U << 30, 0);
  CHECK(pacer.wait(kBegin) == milliseconds(0));
  pacer.sent(kBegin + seconds(100), 1'000'000, 1'000'000);
  CHECK(pacer.wait(kBegin + seconds(100)) == milliseconds(980));
}

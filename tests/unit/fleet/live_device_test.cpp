#include "fleet/live_device.h"

#include "base/json.h"
#include "tests/support/catch.h"

using namespace ota;
using fleet::MinuteSummary;
using fleet::SequenceGuard;
using model::SampleFault;

namespace {

model::Sample numbered(std::uint64_t seq, std::uint64_t boot = 1) {
  model::Sample sample;
  sample.seq = seq;
  sample.boot = {boot, boot};
  return sample;
}

}  // namespace

TEST_CASE("samples of a boot are taken once and in order, gaps are fine", "[fleet]") {
  SequenceGuard guard;
  CHECK_FALSE(guard.check(numbered(5)));
  CHECK_FALSE(guard.check(numbered(6)));
  CHECK(guard.check(numbered(6)) == SampleFault::kRepeated);
  CHECK(guard.check(numbered(5)) == SampleFault::kRepeated);
  CHECK_FALSE(guard.check(numbered(10)));
  CHECK(guard.check(numbered(8)) == SampleFault::kOutOfOrder);
  CHECK(guard.check(numbered(6)) == SampleFault::kRepeated);
  CHECK_FALSE(guard.check(numbered(1000)));
  CHECK(guard.check(numbered(10)) == SampleFault::kOutOfOrder);  // out of the window's memory
}

TEST_CASE("a new boot begins anew, and the boot before it is over", "[fleet]") {
  SequenceGuard guard;
  CHECK_FALSE(guard.check(numbered(50, 1)));
  CHECK_FALSE(guard.check(numbered(1, 2)));
  CHECK(guard.check(numbered(51, 1)) == SampleFault::kOutOfOrder);  // a recording is played back
  CHECK_FALSE(guard.check(numbered(2, 2)));
}

TEST_CASE("a minute's summary has its lowest, mean and highest", "[fleet]") {
  MinuteSummary minute;
  const WallTime start = *parse_rfc3339("2026-08-20T14:03:10Z");
  CHECK_FALSE(minute.over(start));
  for (const double cpu : {10.0, 20.0, 60.0}) {
    auto sample = numbered(1);
    sample.value(model::Metric::kCpu) = cpu;
    sample.extra = {{"load1", cpu / 10}};
    minute.add(sample, model::Level::kWatch, cpu / 100, start);
  }
  minute.add_refused(start);
  CHECK_FALSE(minute.over(start + seconds(49)));
  CHECK(minute.over(start + seconds(50)));
  const fleet::FinishedMinute finished = minute.finish("iot-001");
  CHECK(minute.empty());
  CHECK(finished.device == "iot-001");
  CHECK((finished.at == *parse_rfc3339("2026-08-20T14:03:00Z")));
  const Json document = *parse_json(finished.document);
  CHECK(document["cpu"] == Json::array({10.0, 30.0, 60.0}));
  CHECK(document["samples"] == 3);
  CHECK(document["refused"] == 1);
  CHECK(document["level"] == "watch");
  CHECK(document["score"] == 0.6);
  CHECK(document["extra"]["load1"] == Json::array({1.0, 3.0, 6.0}));
  CHECK_FALSE(document.contains("mem"));

  const auto read = fleet::parse_minute(finished.at, document);
  REQUIRE(read.has_value());
  CHECK(fleet::minute_document(*read) == document);
  CHECK(read->at == finished.at);
  CHECK(fleet::parse_minute(finished.at, Json{{"cpu", "high"}}).has_error());
}

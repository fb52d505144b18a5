#include "rollout/recording_writer.h"

#include <random>
#include <sstream>

#include "rollout/recording.h"
#include "tests/support/catch.h"

using namespace ota::rollout;
using namespace std::chrono_literals;
using ota::WallTime;

namespace {

const WallTime kWritten{std::chrono::sys_days{std::chrono::year(2026) / 3 / 4}};

// Two models, two groups, a metric of the devices' own that gets worse downwards, one without limit.
RecordingHead written_head() {
  RecordingHead head;
  head.phases = {"canary", "rest"};
  head.metrics = {"cpu", "free \"blocks\"", "temp"};
  head.settings.alpha = 0.05;
  head.settings.looks = 3;
  head.settings.metrics = {{"cpu", Worse::kUp, 2.5, 0},
                           {"free \"blocks\"", Worse::kDown, 1, 0.25},
                           {"temp", Worse::kUp, 1, 0}};
  head.cohort.id = "ro-000007";
  head.cohort.start = kWritten;
  head.cohort.phases = 2;
  head.cohort.models = {"a", "b"};
  head.cohort.groups = {"", "east", "west"};
  head.cohort.columns = {{0U, 90}, {1U, kNoValue}, {2U, 80.5}};
  for (std::uint32_t i = 0; i < 40; ++i)
    head.cohort.devices.push_back({"d\t" + std::to_string(i), i % 2, i % 3});
  return head;
}

}  // namespace

TEST_CASE("a rollout that is written and read is judged as it was while it lived",
          "[rollout][recording]") {
  for (const double shift : {0.0, 20.0}) {
    const RecordingHead head = written_head();
    std::string lived;
    Judge judge(head.settings, head.cohort,
                [&](const Report& report) { lived += line_of(report) + "\n"; });
    std::string recording;
    RecordingWriter writer(head, [&](std::string_view line) { recording += line; });
    std::mt19937_64 random(9);
    std::normal_distribution<double> noise(30, 3);
    for (WallTime now = kWritten - 2h; now < kWritten + 2h; now += 1min) {
      judge.advance(now);
      for (std::size_t i = 0; i < 8 && !judge.halted(); ++i) {
        if (now == kWritten) {
          REQUIRE(judge.offered(i, 0).has_value());
          writer.offered(now, i, 0);
        } else if (now == kWritten + 4min) {
          REQUIRE((i == 7 ? judge.failed(i) : judge.confirmed(i)).has_value());
          i == 7 ? writer.failed(now, i) : writer.confirmed(now, i);
        } else if (now == kWritten + 30min && i < 2) {
          judge.booted(i);
          writer.booted(now, i);
        }
      }
      for (std::size_t i = 0; i < 40; ++i) {
        if (random() % 30 == 0) continue;
        const double after = i < 8 && now > kWritten ? shift : 0;
        const double values[] = {noise(random) + after,
                                 random() % 20 == 0 ? kNoValue : noise(random) - after,
                                 noise(random)};
        REQUIRE(judge.minute(i, values).has_value());
        writer.add_minute(i, values);
      }
      writer.end_minute(now);
    }
    std::string read;
    RecordingOptions options;
    options.write = [&](std::string_view line) { read += line; };
    options.note = [](std::string_view what) { FAIL(what); };
    std::istringstream in(recording);
    const auto summary = judge_recording(in, options);
    if (!summary) FAIL(summary.error().text());
    CHECK(summary->halted.has_value() == (shift > 0));
    CHECK(read == lived + line_of(*summary) + "\n");
    CHECK(lived.find("free \\\"blocks\\\"") != std::string::npos);
  }
}

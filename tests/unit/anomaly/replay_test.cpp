#include "anomaly/replay.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <random>
#include <sstream>

#include "anomaly/csv_rows.h"
#include "anomaly/detector.h"
#include "anomaly/told.h"
#include "base/text.h"
#include "sim/faults.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using ota::anomaly::BadRows;
using ota::anomaly::ReplayOptions;
using ota::anomaly::ReplaySummary;

namespace {

struct Outcome {
  ota::Result<ReplaySummary> summary = ReplaySummary{};
  std::string written;
  std::vector<std::string> problems;
  std::vector<std::string> notes;
};

Outcome run(const std::string& csv, BadRows bad_rows = BadRows::kSkip, double threshold = 0.5) {
  Outcome outcome;
  ReplayOptions options;
  options.thresholds.anomaly_score_threshold = threshold;
  options.bad_rows = bad_rows;
  options.write = [&](std::string_view line) { outcome.written += line; };
  options.complain = [&](std::string_view problem) { outcome.problems.emplace_back(problem); };
  options.note = [&](std::string_view what) { outcome.notes.emplace_back(what); };
  std::istringstream in(csv);
  outcome.summary = ota::anomaly::replay(in, options);
  return outcome;
}

// Noise about 20 that jumps to 60 at `jump`, one row in five minutes.
std::string noise_with_jump(int rows, int jump) {
  std::mt19937 random(4);
  std::normal_distribution<double> noise(20, 2);
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < rows; ++i) {
    csv += std::to_string(1400000000 + 300 * i) + "," +
           ota::format_number(noise(random) + (i >= jump ? 40 : 0), 3) + "\n";
  }
  return csv;
}

}  // namespace

TEST_CASE("one incident is one alarm at its beginning, with its reason", "[anomaly][replay]") {
  const auto outcome = run(noise_with_jump(2000, 1500));
  REQUIRE(outcome.summary.has_value());
  CHECK(outcome.summary->rows == 2000);
  const auto lines = ota::lines_of(outcome.written);
  REQUIRE(lines.size() >= 2001);
  CHECK(lines[0] == "timestamp,anomaly_score,level,reason");
  int alarms = 0;
  for (std::size_t row = 1400; row < 2000; ++row) {
    const auto fields = ota::split(lines[row + 1], ',');
    REQUIRE(fields.size() == 4);
    if (std::stod(fields[1]) < 0.5) continue;
    ++alarms;
    CHECK(row >= 1500);
    CHECK(row < 1510);
    CHECK(fields[2] == "watch");
    CHECK(fields[3].find("is usual") != std::string::npos);
  }
  CHECK(alarms == 1);
}

TEST_CASE("a row's line depends on the rows up to it alone", "[anomaly][replay]") {
  const std::string whole = run(noise_with_jump(1200, 900)).written;
  for (const int rows : {1, 50, 901, 1100}) {
    const std::string part = run(noise_with_jump(rows, 900)).written;
    CHECK(whole.substr(0, part.size()) == part);
  }
}

TEST_CASE("bad rows are named and skipped, or end a strict replay", "[anomaly][replay]") {
  const std::string csv =
      "timestamp,cpu,mem\n"
      "2026-01-01 00:00:00,10,20\n"
      "yesterday,10,20\n"
      "2026-01-01 00:05:00,ten,20\n"
      "2026-01-01 00:10:00,10\n"
      "2026-01-01 00:10:00,10,nan\n"
      "2026-01-01 00:10:00,,\n"
      "\n"
      "2026-01-01T00:15:00Z,,21\n";
  const auto outcome = run(csv);
  REQUIRE(outcome.summary.has_value());
  CHECK(outcome.summary->rows == 2);
  CHECK(outcome.summary->bad_rows == 5);
  REQUIRE(outcome.problems.size() == 5);
  CHECK(outcome.problems[0] == "line 3: not a time: 'yesterday'");
  CHECK(outcome.problems[1] == "line 4: cpu is not a number: 'ten'");
  CHECK(outcome.problems[2] == "line 5: 2 fields, not 3");
  CHECK(outcome.problems[3] == "line 6: mem is not a number: 'nan'");
  CHECK(outcome.problems[4] == "line 7: no value");

  const auto strict = run(csv, BadRows::kStop);
  REQUIRE(strict.summary.has_error());
  CHECK(strict.summary.error().context == "line 3: not a time: 'yesterday'");
}

TEST_CASE("a header without a timestamp, without a column or with a name twice is refused",
          "[anomaly][replay]") {
  CHECK(run("").summary.has_error());
  CHECK(run("time,value\n").summary.has_error());
  CHECK(run("timestamp\n").summary.has_error());
  CHECK(run("timestamp,a,a\n").summary.has_error());
  CHECK(run("timestamp,,b\n").summary.has_error());
  std::string overlong;
  overlong.resize(70000, 'x');
  CHECK(run(overlong).summary.has_error());
  std::string many = "timestamp";
  for (int i = 0; i < 300; ++i)
    many += ",c" + std::to_string(i);
  CHECK(run(many + "\n").summary.has_error());
}

TEST_CASE("hard limits speak for the columns that they are made for", "[anomaly][replay]") {
  std::string csv = "timestamp,cpu,value\n";
  for (int i = 0; i < 10; ++i)
    csv += std::to_string(1000 + 5 * i) + ",97,97\n";
  const auto lines = ota::lines_of(run(csv).written);
  CHECK(lines[1].find(",watch,cpu 97 with a limit of 90") != std::string::npos);
  CHECK(lines[9].find(",critical,cpu 97 with a limit of 90") != std::string::npos);
}

TEST_CASE("bytes and counts in a column with a limit's name are no percentages",
          "[anomaly][replay]") {
  std::string csv = "timestamp,mem,disk,temp\n";
  for (int i = 0; i < 100; ++i) {
    csv += std::to_string(1000 + 60 * i) + "," + std::to_string(8000000000 + i % 7) + "," +
           std::to_string(i % 5 - 3) + ",300\n";
  }
  for (const std::string& line : ota::lines_of(run(csv).written))
    CHECK(line.find("limit") == std::string::npos);
}

TEST_CASE("a hard limit has no part in the score", "[anomaly][replay]") {
  std::string busy = "timestamp,cpu\n";
  std::string other = "timestamp,value\n";
  for (int i = 0; i < 500; ++i) {
    const std::string row = std::to_string(1000 + 60 * i) + "," + std::to_string(95 + i % 4) + "\n";
    busy += row;
    other += row;
  }
  const auto with_limit = ota::lines_of(run(busy).written);
  const auto without = ota::lines_of(run(other).written);
  REQUIRE(with_limit.size() == without.size());
  CHECK(ota::split(with_limit[500], ',')[2] == "critical");
  for (std::size_t i = 1; i <= 500; ++i)
    CHECK(ota::split(with_limit[i], ',')[1] == ota::split(without[i], ',')[1]);
}

TEST_CASE("a column of words is left out and told once, and a strict replay ends at it",
          "[anomaly][replay]") {
  const std::string csv =
      "timestamp,\"host, rack\",cpu\n"
      "1000,\"web-1, r2\",20\n"
      "1060,web-2,21\n"
      "1120,web-1,x\n";
  const auto outcome = run(csv);
  REQUIRE(outcome.summary.has_value());
  CHECK(outcome.summary->rows == 2);
  CHECK(outcome.notes ==
        std::vector<std::string>{"line 2: host, rack is not a number: 'web-1, r2'"});
  CHECK(outcome.problems == std::vector<std::string>{"line 4: cpu is not a number: 'x'"});
  CHECK(run(csv, BadRows::kStop).summary.has_error());
}

TEST_CASE("a score that is printed at the threshold is an alarm", "[anomaly][replay]") {
  // Thresholds that sit on the series' own scores, where rounding up would show.
  const std::string csv = noise_with_jump(1200, 900);
  const auto lines = ota::lines_of(run(csv, BadRows::kSkip, 0.999).written);
  for (const std::size_t row : {300U, 700U, 905U}) {
    const double threshold = std::stod(ota::split(lines[row], ',')[1]);
    if (threshold <= 0) continue;
    for (const std::string& line : ota::lines_of(run(csv, BadRows::kSkip, threshold).written)) {
      const auto fields = ota::split(line, ',');
      if (fields.size() < 4 || fields[0] == "timestamp") continue;
      if (std::stod(fields[1]) >= threshold) CHECK(fields[2] == "watch");
      if (fields[2] == "stable") CHECK(std::stod(fields[1]) < threshold);
    }
  }
}

TEST_CASE("repeated, unequal and backward stamps and overlong lines are survived",
          "[anomaly][replay]") {
  std::string csv = "\xEF\xBB\xBFTimestamp,value\r\n";
  for (int i = 0; i < 300; ++i)
    csv += std::to_string(5000 - (i % 7) * i) + ",1\r\n";
  csv.append(70000, '1');
  csv += "\n9000,2\n";
  const auto outcome = run(csv);
  REQUIRE(outcome.summary.has_value());
  CHECK(outcome.summary->bad_rows == 1);
  CHECK(outcome.summary->rows == 301);
}

TEST_CASE("stamps are read in every form that exports use", "[anomaly][replay]") {
  using ota::anomaly::parse_stamp;
  const auto expected = *parse_stamp("2014-04-10T16:15:00Z");
  for (const char* form :
       {"2014-04-10 16:15:00", "2014-04-10 16:15", "2014-04-10T16:15:00.000", "2014-04-10T16:15Z",
        "2014-04-10T18:15:00+02:00", "2014-04-10 18:15:00 +0200", "2014-04-10 16:15:00 UTC",
        "2014/04/10 16:15:00", "2014-04-10 16:15:00.000000", "1397146500", "1397146500.0",
        "1397146500000", "1397146500000000", "1397146500000000000"}) {
    INFO(form);
    REQUIRE(parse_stamp(form).has_value());
    CHECK((*parse_stamp(form) == expected));
  }
  CHECK((*parse_stamp("2014-04-10") == *parse_stamp("2014-04-10T00:00:00Z")));
  for (const char* form : {"", "-5", "2014-04", "2014-13-10 16:15:00", "2014-04-10 16:15:00 here",
                           "2014-04-10 25:00", "1e300", "inf"}) {
    INFO(form);
    CHECK(parse_stamp(form).has_error());
  }
}

TEST_CASE("semicolons and tabs part the fields as well as commas do", "[anomaly][replay]") {
  const std::string commas = noise_with_jump(1200, 900);
  for (const char separator : {';', '\t'}) {
    std::string csv = commas;
    std::replace(csv.begin(), csv.end(), ',', separator);
    CHECK(run(csv).written == run(commas).written);
  }
}

TEST_CASE("an explained replay gives the score's numbers on each row", "[anomaly][replay]") {
  ReplayOptions options;
  std::string written;
  options.reasons = ota::anomaly::Reasons::kAll;
  options.write = [&](std::string_view line) { written += line; };
  std::istringstream in(noise_with_jump(1200, 900));
  REQUIRE(ota::anomaly::replay(in, options).has_value());
  const auto lines = ota::lines_of(written);
  CHECK(lines[88].find("learning 88 of 220") != std::string::npos);
  CHECK(lines[500].find("S ") != std::string::npos);
  CHECK(lines[905].find("incident ") != std::string::npos);
}

TEST_CASE("a device and a replay of its samples have the same score in each row, to the bit",
          "[anomaly][replay]") {
  ota::sim::Machine machine(ota::sim::Background::kDaily, 8, std::chrono::minutes(1),
                            ota::test::kStart);
  ota::model::Thresholds thresholds;
  ota::anomaly::DeviceDetector detector(thresholds);
  std::string csv = "timestamp,cpu,mem,disk,temp,load1\n";
  std::vector<ota::anomaly::ScoreTold> device;
  for (int i = 0; i < 4000; ++i) {
    if (i == 3000) machine.begin(ota::sim::Fault::kCryptoMiner, 5);
    ota::model::Sample sample = machine.next();
    if (i >= 500) sample.extra = {{"load1", *sample.values[0] / 7}};
    if (i % 97 == 5) sample.values[3].reset();
    detector.observe(sample, sample.at);
    device.push_back(detector.told());
    csv += ota::format_rfc3339(sample.at);
    std::array<char, 40> text{};
    for (const auto& value : sample.values) {
      csv += ",";
      if (!value) continue;
      std::snprintf(text.data(), text.size(), "%.17g", *value);
      csv += text.data();
    }
    csv += ",";
    if (i >= 500) {
      std::snprintf(text.data(), text.size(), "%.17g", sample.extra[0].value);
      csv += text.data();
    }
    csv += "\n";
  }
  ReplayOptions options;
  std::size_t row = 0;
  int alarms = 0;
  std::uint32_t told = 0;
  options.write = [](std::string_view) {};
  options.observe = [&](const ota::anomaly::ReplayRow& seen) {
    const ota::anomaly::ScoreTold& of_device = device.at(row++);
    INFO("row " << row);
    REQUIRE(std::bit_cast<std::uint64_t>(seen.rarity) ==
            std::bit_cast<std::uint64_t>(of_device.rarity));
    REQUIRE(std::bit_cast<std::uint64_t>(seen.joint) ==
            std::bit_cast<std::uint64_t>(of_device.joint));
    REQUIRE(std::abs(seen.score - of_device.score) < 2e-12);  // as it is printed
    REQUIRE(seen.alarm == (of_device.alarm_count != told));
    told = of_device.alarm_count;
    alarms += seen.alarm ? 1 : 0;
  };
  std::istringstream in(csv);
  REQUIRE(ota::anomaly::replay(in, options).has_value());
  CHECK(row == 4000);
  CHECK(alarms > 0);
}

TEST_CASE("scores never leave [0, 1], whatever the values", "[anomaly][replay]") {
  std::mt19937 random(9);
  std::string csv = "timestamp,a,b,c\n";
  std::uniform_int_distribution<int> kind(0, 5);
  for (int i = 0; i < 500; ++i) {
    csv += std::to_string(i * 60);
    for (int column = 0; column < 3; ++column) {
      constexpr std::array kValues{"0", "1e308", "-1e308", "1e-300", "", "42"};
      csv += std::string(",") + kValues[static_cast<std::size_t>(kind(random))];
    }
    csv += "\n";
  }
  const auto outcome = run(csv);
  REQUIRE(outcome.summary.has_value());
  const auto lines = ota::lines_of(outcome.written);
  for (std::size_t i = 1; i < lines.size() && !lines[i].empty(); ++i) {
    const double score = std::stod(ota::split(lines[i], ',')[1]);
    REQUIRE(score >= 0);
    REQUIRE(score <= 1);
  }
}

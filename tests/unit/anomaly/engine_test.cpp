// The engine against its reference vectors, and what holds for it whatever it is fed.
#include "anomaly/engine.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <algorithm>
#include "anomaly/csv_rows.h"
#include "tests/support/allocation_count.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using ota::WallTime;
using ota::anomaly::Alarm;
using ota::anomaly::Engine;
using ota::anomaly::Home;
using ota::anomaly::Judgement;
using ota::anomaly::kNoReading;
using ota::anomaly::MetricScore;
using ota::anomaly::Readings;

namespace {

constexpr double kThreshold = 0.5;

struct Row {
  WallTime at;
  std::vector<double> values;
};

std::vector<Judgement> judged(const std::vector<Row>& rows,
                              const ota::anomaly::Tuning& tuning = ota::anomaly::kShippedTuning) {
  Engine engine(tuning);
  std::vector<Judgement> out;
  for (const Row& row : rows)
    out.push_back(engine.observe(row.at, row.values, kThreshold));
  return out;
}

std::vector<Row> read_rows(const std::string& file) {
  std::ifstream in(file);
  auto csv = ota::anomaly::CsvRows::open(in);
  REQUIRE(csv.has_value());
  std::vector<Row> rows;
  ota::anomaly::CsvRow row;
  for (auto more = csv->next(row); more.has_value() && *more; more = csv->next(row)) {
    Row& made = rows.emplace_back(Row{row.at, {}});
    for (const auto& value : row.values)
      made.values.push_back(value.value_or(kNoReading));
  }
  return rows;
}

// Noise of so many metrics, a row a step; readings of one decimal, as devices send them.
std::vector<Row> noise(int rows, int metrics, std::chrono::milliseconds step = 5min,
                       unsigned seed = 7) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Row> out;
  for (int i = 0; i < rows; ++i) {
    Row& row = out.emplace_back(Row{WallTime(20000h) + i * step, {}});
    for (int metric = 0; metric < metrics; ++metric)
      row.values.push_back(std::round(10 * (30 + 10 * metric + 2 * normal(random))) / 10);
  }
  return out;
}

int alarms(const std::vector<Judgement>& judgements, std::size_t from, std::size_t to) {
  int count = 0;
  for (std::size_t i = from; i < to; ++i)
    count += judgements[i].alarm != Alarm::kNone ? 1 : 0;
  return count;
}

void check_same_bits(const std::vector<Judgement>& a, const std::vector<Judgement>& b,
                     std::size_t rows) {
  for (std::size_t i = 0; i < rows; ++i) {
    INFO("row " << i);
    REQUIRE(std::bit_cast<std::uint64_t>(a[i].score) == std::bit_cast<std::uint64_t>(b[i].score));
    REQUIRE(std::bit_cast<std::uint64_t>(a[i].rarity) == std::bit_cast<std::uint64_t>(b[i].rarity));
    REQUIRE(a[i].alarm == b[i].alarm);
  }
}

}  // namespace

TEST_CASE("the engine meets the reference's vectors to a billionth", "[anomaly][engine]") {
  for (const std::string name :
       {"noise", "spikes", "shift", "season", "flat", "variance", "slow", "device"}) {
    const std::string stem = "tests/vectors/anomaly/" + name;
    const auto rows = read_rows(stem + ".csv");
    const auto got = judged(rows, ota::anomaly::kReferenceTuning);
    std::ifstream reference(stem + ".out.csv");
    std::string line;
    REQUIRE(std::getline(reference, line));
    REQUIRE(rows.size() >= 900);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      INFO(name << " row " << i);
      REQUIRE(std::getline(reference, line));
      double score = 0;
      int alarm = 0;
      double rarity = 0;
      double joint = 0;
      REQUIRE(std::sscanf(line.c_str() + line.find(','), ",%lf,%d,%lf,%lf", &score, &alarm, &rarity,
                          &joint) == 4);
      REQUIRE(std::abs(got[i].score - score) <= 1e-9);
      REQUIRE(std::abs(got[i].rarity - rarity) <= 1e-9);
      REQUIRE(std::abs(got[i].joint - joint) <= 1e-9);
      REQUIRE((got[i].alarm != Alarm::kNone) == (alarm == 1));
    }
  }
}

TEST_CASE("a prefix of a series gives a prefix of its judgements, to the bit",
          "[anomaly][engine]") {
  auto rows = noise(1500, 3);
  for (std::size_t i = 1000; i < 1030; ++i)
    rows[i].values[1] += 40;
  const auto whole = judged(rows);
  for (const std::size_t length : {1U, 70U, 400U, 1010U}) {
    const auto part = judged({rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(length)});
    check_same_bits(whole, part, length);
  }
}

TEST_CASE("the order of the metrics changes no judgement", "[anomaly][engine]") {
  auto rows = noise(1200, 4);
  for (std::size_t i = 900; i < 920; ++i)
    rows[i].values[2] += 30;
  const auto before = judged(rows);
  for (Row& row : rows)
    std::reverse(row.values.begin(), row.values.end());
  const auto after = judged(rows);
  check_same_bits(before, after, rows.size());
  REQUIRE(before[901].alarm == Alarm::kNew);
  CHECK(before[901].leaders[0] == 2);
  CHECK(after[901].leaders[0] == 1);
}

TEST_CASE("values scaled by a power of two give the same judgements", "[anomaly][engine]") {
  auto rows = noise(1500, 2);
  rows[1200].values[0] = 80;
  const auto before = judged(rows);
  for (const double factor : {0x1p-10, 0x1p20}) {
    auto scaled = rows;
    for (Row& row : scaled) {
      for (double& value : row.values)
        value *= factor;
    }
    check_same_bits(before, judged(scaled), rows.size());
  }
}

TEST_CASE("readings that are no numbers, infinite or huge neither break nor blind it",
          "[anomaly][engine]") {
  auto rows = noise(3000, 2);
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  rows[500].values = {kNoReading, kNoReading};
  rows[501].values = {kInfinite, 1e308};
  rows[502].values = {-kInfinite, -1e308};
  rows[503].values = {kNoReading, 1e-308};
  for (std::size_t i = 2500; i < 2506; ++i) {
    for (double& value : rows[i].values)
      value += 60;
  }
  const auto got = judged(rows);
  for (const Judgement& row : got) {
    REQUIRE(std::isfinite(row.rarity));
    REQUIRE(row.score >= 0);
    REQUIRE(row.score <= 1);
  }
  CHECK(alarms(got, 501, 504) == 1);
  CHECK(alarms(got, 2500, 2506) == 1);
}

TEST_CASE("a metric that is missing, comes late or leaves is no event by itself",
          "[anomaly][engine]") {
  auto rows = noise(2500, 4);
  const auto all = judged(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= 600 && i < 640) rows[i].values[1] = kNoReading;
    if (i < 900) rows[i].values[2] = kNoReading;
    if (i >= 1700) rows[i].values[0] = kNoReading;
  }
  const auto got = judged(rows);
  // As many false alarms as without, and none at the rows where something came or went.
  CHECK(alarms(got, 0, 2500) <= alarms(all, 0, 2500) + 2);
  for (const std::size_t row : {600U, 640U, 641U, 900U, 964U, 1700U})
    CHECK(got[row].alarm == Alarm::kNone);
}

TEST_CASE("a counter that wraps is one alarm and is judged on", "[anomaly][engine]") {
  std::vector<Row> rows;
  std::mt19937 random(3);
  double count = 4e9;
  for (int i = 0; i < 3000; ++i) {
    count += 1000 + static_cast<double>(random() % 100);
    if (count > 4294967296.0) count -= 4294967296.0;
    rows.push_back({WallTime(20000h) + i * 1min, {count}});
  }
  const auto got = judged(rows);
  CHECK(alarms(got, 0, rows.size()) <= 4);
  for (const Judgement& row : got)
    REQUIRE(std::isfinite(row.rarity));
}

TEST_CASE("two failures of one size a day apart both alarm", "[anomaly][engine]") {
  auto rows = noise(2000, 3);
  for (const std::size_t start : {1200U, 1488U}) {
    for (std::size_t i = start; i < start + 6; ++i)
      rows[i].values[0] += 25;
  }
  const auto got = judged(rows);
  CHECK(alarms(got, 1200, 1206) == 1);
  CHECK(alarms(got, 1488, 1494) == 1);
}

TEST_CASE("a level shift alarms once and is accepted within days", "[anomaly][engine]") {
  auto rows = noise(300 + 288 * 12, 2);
  for (std::size_t i = 1500; i < rows.size(); ++i)
    rows[i].values[0] += 12;
  const auto got = judged(rows);
  CHECK(alarms(got, 1500, 1510) == 1);
  CHECK(alarms(got, 1510, 1500 + 288) == 0);
  double late = 0;
  for (std::size_t i = rows.size() - 288; i < rows.size(); ++i)
    late = std::max(late, got[i].rarity);
  CHECK(late < 3);
}

TEST_CASE("while an incident is open a second fault alarms under its own name",
          "[anomaly][engine]") {
  auto rows = noise(1600, 4, 5min, 12);
  auto worse = rows;
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t metric = 0; metric < 2; ++metric) {
      rows[1200 + i].values[metric] += 20;
      worse[1200 + i].values[metric] += 20;
      rows[1225 + i].values[metric + 2] += 20;
      worse[1225 + i].values[metric] += 4000;
    }
  }
  const auto seen = [](const std::vector<Judgement>& got, Alarm kind) {
    for (std::size_t i = 1200; i < 1260; ++i) {
      if (got[i].alarm == kind) return static_cast<int>(i);
    }
    return 0;
  };
  const auto another = judged(rows);
  CHECK(seen(another, Alarm::kNew) == 1201);
  CHECK(seen(another, Alarm::kAnotherFault) == 1226);
  CHECK(seen(judged(worse), Alarm::kEscalation) == 1226);
}

TEST_CASE("at one reading a second a day has few alarms", "[anomaly][engine]") {
  auto rows = noise(86400, 4, 1s);
  const auto got = judged(rows);
  CHECK(alarms(got, 0, 220) == 0);
  CHECK(alarms(got, 0, rows.size()) <= 12);
}

TEST_CASE("a row counts for an alarm where one of the two before it was rare too",
          "[anomaly][engine]") {
  auto rows = noise(1600, 3, 5min, 12);
  rows[1200].values[0] += 60;
  for (std::size_t i = 1400; i < 1403; ++i)
    rows[i].values[0] += 60;
  const auto got = judged(rows);
  REQUIRE(alarms(got, 1100, 1200) == 0);
  CHECK(got[1200].rarity >= 3);
  CHECK(got[1200].alarm == Alarm::kNone);
  CHECK(judged(rows, ota::anomaly::kReferenceTuning)[1200].alarm == Alarm::kNew);
  CHECK(got[1400].alarm == Alarm::kNone);
  CHECK(got[1401].alarm == Alarm::kNew);
}

TEST_CASE("another sampling rate is taken up within an hour, whichever way it goes",
          "[anomaly][engine]") {
  using std::chrono::milliseconds;
  const auto step =
      GENERATE(as<std::pair<milliseconds, milliseconds>>{}, std::pair(1s, 300s), std::pair(1s, 60s),
               std::pair(60s, 300s), std::pair(300s, 1s), std::pair(60s, 1s), std::pair(300s, 10s));
  auto rows = noise(3000, 1, step.first);
  const WallTime end = rows.back().at;
  Engine engine;
  for (const Row& row : rows)
    engine.observe(row.at, row.values, kThreshold);
  const double wanted = std::chrono::duration<double>(step.second).count();
  for (auto at = end + step.second; at <= end + 1h; at += step.second)
    engine.observe(at, rows[100].values, kThreshold);
  CHECK(engine.interval() == Approx(wanted).epsilon(0.02));
  // A gap is none.
  Engine gap;
  for (Row& row : rows) {
    if (row.at > end - 100 * step.first) row.at += 24h;
    gap.observe(row.at, row.values, kThreshold);
  }
  CHECK(gap.interval() == Approx(std::chrono::duration<double>(step.first).count()).epsilon(0.02));
}

TEST_CASE("a home that covers its week follows another sampling rate and loses nothing to it",
          "[anomaly][engine]") {
  constexpr double kWeek = 7 * 86400;
  const auto longest = [](double interval) {
    return std::floor(std::max(kWeek / interval, 1024.0) / Home::kSlots);
  };
  Readings readings(MetricScore::kSlots);
  Home home;
  const auto take = [&](double interval, double hours, double value) {
    for (double passed = 0; passed < hours * 3600; passed += interval)
      home.take(readings, value, longest(interval));
  };
  take(300, 24 * 14, 10);
  REQUIRE(home.centre() == 10);
  SECTION("a faster one does not teach a new home within a day") {
    take(1, 24, 90);
    CHECK(home.centre() == 10);
    take(1, 24 * 6, 90);
    CHECK(home.centre() == 90);
  }
  SECTION("a slower one does not freeze it") {
    take(1, 24 * 14, 20);
    REQUIRE(home.centre() == 20);
    take(300, 24 * 7, 30);
    CHECK(home.centre() == 30);
  }
  SECTION("rows without any time between them end its search for a stride") {
    home.take(readings, 10, 1e300);
    CHECK(home.plausible());
  }
}

TEST_CASE("another threshold moves the bar as the score does", "[anomaly][engine]") {
  auto rows = noise(3000, 1);
  for (const std::size_t start : {1000U, 1500U, 2000U, 2500U}) {
    for (std::size_t i = start; i < start + 3; ++i)
      rows[i].values[0] += 10;
  }
  for (const double threshold : {0.3, 0.6, 0.9}) {
    Engine engine;
    for (const Row& row : rows) {
      const Judgement got = engine.observe(row.at, row.values, threshold);
      REQUIRE((got.score >= threshold) == (got.alarm != Alarm::kNone));
    }
  }
}

TEST_CASE("a month of four metrics takes at most 8 KiB of the engine and no trip to the heap",
          "[anomaly][engine][budget]") {
  auto rows = noise(8640 + 2000, 4);
  for (const std::size_t start : {4000U, 8000U, 9640U}) {
    for (std::size_t i = start; i < start + 20; ++i)
      rows[i].values[1] = start == 4000 ? 120 : 99;
  }
  Engine engine;
  for (std::size_t i = 0; i < 8640; ++i)
    engine.observe(rows[i].at, rows[i].values, kThreshold);
  CHECK(engine.bytes() <= 8192);
  const std::uint64_t before = ota::test::allocations_so_far();
  double sum = 0;
  for (std::size_t i = 8640; i < rows.size(); ++i)
    sum += engine.observe(rows[i].at, rows[i].values, kThreshold).rarity;
  const std::uint64_t after = ota::test::allocations_so_far();
  CHECK(after == before);
  CHECK(sum > 0);
}

TEST_CASE("readings come back to the bit, whatever their digits", "[anomaly][engine]") {
  std::mt19937_64 random(5);
  ota::anomaly::Readings readings(64);
  std::vector<double> expected(64, 0.0);
  for (int i = 0; i < 4000; ++i) {
    const std::size_t slot = random() % 64;
    double value = (static_cast<double>(random() % 20000) - 5000) / 10;
    if (i > 1000) value = static_cast<double>(random() % 2000000000) / 1e5;
    if (i > 2000) value = static_cast<double>(random()) / 3;
    readings.set(slot, value);
    expected[slot] = value;
    CHECK(readings.get(slot) == value);
    if (i == 1000) CHECK(readings.bytes() == 128);
    if (i == 2000) CHECK(readings.bytes() == 256);
  }
  for (std::size_t slot = 0; slot < 64; ++slot)
    CHECK(readings.get(slot) == expected[slot]);
  CHECK(readings.bytes() == 512);
}

// Prints what the anomaly engine reaches on the labelled public corpora, by the rules of score.py:
// as shipped, with settings refitted without each corpus, how soon, and what a reading costs.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "anomaly/engine.h"
#include "model/settings.h"
#include "tests/bench/bench_faults.h"
#include "tests/bench/corpora.h"
#include "tests/bench/fleet_verdicts.h"

namespace {

using namespace ota;
using anomaly::Tuning;
using bench::Corpus;
using bench::Series;
using bench::Tally;

std::vector<std::size_t> alarms_of(const Series& series, const Tuning& tuning) {
  anomaly::Engine engine(tuning);
  const double threshold = model::Thresholds{}.anomaly_score_threshold;
  std::vector<std::size_t> alarms;
  for (std::size_t row = 0; row < series.rows(); ++row) {
    const auto values = std::span(series.values).subspan(row * series.metrics, series.metrics);
    if (engine.observe(series.times[row], values, threshold).score >= threshold)
      alarms.push_back(row);
  }
  return alarms;
}

// The tally of each corpus; series are judged on all cores, each by itself.
std::vector<Tally> judge(const std::vector<Corpus>& corpora, const Tuning& tuning) {
  struct Work {
    const Corpus* corpus;
    const Series* series;
    std::vector<std::size_t> alarms;
  };
  std::vector<Work> work;
  for (const Corpus& corpus : corpora) {
    for (const Series& series : corpus.series)
      work.push_back({&corpus, &series, {}});
  }
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < work.size(); at = next++)
          work[at].alarms = alarms_of(*work[at].series, tuning);
      });
    }
  }
  std::vector<Tally> tallies(corpora.size());
  for (const Work& done : work)
    tallies[static_cast<std::size_t>(done.corpus - corpora.data())].add(*done.corpus, *done.series,
                                                                        done.alarms);
  return tallies;
}

double median(std::vector<std::size_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return static_cast<double>(values[values.size() / 2]);
}

void print_shipped(const std::vector<Corpus>& corpora, const std::vector<Tally>& tallies) {
  std::printf("%-6s %6s %9s %6s %10s %20s\n", "corpus", "score", "events", "false", "false/day",
              "median delay, rows");
  double sum = 0;
  for (std::size_t i = 0; i < corpora.size(); ++i) {
    const Tally& tally = tallies[i];
    sum += tally.value(corpora[i]);
    std::printf("%-6s %6.1f %4zu/%-4zu %6zu %10.3f %20.0f\n", corpora[i].name.c_str(),
                tally.value(corpora[i]), tally.found, tally.events, tally.false_alarms,
                static_cast<double>(tally.false_alarms) / std::max(tally.days, 1e-9),
                median(tally.delays));
  }
  std::printf("mean   %6.1f\n", sum / static_cast<double>(corpora.size()));
}

// What is refitted: the bar, its budget, what a hot row teaches, the tail's index, the sizes, and
// whether a row must be confirmed; about half and double of each, as far as that is a detector.
std::vector<Tuning> settings() {
  constexpr std::uint32_t kAllSizes = 0x1F;
  constexpr std::uint32_t kWithoutStep = 0x0F;
  std::vector<Tuning> all;
  for (const double bar : {2.6, 3.0, 3.4}) {
    for (const double fatigue : {0.5, 1.0}) {
      for (const std::uint32_t hot : {1U, 2U}) {
        for (const double index : {0.25, 0.4}) {
          for (const std::uint32_t sizes : {kAllSizes, kWithoutStep}) {
            for (const std::size_t confirming : {std::size_t{0}, std::size_t{2}}) {
              Tuning tuning;
              tuning.bar = bar;
              tuning.fatigue = fatigue;
              tuning.hot_eighths = hot;
              tuning.tail_index = index;
              tuning.sizes = sizes;
              tuning.confirming = confirming;
              all.push_back(tuning);
            }
          }
        }
      }
    }
  }
  return all;
}

std::string text_of(const Tuning& tuning) {
  std::array<char, 120> text{};
  std::snprintf(text.data(), text.size(),
                "bar %.1f, budget %.1f, hot %u/8, index %.2f, %d sizes, confirmed by %zu",
                tuning.bar, tuning.fatigue, tuning.hot_eighths, tuning.tail_index,
                std::popcount(tuning.sizes), tuning.confirming);
  return text.data();
}

double sum_without(const std::vector<double>& values, std::size_t left) {
  return std::accumulate(values.begin(), values.end(), 0.0) - values[left];
}

// Each corpus under the setting that is best on the mean of the others. Each setting is judged on
// all of them once; that takes a quarter of an hour of CPU.
void print_left_out(const std::vector<Corpus>& corpora) {
  const std::vector<Tuning> tried = settings();
  std::vector<std::vector<double>> values;  // of each setting, by corpus
  for (const Tuning& tuning : tried) {
    const auto tallies = judge(corpora, tuning);
    auto& row = values.emplace_back();
    for (std::size_t i = 0; i < corpora.size(); ++i)
      row.push_back(tallies[i].value(corpora[i]));
    std::fprintf(stderr, "%zu of %zu: %s: mean %.1f\n", values.size(), tried.size(),
                 text_of(tuning).c_str(),
                 std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size()));
  }
  std::printf("\nleave one corpus out: of %zu settings the best on the other corpora\n",
              tried.size());
  double sum = 0;
  for (std::size_t left = 0; left < corpora.size(); ++left) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < tried.size(); ++i) {
      if (sum_without(values[i], left) > sum_without(values[best], left)) best = i;
    }
    sum += values[best][left];
    std::printf("  %-6s %6.1f  %s\n", corpora[left].name.c_str(), values[best][left],
                text_of(tried[best]).c_str());
  }
  std::printf("  mean   %6.1f\n", sum / static_cast<double>(corpora.size()));
}

void print_cost(const std::vector<Corpus>& corpora) {
  std::size_t readings = 0;
  std::size_t alarms = 0;
  const double start = bench::thread_cpu_ns();
  for (const Corpus& corpus : corpora) {
    for (const Series& series : corpus.series) {
      alarms += alarms_of(series, anomaly::kShippedTuning).size();
      readings += series.values.size();
    }
  }
  const double took = bench::thread_cpu_ns() - start;
  std::printf("\na reading of a metric: %.0f ns of at most 2000, over %zu readings (%zu alarms)\n",
              took / static_cast<double>(readings), readings, alarms);
}

}  // namespace

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a table is read while the next one is made
  const bool refit = count < 2 || std::strcmp(arguments[1], "--no-refit") != 0;
  if (const auto corpora = bench::load_corpora()) {
    print_shipped(*corpora, judge(*corpora, anomaly::kShippedTuning));
    print_cost(*corpora);
    if (refit) print_left_out(*corpora);
  } else {
    std::printf("labelled series: skipped, no data in ../shared/telemetry (or $OTA_TELEMETRY)\n");
  }
  bench::print_memory();
  if (!refit) return 0;
  bench::print_joint_table();
  bench::print_fault_tables();
  return 0;
}

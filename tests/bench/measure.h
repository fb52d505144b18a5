// What every row of the benchmark needs: medians with their spread, the CPU time and memory of a
// process, pinning, and the lines that rows are made of.
//
// This machine may be shared and noisy, so contestants take turns (A B A B), medians are shown with
// the lowest and highest run, ratios are medians of the ratios of each turn, and CPU time of the
// server alone stands beside every rate.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ota::bench {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start);

// Runs of one figure.
class Series {
 public:
  void add(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }
  double median() const;
  double low() const;
  double high() const;
  // Median of value / value, turn by turn.
  double ratio_to(const Series& other) const;
  // "16.2 (15.9 to 17.0)".
  std::string text(int decimals) const;

 private:
  std::vector<double> values_;
};

std::string fixed(double value, int decimals);

// User and system seconds of a process and its threads so far, from the scheduler's own count.
double cpu_of(pid_t pid);
double own_thread_cpu();
double rss_kib(pid_t pid);

// Binds this process, and what it starts, to one core (or to all: kAnyCore).
inline constexpr int kAnyCore = -1;
void pin_self(int core);
// While it lives, this thread goes before others on its core, where that is allowed (root).
class BeforeOthers {
 public:
  BeforeOthers();
  ~BeforeOthers();
  BeforeOthers(const BeforeOthers&) = delete;
  BeforeOthers& operator=(const BeforeOthers&) = delete;
};
// Starts something on `core`, and comes back to the measuring core afterwards.
inline constexpr int kServerCore = 0;
inline constexpr int kClientCore = 1;

enum class Met { kYes, kNo, kNoAim };

// One line of the report.
struct Line {
  std::string what;
  std::string ours;
  std::string peer;   // empty: none
  std::string ratio;  // ours to the peer's
  std::string aim;
  Met met = Met::kNoAim;
};

Met met_if(bool holds);

}  // namespace ota::bench

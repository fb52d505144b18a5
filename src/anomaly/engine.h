// The anomaly score of a device: the one engine, of devices, replay and back-test alike.
//
// Each metric says how rare its reading is by its own past (metric_score.h). F is the mean of the
// three rarest of the row; F has a past of its own, which makes of it S: decades of rarity of the
// row for this device, 3 being one row in a thousand. Incidents (incident.h) turn S into alarms.
//
//   values -> five sizes a metric -> rarity a metric -> F -> S -> score, alarm
//
// A row is judged first and learnt from afterwards; a line depends on the rows up to it alone. A
// row with S >= 2 makes the device hot, until 15 rows in a row were below; rows of a hot device
// teach an eighth, so that a failure is still rare the next time and a new normal is still learnt.
// For an alarm a row counts as its S or as the larger S of the two rows before it, whichever is
// less: what is over at once is chance more often than not.
// The first 220 rows are for learning: S is 0 until then.
//
// Means are taken from the oldest reading to the newest and no number is kept rounded, so the same
// rows give the same bits. Allocates when a metric is new, when its readings need more digits than
// before, and when a size is larger than ever: not in steady state. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "anomaly/incident.h"
#include "anomaly/metric_score.h"
#include "anomaly/rarity.h"
#include "anomaly/tuning.h"
#include "base/clock.h"

namespace ota::anomaly {

inline constexpr double kNoReading = std::numeric_limits<double>::quiet_NaN();
inline constexpr std::size_t kMostLeaders = 3;

struct Judgement {
  double score = 0;  // below the threshold on every row but an alarm's
  Alarm alarm = Alarm::kNone;
  double rarity = 0;   // S
  double counted = 0;  // of it, for the alarm: see Engine::confirmed
  double joint = 0;    // F
  // Metrics with at least half of the largest rarity, by their place in the row, rarest first.
  std::array<std::uint16_t, kMostLeaders> leaders{};
  std::uint8_t leader_count = 0;
  std::span<const std::uint16_t> lead() const { return {leaders.data(), leader_count}; }
};

class Engine {
 public:
  static constexpr std::uint32_t kLearningRows = 220;

  // `tuning` outlives it.
  explicit Engine(const Tuning& tuning = kShippedTuning) : tuning_(&tuning) {}

  // A row: a value for each metric in an order that stays the same; kNoReading (any NaN) where the
  // row lacks one; more metrics than before are new ones. Infinities count as 1e30. `at` may stand
  // still or go back, as bad series do. `threshold`: the score that is an alarm, in (0, 1).
  Judgement observe(WallTime at, std::span<const double> values, double threshold);

  std::size_t metrics() const { return metrics_.size(); }
  const MetricScore& metric(std::size_t index) const { return metrics_[index].score; }
  const Incidents& incidents() const { return incidents_; }
  const Tuning& tuning() const { return *tuning_; }
  // Seconds from one row to the next, smoothed; a much longer one is taken up with its fifth row.
  double interval() const { return interval_; }
  // How many of the first kLearningRows rows it has; that many once it judges.
  std::uint32_t learnt_rows() const;

  // State, heap included.
  std::size_t bytes() const;
  // observe() is called soon (base/prefetch.h).
  void fetch_ahead() const;

  // Whether what a snapshot gave can be (memory.h).
  bool plausible() const;
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    visit("incidents", self.incidents_);
    visit("joint", self.joint_);
    visit("at", self.at_);
    visit("interval", self.interval_);
    visit("row", self.row_);
    visit("calm", self.calm_);
    visit("slower", self.slower_);
    for (auto& rarity : self.before_)
      visit("before", rarity);
    visit("hot", self.hot_);
    visit("metrics", self.metrics_);
  }

  struct Member {
    MetricScore score;
    bool led = false;  // of the open incident
    template <class Self, class Visit>
    static void each_kept(Self& self, const Visit& visit) {
      visit("led", self.led);
      visit("score", self.score);
    }
  };

 private:
  static constexpr double kJointIndex = 0.434;  // 1 / ln 10: F is a logarithm already

  double pass_time(WallTime at);
  double judge(std::span<const double> values, Judgement& row);
  void heat(double rarity);
  double confirmed(double rarity);
  void learn(std::span<const double> values, bool any, double joint);
  void conclude(double passed, double rarest, double threshold, Judgement& row);
  Lead lead_of(double rarest, Judgement& row) const;
  void remember_lead(double rarest, Alarm alarm);

  const Tuning* tuning_;
  std::vector<Member> metrics_;
  Rarity joint_{Scale::kEighths};
  Incidents incidents_;
  WallTime at_{};
  double interval_ = 0;
  std::uint32_t row_ = 0;
  std::array<double, kMostConfirming> before_{};  // S of the rows before, the last one first
  std::uint32_t calm_ = 0;                        // rows in a row below 2 decades
  std::uint8_t slower_ = 0;                       // rows in a row at more than twice the interval
  bool hot_ = false;
};

}  // namespace ota::anomaly

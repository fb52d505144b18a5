// A hard limit with a memory: raised only by a breach that lasts, over only when the value stays
// clear of it.
//
//   stable --(value >= limit)--> watch --(for raise_after)--> critical
//   stable --(value in the watch margin for raise_after)--> watch
//   critical --(below limit - hysteresis for clear_after)--> watch or stable
//   watch --(below the quiet level for clear_after)--> stable
//
// All durations are time between samples, never counts, so that 5 Hz and one reading a minute obey
// the same limits. Silence proves nothing: time in which no sample came clears nothing.
//
// Pure; no allocation. Thread: one at a time.
#pragma once

#include "base/clock.h"
#include "model/settings.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::anomaly {

struct LimitRule {
  double limit = 0;
  double hysteresis = 0;    // points below the limit before a breach counts as over
  double watch_margin = 0;  // points below the limit from which it is on watch
  milliseconds raise_after{0};
  milliseconds clear_after{0};
  milliseconds longest_gap{0};  // between two samples that prove what was between them
  bool operator==(const LimitRule&) const = default;

  // Below this for clear_after and the limit has nothing to say any more.
  double quiet_level() const;
};

// The rule for a metric of live samples.
LimitRule limit_rule(const model::Thresholds& thresholds, model::Metric metric);

// On after `over` held for long enough, off after `under` held for long enough.
class Latch {
 public:
  struct Reading {
    bool over = false;
    bool under = false;
    WallTime at;
    bool after_gap = false;
  };
  void observe(const Reading& reading, milliseconds raise_after, milliseconds clear_after);
  bool on() const { return on_; }
  bool pending() const { return !on_ && since_ != WallTime{}; }
  // When the breach began; "never" while there is none.
  WallTime since() const { return since_; }

  // Calls visit(name, member) for each member that an explanation reads; evidence.h says what for.
  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("on", self.on_);
    visit("since", self.since_);
  }
  // The same for each member that goes on living after a restart (memory.h).
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    each_told(self, visit);
    visit("under_since", self.under_since_);
  }

 private:
  bool on_ = false;
  WallTime since_{};
  WallTime under_since_{};
};

class LimitWatch {
 public:
  // Samples in order of time.
  void observe(const LimitRule& rule, double value, WallTime at);
  // The rule changed: what only the old one had against the last value is forgotten.
  void change(const LimitRule& rule);

  model::Level level() const;
  WallTime since() const;  // of what level() says; "never" while stable
  bool seen() const { return last_at_ != WallTime{}; }

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("critical", self.critical_);
    visit("watch", self.watch_);
    visit("value", self.last_value_);
    visit("at", self.last_at_);
  }

 private:
  Latch critical_;
  Latch watch_;
  double last_value_ = 0;
  WallTime last_at_{};
};

}  // namespace ota::anomaly

// Virtual time: what happens next in a world, and what waits in it.
//
// Everything happens as a task at a moment, one after the other, in the order of moments and,
// within one, in the order in which tasks were given. Code that was written for threads (an agent's
// loops) runs in fibers: stacks of their own between which the timeline switches when one waits, so
// that nothing in a world ever waits for the real clock.
//
// A fiber ends by returning, or by a power cut: then where it waits, PowerCut is thrown, which no
// code of ours catches, and everything on its stack is let go as the process's end would.
//
// Thread: one; all of a world is made, run and ended on it.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace ota::world {

// Not a std::exception: a guard around a part must not take it for that part's defect.
struct PowerCut {};

using Span = MonoTime::duration;

class Timeline;

class Fiber {
 public:
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  bool over() const { return over_; }
  // It was told to end.
  bool cut() const { return cut_; }

 private:
  friend class Timeline;
  Fiber(Timeline& timeline, std::function<void()> body);
  static void enter(unsigned high, unsigned low);
  void switch_to();
  void switch_back();

  Timeline& timeline_;
  std::function<void()> body_;
  ucontext_t context_{};
  ucontext_t back_{};
  void* stack_;
  bool over_ = false;
  bool cut_ = false;
  bool unwinding_ = false;
  bool woken_ = false;
  std::uint64_t waits_ = 0;  // which wait it is in
  std::exception_ptr failure_;
  // What AddressSanitizer wants to know of the stack that is gone back to.
  const void* back_stack_ = nullptr;
  std::size_t back_bytes_ = 0;
};

class Timeline {
 public:
  Timeline() = default;
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  MonoTime now() const { return now_; }
  std::uint64_t steps() const { return steps_; }

  void at(MonoTime when, std::function<void()> task);
  void after(Span span, std::function<void()> task) { at(now_ + span, std::move(task)); }
  // The next task; false: there is none before or at `until`, and it is `until` now.
  bool step(MonoTime until);
  void run_until(MonoTime until) {
    while (step(until)) {
    }
  }

  // Runs `body` as a fiber from now on.
  std::shared_ptr<Fiber> start(std::function<void()> body);
  // Ends it where it waits, before this returns. Not from the fiber itself.
  void cut(const std::shared_ptr<Fiber>& fiber);
  // The fiber that runs; null: a plain task does.
  std::shared_ptr<Fiber> current() const { return current_; }
  // From a fiber: gives way until wake() of it or `until`. False: the time has come. Throws
  // PowerCut where the fiber is cut; while it then ends, every wait is over at once.
  bool wait(MonoTime until);
  void sleep(Span span) { wait_whole(now_ + span); }
  void wake(const std::shared_ptr<Fiber>& fiber);
  // The power of the running fiber's machine goes now: throws PowerCut.
  [[noreturn]] void end_here();

 private:
  friend class Fiber;
  void wait_whole(MonoTime until);
  void resume(const std::shared_ptr<Fiber>& fiber);
  void* take_stack();

  MonoTime now_{};
  std::uint64_t steps_ = 0;
  std::uint64_t order_ = 0;
  std::map<std::pair<MonoTime, std::uint64_t>, std::function<void()>> tasks_;
  std::shared_ptr<Fiber> current_;
  std::vector<void*> stacks_;  // free ones
};

}  // namespace ota::world

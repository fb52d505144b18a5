// Deadlines of thousands of connections at the cost of a list link each: a hashed timing wheel with
// one slot for each tick.
//
// A later deadline costs nothing: the entry stays where it is filed and is filed again when its
// slot comes up (most requests only move a deadline back). Deadlines past the wheel's round are
// filed in its last slot and looked at again there. Precision is one tick, never early.
//
// Thread: one. An entry must be cleared before it dies; its destructor does that.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace ota::http {

class DeadlineWheel {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { unlink(); }

   private:
    friend class DeadlineWheel;
    void unlink();
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    std::size_t tick_ = 0;  // where it is filed
    bool armed_ = false;    // else it only lies there until its slot comes up
    MonoTime due_{};
  };

  explicit DeadlineWheel(MonoTime start, milliseconds tick = milliseconds(100));

  // At the latest one tick after `due`, expire() hands the entry out, once.
  void set(Entry& entry, MonoTime due);
  void clear(Entry& entry);
  // Takes one entry that is due at `now` off the wheel; null where there is none. Call it until
  // then: what is done with one may set or clear others.
  Entry* expire(MonoTime now);
  // When expire() has to look again; none while nothing is filed. Looks at each slot at worst.
  std::optional<MonoTime> next() const;

 private:
  static constexpr std::size_t kSlots = 512;
  std::size_t tick_of(MonoTime time) const;
  void file(Entry& entry);

  MonoTime start_;
  milliseconds tick_;
  std::size_t now_tick_ = 0;  // slots before it are empty
  std::vector<Entry> slots_;  // heads of rings
};

}  // namespace ota::http

#include "http/deadline_wheel.h"

#include <algorithm>

namespace ota::http {

void DeadlineWheel::Entry::unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

DeadlineWheel::DeadlineWheel(MonoTime start, milliseconds tick)
    : start_(start), tick_(tick), slots_(kSlots) {
  for (Entry& head : slots_)
    head.previous_ = head.next_ = &head;
}

// The first tick whose beginning is not before `time`.
std::size_t DeadlineWheel::tick_of(MonoTime time) const {
  if (time <= start_) return 0;
  return static_cast<std::size_t>((time - start_ + tick_ - MonoTime::duration(1)) / tick_);
}

void DeadlineWheel::file(Entry& entry) {
  entry.unlink();
  entry.tick_ = std::clamp(tick_of(entry.due_), now_tick_, now_tick_ + kSlots - 2);
  Entry& head = slots_[entry.tick_ % kSlots];
  entry.previous_ = head.previous_;
  entry.next_ = &head;
  head.previous_->next_ = &entry;
  head.previous_ = &entry;
}

void DeadlineWheel::set(Entry& entry, MonoTime due) {
  entry.due_ = due;
  entry.armed_ = true;
  if (entry.next_ == nullptr || tick_of(due) < entry.tick_) file(entry);
}

void DeadlineWheel::clear(Entry& entry) {
  entry.armed_ = false;
}

DeadlineWheel::Entry* DeadlineWheel::expire(MonoTime now) {
  if (now < start_) return nullptr;
  const auto last = static_cast<std::size_t>((now - start_) / tick_);
  for (; now_tick_ <= last; ++now_tick_) {
    Entry& head = slots_[now_tick_ % kSlots];
    while (head.next_ != &head) {
      Entry& entry = *head.next_;
      if (!entry.armed_) {
        entry.unlink();
      } else if (entry.due_ <= now) {
        entry.unlink();
        entry.armed_ = false;
        return &entry;
      } else {
        // A later deadline than when it was filed: it may not come back to this slot now.
        ++now_tick_;
        file(entry);
        --now_tick_;
      }
    }
    if (now_tick_ == last) break;
  }
  return nullptr;
}

std::optional<MonoTime> DeadlineWheel::next() const {
  for (std::size_t tick = now_tick_; tick < now_tick_ + kSlots; ++tick) {
    const Entry& head = slots_[tick % kSlots];
    if (head.next_ != &head) return start_ + tick * tick_;
  }
  return std::nullopt;
}

}  // namespace ota::http

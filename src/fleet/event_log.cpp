#include "fleet/event_log.h"

#include <utility>

namespace ota::fleet {

void EventLog::add(std::vector<model::Event> events) {
  if (events.empty()) return;
  const MutexLock lock(mutex_);
  for (model::Event& event : events) {
    auto kept = std::make_shared<model::Event>(std::move(event));
    if (kept->data.is_object() && kept->data.contains("record"))
      kept->data["record"] = kRecordLeftOut;
    events_.push_back(std::move(kept));
  }
  while (events_.size() > kKept)
    events_.pop_front();
  copy_.reset();
}

void EventLog::replace(std::vector<model::Event> events) {
  {
    const MutexLock lock(mutex_);
    events_.clear();
    copy_.reset();
  }
  add(std::move(events));
}

std::shared_ptr<const EventLog::Events> EventLog::all() const {
  const MutexLock lock(mutex_);
  if (!copy_) copy_ = std::make_shared<const Events>(events_.begin(), events_.end());
  return copy_;
}

std::uint64_t EventLog::last() const {
  const MutexLock lock(mutex_);
  return events_.empty() ? 0 : events_.back()->seq;
}

}  // namespace ota::fleet

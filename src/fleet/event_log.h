// The newest events in memory, in the chain's order, for screens. Only events that are on disk get
// here, and without the record of what they were made of: that is large, and read from the store.
// Thread: any.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "model/event.h"

namespace ota::fleet {

class EventLog {
 public:
  using Events = std::vector<std::shared_ptr<const model::Event>>;
  static constexpr std::size_t kKept = 2000;
  // Stands in place of a record; the hash of such an event cannot be checked here.
  static constexpr std::string_view kRecordLeftOut = "left out here; otactl logs --json shows it";

  void add(std::vector<model::Event> events);
  void replace(std::vector<model::Event> events);  // oldest first
  // The newest kKept events, oldest first; the same object as long as nothing was added.
  std::shared_ptr<const Events> all() const;
  std::uint64_t last() const;

 private:
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<const model::Event>> events_ OTA_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const Events> copy_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::fleet

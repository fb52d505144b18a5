#include "http/rate_limit.h"

#include <algorithm>
#include <functional>

namespace ota::http {

bool RateBucket::take(MonoTime now, std::uint32_t per_second) {
  if (per_second == 0) return true;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const std::int64_t interval = kSecond / per_second;
  std::int64_t arrival = theoretical_arrival_ns_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(arrival, now_ns) + interval;
    if (next - now_ns > std::max(kSecond, interval)) return false;
    if (theoretical_arrival_ns_.compare_exchange_weak(arrival, next, std::memory_order_relaxed)) {
      return true;
    }
  }
}

std::shared_ptr<RateBucket> RateBuckets::of(const std::string& name) {
  Shard& shard = shards_[std::hash<std::string>()(name) % kShards];
  const std::lock_guard lock(shard.mutex);
  std::weak_ptr<RateBucket>& held = shard.buckets[name];
  auto bucket = held.lock();
  if (!bucket) {
    bucket = std::make_shared<RateBucket>();
    held = bucket;
    if (shard.buckets.size() >= shard.sweep_at) {
      std::erase_if(shard.buckets, [](const auto& entry) { return entry.second.expired(); });
      shard.sweep_at = std::max<std::size_t>(64, shard.buckets.size() * 2);
    }
  }
  return bucket;
}

bool EventLimit::take(const std::string& key, MonoTime now) {
  constexpr std::size_t kMaxKeys = 1024;
  const std::lock_guard lock(mutex_);
  if (counts_.size() >= kMaxKeys && !counts_.contains(key)) counts_.clear();
  Count& count = counts_[key];
  if (count.events == 0 || now - count.since >= window_) count = {now, 0};
  if (count.events >= burst_) return false;
  ++count.events;
  return true;
}

bool AddressCounts::enter(const std::string& address, std::uint32_t limit) {
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = counts_[address];
  if (count >= limit) {
    if (count == 0) counts_.erase(address);
    return false;
  }
  ++count;
  return true;
}

void AddressCounts::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(address);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace ota::http

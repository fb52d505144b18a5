#include "http/rate_limit.h"

#include <algorithm>
#include <functional>

namespace ota::http {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds_of(MonoTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

bool RateBucket::take(MonoTime now, std::uint32_t per_second) {
  if (per_second == 0) return true;
  const std::int64_t now_ns = nanoseconds_of(now);
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

bool RateBucket::full(MonoTime now) const {
  return theoretical_arrival_ns_.load(std::memory_order_relaxed) <= nanoseconds_of(now);
}

milliseconds Pacer::wait(MonoTime now) const {
  // Sent ahead of its time by this much at most: timers are no finer than that.
  constexpr std::int64_t kAhead = kSecond / 50;
  const std::int64_t paid = paid_until_ns_.load(std::memory_order_relaxed);
  const std::int64_t now_ns = nanoseconds_of(now);
  if (paid <= now_ns + kAhead) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(std::chrono::nanoseconds(paid - now_ns - kAhead));
}

void Pacer::sent(MonoTime now, std::uint64_t bytes, std::uint64_t bytes_per_second) {
  if (bytes_per_second == 0) return;
  const std::int64_t now_ns = nanoseconds_of(now);
  const double cost = static_cast<double>(bytes) * static_cast<double>(kSecond) /
                      static_cast<double>(bytes_per_second);
  std::int64_t paid = paid_until_ns_.load(std::memory_order_relaxed);
  while (!paid_until_ns_.compare_exchange_weak(
      paid, std::max(paid, now_ns) + static_cast<std::int64_t>(cost), std::memory_order_relaxed)) {
  }
}

std::shared_ptr<RateBucket> RateBuckets::of(const std::string& name, MonoTime now) {
  Shard& shard = shards_[std::hash<std::string>()(name) % kShards];
  const std::lock_guard lock(shard.mutex);
  std::shared_ptr<RateBucket>& held = shard.buckets[name];
  if (held) return held;
  held = std::make_shared<RateBucket>();
  auto bucket = held;  // a holder, so that the sweep leaves it
  if (shard.buckets.size() >= shard.sweep_at) sweep(shard, now);
  return bucket;
}

void RateBuckets::sweep(Shard& shard, MonoTime now) {
  constexpr std::size_t kMost = 4096;
  // Only of() makes holders, under the shard's lock: one without any cannot get one meanwhile.
  const auto idle = [](const auto& entry) { return entry.second.use_count() == 1; };
  std::erase_if(shard.buckets,
                [&](const auto& entry) { return idle(entry) && entry.second->full(now); });
  if (shard.buckets.size() >= kMost) std::erase_if(shard.buckets, idle);
  shard.sweep_at = std::max<std::size_t>(64, shard.buckets.size() * 2);
}

std::size_t RateBuckets::size() {
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    count += shard.buckets.size();
  }
  return count;
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

}  // namespace ota::http

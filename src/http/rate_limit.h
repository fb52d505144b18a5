// Requests per second of a device, over all its connections: GCRA, one atomic number for each name.
//
// A burst of one second's worth is let through at once, then the rate holds. Thread: any; take()
// takes no lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace ota::http {

class RateBucket {
 public:
  // Whether one more is within `per_second` at `now`; 0 stands for no limit.
  bool take(MonoTime now, std::uint32_t per_second);
  // Whether a second's worth would go through at once, as with a new one.
  bool full(MonoTime now) const;

 private:
  std::atomic<std::int64_t> theoretical_arrival_ns_{INT64_MIN};
};

// Bytes per second of all downloads together: says how long the next piece has to wait, instead of
// refusing it. What was sent is paid for afterwards, so a piece more for each thread may be on its
// way. Thread: any; no lock.
class Pacer {
 public:
  // Zero: the next piece may go now.
  milliseconds wait(MonoTime now) const;
  // 0 bytes a second stand for no limit.
  void sent(MonoTime now, std::uint64_t bytes, std::uint64_t bytes_per_second);

 private:
  std::atomic<std::int64_t> paid_until_ns_{INT64_MIN};
};

// The buckets of the names that have connections now or had one a moment ago: one is kept after its
// last holder until it is full again, so that a connection for each request is no way around the
// limit. Under a flood of names, those without connections are forgotten earlier.
class RateBuckets {
 public:
  std::shared_ptr<RateBucket> of(const std::string& name,
                                 MonoTime now = std::chrono::steady_clock::now());
  std::size_t size();

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<RateBucket>> buckets;
    std::size_t sweep_at = 64;
  };
  static void sweep(Shard& shard, MonoTime now);

  std::array<Shard, kShards> shards_;
};

// Lets `burst` through for each key in each `window`; forgets all keys when there are too many, so
// that it stays small under a flood of addresses. Thread: any.
class EventLimit {
 public:
  EventLimit(std::uint32_t burst, milliseconds window) : burst_(burst), window_(window) {}
  bool take(const std::string& key, MonoTime now);

 private:
  struct Count {
    MonoTime since;
    std::uint32_t events = 0;
  };
  std::uint32_t burst_;
  milliseconds window_;
  std::mutex mutex_;
  std::unordered_map<std::string, Count> counts_;
};

}  // namespace ota::http

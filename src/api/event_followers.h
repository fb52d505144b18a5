// Readers of the log, some of whom wait for what comes next: GET /v1/events?after=N&wait=30.
//
// Only committed events are told: each look reads the store, on the worker. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "http/message.h"
#include "store/store.h"

namespace ota::api {

class EventFollowers {
 public:
  // Gives the sequence number of the newest event that is on disk. Any thread.
  using Newest = std::function<std::uint64_t()>;

  EventFollowers(store::Store& store, Newest newest, const Clock& clock, Worker& worker)
      : store_(store), newest_(std::move(newest)), clock_(clock), worker_(worker) {}

  // Answers at once where there are events or `wait` is 0, else when there are some or the time is
  // over.
  void read(const store::EventQuery& query, seconds wait, const http::Responder& respond);
  // Looks again for those whose last look began before the newest event; ends those whose time is
  // over.
  void tick();
  void close();

 private:
  struct Follower {
    store::EventQuery query;
    MonoTime until;
    http::Responder respond;
    std::uint64_t seen = 0;  // the newest event when its last look began
  };

  void look(const std::shared_ptr<Follower>& follower);

  store::Store& store_;
  const Newest newest_;
  const Clock& clock_;
  Worker& worker_;
  Mutex mutex_;
  std::vector<std::shared_ptr<Follower>> waiting_ OTA_GUARDED_BY(mutex_);
  bool closed_ OTA_GUARDED_BY(mutex_) = false;
};

}  // namespace ota::api

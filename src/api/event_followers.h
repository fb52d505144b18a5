// Readers of the log, some of whom wait for what comes next: GET /v1/events?after=N&wait=30.
//
// Only committed events are told: each look reads the store, on the worker. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "api/worker.h"
#include "base/clock.h"
#include "http/message.h"
#include "store/store.h"

namespace ota::api {

class EventFollowers {
 public:
  EventFollowers(store::Store& store, const Clock& clock, Worker& worker)
      : store_(store), clock_(clock), worker_(worker) {}

  // Answers at once where there are events or `wait` is 0, else when there are some or the time is
  // over.
  void read(const store::EventQuery& query, seconds wait, const http::Responder& respond);
  // Looks again for those who wait, where events were added since the last look; ends those whose
  // time is over.
  void tick();
  void close();

 private:
  struct Follower {
    store::EventQuery query;
    MonoTime until;
    http::Responder respond;
  };

  void look(const std::shared_ptr<Follower>& follower);

  store::Store& store_;
  const Clock& clock_;
  Worker& worker_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Follower>> waiting_;
  std::uint64_t seen_ = 0;
  bool closed_ = false;
};

}  // namespace ota::api

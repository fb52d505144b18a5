#include "api/event_followers.h"

#include <utility>

namespace ota::api {
namespace {

Json page(const std::vector<model::Event>& events, std::uint64_t after) {
  return {{"events", events}, {"last", events.empty() ? after : events.back().seq}};
}

}  // namespace

void EventFollowers::read(const store::EventQuery& query, seconds wait,
                          const http::Responder& respond) {
  auto follower = std::make_shared<Follower>(Follower{query, clock_.mono() + wait, respond, 0});
  look(follower);
}

void EventFollowers::look(const std::shared_ptr<Follower>& follower) {
  const bool queued = worker_.post([this, follower] {
    follower->seen = newest_();  // before it is read: what comes meanwhile is looked for again
    auto events = store_.events(follower->query);
    if (!events) return follower->respond(http::Response::error(events.error()));
    {
      const MutexLock lock(mutex_);
      if (events->empty() && !closed_ && clock_.mono() < follower->until) {
        waiting_.push_back(follower);
        return;
      }
    }
    follower->respond(http::Response::json(page(*events, follower->query.after)));
  });
  if (!queued) {
    follower->respond(
        http::Response::problem(503, "busy", "the server is busy; try again in a few seconds"));
  }
}

void EventFollowers::tick() {
  const std::uint64_t newest = newest_();
  std::vector<std::shared_ptr<Follower>> again;
  {
    const MutexLock lock(mutex_);
    const MonoTime now = clock_.mono();
    std::vector<std::shared_ptr<Follower>> kept;
    for (auto& follower : waiting_) {
      const bool due = follower->seen != newest || closed_ || follower->until <= now;
      (due ? again : kept).push_back(std::move(follower));
    }
    waiting_ = std::move(kept);
  }
  for (const auto& follower : again)
    look(follower);
}

void EventFollowers::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  tick();
}

}  // namespace ota::api

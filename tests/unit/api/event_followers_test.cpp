#include "api/event_followers.h"

#include <atomic>

#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/start_time.h"
#include "tests/support/wait.h"

using namespace ota;

namespace {

struct Answer final : http::Responder::Sink {
  void send(http::Response response) override {
    body = std::move(response.body);
    given = true;
  }
  void on_close(std::function<void()>) override {}
  std::string body;
  std::atomic<bool> given{false};
};

// Counts the looks.
class WatchedStore final : public test::MemoryStore {
 public:
  Result<std::vector<model::Event>> events(const store::EventQuery& query) override {
    const std::lock_guard lock(mutex);
    ++looks;
    return MemoryStore::events(query);
  }
  std::mutex mutex;  // the worker reads beside the test
  std::atomic<int> looks{0};
};

}  // namespace

TEST_CASE("an event that is not on disk yet when a follower looks is told when it is", "[api]") {
  WatchedStore store;
  std::atomic<std::uint64_t> on_disk{0};
  const ManualClock clock{test::kStart};
  Worker worker;
  api::EventFollowers followers(
      store, [&] { return on_disk.load(); }, clock, worker);
  const auto answer = std::make_shared<Answer>();
  followers.read({}, seconds(30), http::Responder(answer));
  REQUIRE(test::wait_until([&] { return store.looks == 1; }));
  model::Event event;
  event.kind = "store.recovered";
  {
    const std::lock_guard lock(store.mutex);
    store::Batch batch;
    batch.events.push_back(event);
    store.commit(std::move(batch), {});
  }
  followers.tick();  // queued, and not to be seen
  {
    const std::lock_guard lock(store.mutex);
    REQUIRE(store.flush());
  }
  on_disk = 1;
  CHECK(test::wait_until([&] {
    followers.tick();
    return answer->given.load();
  }));
  CHECK(answer->body.find("store.recovered") != std::string::npos);
}

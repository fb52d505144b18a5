// The end of the routes' shared parts: what runs on the worker goes before what it uses.
#include <atomic>
#include <future>
#include <thread>

#include "api/context.h"
#include "fleet/fleet.h"
#include "pki/authority.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace ota;

namespace {

// Reading its events takes as long as the test says.
class SlowStore : public test::MemoryStore {
 public:
  Result<std::vector<model::Event>> events(const store::EventQuery&) override {
    entered.set_value();
    leave.get_future().wait();
    return std::vector<model::Event>{};
  }
  std::promise<void> entered;
  std::promise<void> leave;
};

struct NoSink final : http::Responder::Sink {
  void send(http::Response) override {}
  void on_close(std::function<void()>) override {}
};

}  // namespace

TEST_CASE("the routes' parts end after the worker whose tasks use them", "[api][threads]") {
  test::TempFolder folder;
  SystemClock clock;
  ThreadExecutor strand;
  SlowStore store;
  fleet::Fleet fleet(store, clock, strand, std::make_shared<const model::Settings>());
  const auto authority = pki::Authority::open_or_create(folder.path(), {}, clock);
  REQUIRE(authority.has_value());
  // The polls and the ports hold one each.
  const auto alive = std::make_shared<int>(0);
  api::Ports ports{
      .fleet = fleet,
      .store = store,
      .authority = *authority,
      .clock = clock,
      .firmware = {},
      .server_status = {},
      .server_stats = {},
      .agents = {},
      .order_agent = {},
      .tuf_root = {},
      .state_replaced = {},
      .state = {},
      .direct = [alive](const std::string&, const fleet::Command&) { return std::string(); },
      .tuf_roles = {},
      .operators = {},
      .revoke_operator = {},
      .behind = {},
      .catch_up = {}};
  auto context = std::make_unique<api::Context>(std::move(ports));
  context->followers.read({}, seconds(0), http::Responder(std::make_shared<NoSink>()));
  store.entered.get_future().wait();
  const auto held = alive.use_count();
  std::thread ending([&] { context.reset(); });
  // Time to do the wrong thing in.
  CHECK_FALSE(test::wait_until([&] { return alive.use_count() != held; }, milliseconds(50)));
  store.leave.set_value();
  ending.join();
  CHECK(alive.use_count() == 1);
}

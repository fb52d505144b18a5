// What a telemetry post takes from the heap once a device is known: nothing.
#include "api/service.h"
#include "base/file.h"
#include "fleet/fleet.h"
#include "http/server.h"
#include "pki/authority.h"
#include "pki/device_key.h"
#include "tests/support/allocation_count.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

using namespace ota;

namespace {

// The server's whole way of a sample, without the ticks: they publish, and that allocates.
class Rig {
 public:
  Rig() {
    auto settings = std::make_shared<model::Settings>();
    settings->whitelist.devices = {{"iot-001", "sim-a", "default", ""}};
    settings->console.limits.requests_per_second_per_device = 0;
    settings->console.history_samples = 64;
    fleet = std::make_unique<fleet::Fleet>(store, clock, strand, settings);
    REQUIRE(fleet->load());
    auto opened = pki::Authority::open_or_create(folder.path(), {}, clock);
    REQUIRE(opened.has_value());
    authority.emplace(std::move(*opened));
    const auto key = folder.path() / "device.key";
    const auto csr = pki::DeviceKey::make_csr(key, "iot-001");
    const auto issued = authority->issue_device("iot-001", *csr, std::chrono::hours(24));
    REQUIRE(issued.has_value());
    identity = {issued->pem, *read_file(key, 10'000)};
    fleet->enrolled({"iot-001"}, issued->serial, issued->key_fingerprint, issued->expires,
                    [](const Result<void>&) {});
    REQUIRE(store.flush());
    service = std::make_unique<api::Service>(
        api::Ports{.fleet = *fleet,
                   .store = store,
                   .authority = *authority,
                   .clock = clock,
                   .firmware = folder.path(),
                   .server_status = [] { return model::ServerStatus{}; },
                   .server_stats = {},
                   .agents = {},
                   .order_agent = {},
                   .tuf_root = [] { return Result<std::string>(std::string()); },
                   .state_replaced = {},
                   .state = {},
                   .direct = {},
                   .tuf_roles = {},
                   .operators = {},
                   .revoke_operator = {},
                   .behind = {},
                   .catch_up = {}});
    http::ServerHooks hooks;
    hooks.admit_device = [this](const std::string& name, const std::string& serial) {
      return fleet->admit(name, serial);
    };
    http::ServerOptions options;
    options.limits = settings->console.limits;
    server = std::make_unique<http::Server>(options, authority->server_identity(),
                                            service->router(), std::move(hooks));
    REQUIRE(server->start().has_value());
  }

  test::TempFolder folder;
  SystemClock clock;
  test::MemoryStore store;
  ThreadExecutor strand;
  std::unique_ptr<fleet::Fleet> fleet;
  std::optional<pki::Authority> authority;
  test::Identity identity;
  std::unique_ptr<api::Service> service;
  std::unique_ptr<http::Server> server;
};

std::string sample(std::uint64_t seq, const Clock& clock) {
  return dump_json({{"seq", seq},
                    {"boot_id", std::string(31, '0') + "1"},
                    {"time", format_rfc3339(clock.wall())},
                    {"cpu", 12.5},
                    {"mem", 40.0},
                    {"disk", 30.25},
                    {"temp", 45.0}});
}

}  // namespace

TEST_CASE("a telemetry post of a known device allocates nothing", "[http][api]") {
  test::exempt_this_thread();
  Rig rig;
  test::TlsClient device(rig.server->port(), rig.identity);
  REQUIRE(device.handshake());
  std::uint64_t seq = 0;
  const auto post = [&] {
    const auto reply = device.request("POST", "/v1/telemetry", sample(++seq, rig.clock));
    REQUIRE(reply.has_value());
    REQUIRE(reply->status == 204);
  };
  for (int i = 0; i < 200; ++i)
    post();  // its ring of readings is full, its verdict stands
  if (!test::allocations_are_counted()) return;
  // What time alone brings about (a minute's summary, a second's Date) spoils a run, not the next.
  std::uint64_t least = UINT64_MAX;
  for (int run = 0; run < 5; ++run) {
    const std::uint64_t before = test::allocations_so_far();
    for (int i = 0; i < 100; ++i)
      post();
    least = std::min(least, test::allocations_so_far() - before);
  }
  CHECK(least == 0);
  CHECK(test::allocations_so_far() > 0);
}

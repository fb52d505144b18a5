// The step that speaks for a device with the device's own key: lie.
#include <thread>

#include "http/client.h"
#include "sim/liar.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {
namespace {

http::Client client_of(World& world, const std::string& device) {
  const std::filesystem::path identity = world.agent_folder(device) / "identity";
  http::ClientOptions options;
  options.base_url = world.server();
  options.authority = identity / "authority.crt";
  options.certificate = identity / "device.crt";
  options.key = identity / "device.key";
  return http::Client(options);
}

}  // namespace

Result<void> run_lie(World& world, const Json& keys) {
  constexpr std::size_t kMaxAnswer = 65536;
  const std::string device = keys.at("device").get<std::string>();
  const std::string word = keys.at("how").get<std::string>();
  const auto lie = model::enum_value(kLieWords, word);
  if (!lie) return fail(Errc::kInvalid, "lie: there is no '" + word + "'");
  const ScenarioDevice* known = world.find(device);
  if (known == nullptr) return fail(Errc::kInvalid, "lie: no device " + device);
  const auto samples = keys.value("samples", 40);
  const seconds each(keys.value("each_s", 0));
  const milliseconds interval(keys.value("interval_ms", each > seconds(0) ? 0 : 50));
  http::Client client = client_of(world, device);
  Liar liar(*lie, known->seed);
  // Verdicts are about time on the server's clock: samples are sent as they would be.
  for (int i = 0; i < samples; ++i) {
    WallTime now = world.clock().wall();
    if (each > seconds(0)) {
      const auto moved = world.clocks().pass("console", each);
      if (!moved) return moved.error();
      now += std::chrono::duration_cast<milliseconds>(*moved);
    }
    const auto reply = client.post("/v1/telemetry", dump_json(liar.next(now)), kMaxAnswer);
    if (!reply) return reply.error().within("lie");
    if (reply->status / 100 != 2) return fail(Errc::kConflict, "lie: answered " + reply->body);
    std::this_thread::sleep_for(interval);
  }
  return {};
}

}  // namespace ota::sim

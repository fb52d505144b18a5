// Debian's real swupdate, unchanged, against the real console. Run by `make test-interop`.
#include "tests/e2e/swupdate_rig.h"
#include "tests/support/pty.h"
#include "tests/support/screen_rig.h"
#include "tests/support/text.h"
#include "tests/support/wait.h"

using namespace ota;
using std::chrono::seconds;
using test::confirm_update;
using test::DdiWorld;
using test::slurp;
using test::Swupdate;
using test::SwupdateSpec;
using test::SwuSpec;

namespace {

using test::has;

// More than sockets and proxy hold on the way.
constexpr std::size_t kLong = 16U << 20;

// Until the device has answered for its attributes and polls.
void await_joined(DdiWorld& world) {
  world.wait([&] {
    const auto device = world.world.device("press-01");
    return device && (*device)["record"].is_object() && (*device)["record"].contains("ddi") &&
           !(*device)["record"]["ddi"]["attributes"].empty();
  });
}

std::unique_ptr<Swupdate> joined(DdiWorld& world, const SwupdateSpec& spec) {
  auto device = world.start(spec);
  await_joined(world);
  return device;
}

// Installed by the device; then restarted with the word that it came back with it.
void confirm(DdiWorld& world, std::unique_ptr<Swupdate>& device, SwupdateSpec spec,
             const std::string& job) {
  world.wait_for(job, "confirming");
  device->stop();
  spec.confirm = true;
  device = world.start(spec);
  world.wait_for(job, "succeeded");
}

}  // namespace

TEST_CASE("swupdate is updated from the console's menu, and counts once it came back",
          "[.][interop]") {
  DdiWorld world;
  const std::string payload = world.publish();
  SwupdateSpec spec = world.client_with_token();
  auto device = joined(world, spec);
  // The same root in a terminal, on the ports that it had.
  const std::string server = world.world.server();
  const auto port = std::stoul(server.substr(server.rfind(':') + 1));
  const auto ddi = world.ddi_port();
  const auto file = world.folder.path() / "config/console.json";
  Json console = *parse_json(slurp(file));
  console["listen"]["port"] = port;
  console["ddi"]["listen"]["port"] = ddi;
  REQUIRE(write_file_durably(file, console.dump(2)).has_value());
  REQUIRE(world.world.stop("console").has_value());
  test::Pty pty({.command = {(test::programs() / "ota-console").string(), "--root",
                             world.folder.path().string()},
                 .environment = {},
                 .columns = 120,
                 .rows = 36});
  REQUIRE(pty.until_shown("SWUpdate", seconds(30)));
  pty.send(":device press-01\r");
  REQUIRE(pty.until_shown("hwRev = 1.0", seconds(30)));
  // A server that is starting knows no image; one that is up waits for the device's first poll.
  REQUIRE(pty.until_shown("ALLOWED", seconds(30)));
  pty.send(":push press-01 2.1.0\r");
  REQUIRE(confirm_update(pty, "v2.1.0") == "");
  pty.send("4");
  REQUIRE(pty.until_shown("confirming", seconds(60)));
  CHECK_FALSE(pty.shows("succeeded"));
  CHECK(slurp(world.target()) == payload);
  device->stop();
  spec.confirm = true;
  device = world.start(spec);
  REQUIRE(pty.until_shown("succeeded", seconds(60)));
  const Json answer = world.world.device("press-01").value();
  CHECK(answer["row"]["version"] == "2.1.0");
  CHECK(answer["row"]["ddi_client"] == "SWUpdate");
  CHECK_FALSE(answer["ddi_log"].empty());
  CHECK(world.told("job.succeeded"));
  world.chain_is_whole();
  CHECK(world.push() == "SKIPPED: Device already on v2.1.0");
}

TEST_CASE("swupdate's success is known by its log, its file and its word", "[.][interop]") {
  DdiWorld world;
  const std::string payload = world.publish();
  SwupdateSpec spec = world.client_with_token();
  auto device = joined(world, spec);
  const std::string job = world.push();
  world.wait_for(job, "confirming");
  CHECK(world.job(job)["detail"] == "installed, awaiting the device's confirmation");
  CHECK(slurp(world.target()) == payload);
  CHECK(has(world.otactl({"device", "press-01"}).output, "Updated over DDI by SWUpdate"));
  confirm(world, device, spec, job);
  CHECK(world.job(job)["ddi"]["downloads"] == 1);
  world.chain_is_whole();
}

TEST_CASE("an image that the device's own key does not verify fails with the device's words",
          "[.][interop]") {
  DdiWorld world;
  world.publish();
  SwupdateSpec spec = world.client_with_token();
  spec.trusted = (world.build() / "stranger.pem").string();  // the device trusts somebody else
  const auto device = joined(world, spec);
  const std::string job = world.push();
  world.wait_for(job, "failed");
  INFO(world.job(job).dump(2));
  CHECK(has(world.job(job)["detail"], "ERROR"));
  CHECK_FALSE(std::filesystem::exists(world.target()));
  CHECK(world.world.device("press-01").value()["row"]["state"] == "FAILED");
}

TEST_CASE("a payload that is not the signed one is not published", "[.][interop]") {
  DdiWorld world;
  SwuSpec image;
  image.right_hash = false;
  make_swu(world.build(), "gateway-9.9.9.swu", world.target(), image);
  const auto said = world.otactl({"firmware", "add", (world.build() / "gateway-9.9.9.swu").string(),
                                  "--ddi", "--hardware", "sim-a"});
  CHECK(said.status == 1);
  CHECK(has(said.output, "is not the one of the signed sw-description"));
}

TEST_CASE("an image for another hardware revision fails on the device", "[.][interop]") {
  DdiWorld world;
  world.publish();
  SwupdateSpec spec = world.client_with_token();
  spec.board = "board:2.0";
  const auto device = joined(world, spec);
  const std::string job = world.push();
  world.wait_for(job, "failed");
  INFO(world.job(job).dump(2));
  CHECK(has(world.job(job)["detail"], "ERROR"));
  CHECK_FALSE(std::filesystem::exists(world.target()));
}

TEST_CASE("an unsigned, a foreign-signed and a changed image are refused before they are published",
          "[.][interop]") {
  DdiWorld world;
  const auto add = [&](const std::string& name) {
    return world.otactl({"firmware", "add", (world.build() / name).string(), "--ddi"});
  };
  SwuSpec image;
  image.is_signed = false;
  test::make_swu(world.build(), "unsigned.swu", world.target(), image);
  const auto no_signature = add("unsigned.swu");
  CHECK(no_signature.status == 1);
  CHECK(has(no_signature.output, "it is not signed"));
  image.is_signed = true;
  image.signer = "stranger";
  test::make_swu(world.build(), "foreign.swu", world.target(), image);
  const auto foreign = add("foreign.swu");
  CHECK(foreign.status == 1);
  CHECK(has(foreign.output, "signed by \"stranger\""));
  image.signer = "signer";
  test::make_swu(world.build(), "changed.swu", world.target(), image);
  std::string bytes = slurp(world.build() / "changed.swu");
  bytes.replace(bytes.find("test image"), 4, "TEST");
  std::ofstream(world.build() / "changed.swu", std::ios::binary) << bytes;
  CHECK(add("changed.swu").status == 1);
  test::make_swu(world.build(), "spaced.swu", world.target(), image);
  std::filesystem::rename(world.build() / "spaced.swu", world.build() / "spaced name.swu");
  CHECK(has(add("spaced name.swu").output, "cannot fetch"));
}

TEST_CASE("a cancel before the download is answered by swupdate, and nothing is fetched",
          "[.][interop]") {
  DdiWorld world;
  world.publish();
  SwupdateSpec spec = world.client_with_token();
  auto device = joined(world, spec);
  // It is away while the update is offered to its id and cancelled again.
  device->stop();
  const std::string job = world.push();
  test::shell(
      world.folder.path(),
      "printf 'GET /default/controller/v1/press-01 HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n"
      "Authorization: TargetToken " +
          spec.token +
          "\\r\\nUser-Agent: libcurl-agent/1.0\\r\\nConnection: close\\r\\n\\r\\n' | openssl "
          "s_client -quiet -connect 127.0.0.1:" +
          std::to_string(world.ddi_port()) + " 2>/dev/null || true");
  REQUIRE(world.state(job) == "sent");
  CHECK(world.otactl({"cancel", job}).status == 0);
  device = world.start(spec);
  world.wait_for(job, "cancelled");
  CHECK(world.job(job)["ddi"]["fetched"] == 0);
  CHECK_FALSE(std::filesystem::exists(world.target()));
}

TEST_CASE("a cancel during the download stops it", "[.][interop]") {
  DdiWorld world;
  SwuSpec image;
  image.payload_bytes = kLong;
  world.publish(image);
  SwupdateSpec spec = world.client_with_token();
  const auto device = joined(world, spec);
  world.wire().set_rate(800'000);
  const std::string job = world.push();
  world.wait_for(job, "downloading");
  world.wait([&] {
    return world.job(job)["ddi"]["fetched"].get<std::uint64_t>() > 0 ||
           world.job(job)["percent"].get<int>() > 0;
  });
  CHECK(world.otactl({"cancel", job}).status == 0);
  world.wait_for(job, "cancelled", seconds(60));
  CHECK(world.job(job)["ddi"]["downloads"] == 0);
  CHECK_FALSE(std::filesystem::exists(world.target()));
}

TEST_CASE("a download goes on after its connection was cut", "[.][interop]") {
  DdiWorld world;
  SwuSpec image;
  image.payload_bytes = kLong;
  const std::string payload = world.publish(image);
  SwupdateSpec spec = world.client_with_token();
  auto device = joined(world, spec);
  world.wire().set_rate(3'000'000);
  const std::string job = world.push();
  world.wait_for(job, "downloading");
  world.wait([&] { return world.job(job)["percent"].get<int>() > 20; });
  world.wire().set_wire(sim::Wire::kCut);
  world.wait([&] { return world.job(job)["ddi"]["fetched"].get<std::uint64_t>() > 0; });
  world.wire().set_rate(0);
  world.wire().set_wire(sim::Wire::kWhole);
  world.wait_for(job, "confirming", seconds(90));
  CHECK(slurp(world.target()) == payload);
  CHECK(world.job(job)["ddi"]["downloads"] == 1);
  confirm(world, device, spec, job);
}

TEST_CASE("a wrong token is refused, logged, and learns nothing", "[.][interop]") {
  DdiWorld world;
  world.publish();
  world.token();
  SwupdateSpec spec = world.client();
  spec.token = std::string(32, 'x');
  const auto device = world.start(spec);
  world.wait([&] { return device->says("401"); });
  world.wait([&] { return world.told("auth.fail"); });
  const Json answer = world.world.device("press-01").value();
  CHECK(answer["record"]["ddi"]["attributes"].empty());
  CHECK(answer["row"]["online"] == false);
}

TEST_CASE("swupdate with a client certificate and no token is its device", "[.][interop]") {
  DdiWorld world;
  SwuSpec image;
  image.version = "2.2.0";  // newer than what the agent says it was delivered with
  const std::string payload = world.publish(image);
  // The agent joins, and leaves its key and certificate to swupdate.
  REQUIRE(world.world.start_agent("press-01").has_value());
  SwupdateSpec spec = world.client();
  const auto identity = world.world.agent_folder("press-01") / "identity";
  spec.certificate = (identity / "device.crt").string();
  spec.key = (identity / "device.key").string();
  auto device = joined(world, spec);
  world.wait(
      [&] { return world.world.device("press-01").value()["verdict"]["level"] == "stable"; });
  // Two clients ask for its updates: neither gets one until the operator says which one counts.
  world.wait([&] { return world.told("device.two-clients"); });
  CHECK(has(world.push("2.2.0"), "BLOCKED"));
  REQUIRE(world.otactl({"ddi", "use", "press-01", "ddi"}).status == 0);
  const std::string job = world.push("2.2.0");
  REQUIRE(has(job, "job-"));
  world.wait_for(job, "confirming");
  CHECK(slurp(world.target()) == payload);
  confirm(world, device, spec, job);
  CHECK(world.otactl({"revoke", "press-01", "--yes"}).status == 0);
  world.wait([&] { return device->says("401"); });
}

TEST_CASE("swupdate with a gateway token waits until an operator accepts it", "[.][interop]") {
  DdiWorld world;
  const std::string payload = world.publish();
  SwupdateSpec spec = world.client();
  spec.gateway =
      parse_json(world.otactl({"ddi", "gateway-token", "--yes", "--json"}).output)->at("token");
  auto device = world.start(spec);
  world.wait([&] {
    return has(world.otactl({"ddi", "waiting"}).output, "otactl ddi accept press-01");
  });
  CHECK(has(world.push(), "BLOCKED"));
  CHECK(world.otactl({"ddi", "accept", "press-01"}).status == 0);
  // Its first answer told it to come back in a minute; a restart is sooner.
  device->stop();
  device = world.start(spec);
  await_joined(world);
  const std::string job = world.push();
  world.wait_for(job, "confirming");
  CHECK(slurp(world.target()) == payload);
  confirm(world, device, spec, job);
}

TEST_CASE("what the gate refuses is not offered, and the console says why", "[.][interop]") {
  DdiWorld world(DdiWorld::WithoutTelemetry::kBlock);
  world.publish();
  SwupdateSpec spec = world.client_with_token();
  const auto device = joined(world, spec);
  CHECK(world.push() == "BLOCKED: No Telemetry Over DDI");
  const auto shown = world.otactl({"push", "press-01", "--version", "2.1.0"});
  CHECK(shown.status == 3);
  CHECK(has(shown.output, "gate.ddi_without_telemetry"));
  CHECK(world.otactl({"jobs"}).output.find("press-01") == std::string::npos);
  CHECK_FALSE(device->says("deploymentBase"));
}

TEST_CASE("an anomalous device is not offered the image, and is when it has recovered",
          "[.][interop]") {
  DdiWorld world(DdiWorld::WithoutTelemetry::kBlock);
  SwuSpec image;
  image.version = "2.2.0";  // newer than what the agent says it was delivered with
  const std::string payload = world.publish(image);
  REQUIRE(world.world.start_agent("press-01").has_value());
  const auto level = [&] { return world.world.device("press-01").value()["verdict"]["level"]; };
  world.wait([&] { return level() == "stable"; });
  SwupdateSpec spec = world.client_with_token();
  auto device = joined(world, spec);
  REQUIRE(world.otactl({"ddi", "use", "press-01", "ddi"}).status == 0);
  device->stop();  // so that the update waits while the device turns sick
  const std::string job = world.push("2.2.0");
  REQUIRE(has(job, "job-"));
  const auto config = world.world.agent_folder("press-01") / "config.json";
  const auto with_profile = [&](const char* profile) {
    REQUIRE(world.world.stop("press-01").has_value());
    Json document = *parse_json(slurp(config));
    document["profile"] = profile;
    REQUIRE(write_file_durably(config, document.dump(2)).has_value());
    REQUIRE(world.world.start_agent("press-01").has_value());
  };
  with_profile("stressed");
  world.wait([&] { return level() == "critical"; });
  device = world.start(spec);
  world.wait([&] { return world.told("ddi.withheld"); });
  CHECK(world.state(job) == "queued");
  CHECK(has(world.otactl({"jobs"}).output, "Anomaly Detected"));
  CHECK_FALSE(std::filesystem::exists(world.target()));
  with_profile("stable");
  world.wait_for(job, "confirming", seconds(90));
  CHECK(slurp(world.target()) == payload);
  confirm(world, device, spec, job);
}

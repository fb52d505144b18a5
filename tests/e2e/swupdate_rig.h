// Debian's swupdate, unchanged, as a device: signed images whose payload goes to a plain file, and
// the daemon pointed at this console.
//
// Each instance has a folder of its own for its sockets and its log. It runs as several processes,
// which end with their group. Needs swupdate, cpio and openssl (`make deps-interop`).
#pragma once

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "sim/process.h"
#include "sim/proxy.h"
#include "tests/e2e/live_world.h"
#include "tests/support/wait.h"

namespace ota::test {

namespace fs = std::filesystem;

inline void shell(const fs::path& folder, const std::string& script) {
  const auto done = sim::run_to_end({.program = "/bin/sh",
                                     .arguments = {"-e", "-c", script},
                                     .log = folder / "shell.log",
                                     .folder = folder},
                                    std::chrono::seconds(30));
  INFO(script);
  REQUIRE(done.has_value());
  INFO(done->output);
  REQUIRE(done->status == 0);
}

inline std::string slurp(const fs::path& file) {
  auto text = read_file(file, 64U << 20);
  return text ? *text : std::string();
}

// A self-signed signer, its key in NAME.key and its certificate in NAME.pem.
inline void make_signer(const fs::path& folder, const std::string& name) {
  shell(folder,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout " +
            name + ".key -out " + name + ".pem -subj '/CN=" + name +
            "' -addext keyUsage=digitalSignature -addext extendedKeyUsage=emailProtection "
            "2>/dev/null");
}

struct SwuSpec {
  std::string version = "2.1.0";
  std::string hardware = "1.0";
  std::string signer = "signer";
  std::size_t payload_bytes = 4096;
  bool right_hash = true;
  bool is_signed = true;
};

// Makes NAME.swu; what it installs is `target`. Returns the payload's bytes.
inline std::string make_swu(const fs::path& folder, const std::string& name, const fs::path& target,
                            const SwuSpec& spec) {
  std::string payload;
  for (std::size_t i = 0; payload.size() < spec.payload_bytes; ++i)
    payload += sha256_hex(name + std::to_string(i));
  payload.resize(spec.payload_bytes);
  std::ofstream(folder / "payload.bin", std::ios::binary) << payload;
  const std::string digest = sha256_hex(spec.right_hash ? payload : payload + "x");
  std::ofstream(folder / "sw-description")
      << "software = { version = \"" << spec.version << "\"; description = \"test image\";\n"
      << "  hardware-compatibility = [ \"" << spec.hardware << "\" ];\n"
      << "  files: ( { filename = \"payload.bin\"; path = \"" << target.string()
      << "\"; sha256 = \"" << digest << "\"; } ); }\n";
  shell(folder, "openssl cms -sign -in sw-description -out sw-description.sig -signer " +
                    spec.signer + ".pem -inkey " + spec.signer +
                    ".key -outform DER -nosmimecap -binary\nprintf '%s\\n' sw-description " +
                    (spec.is_signed ? "sw-description.sig " : "") +
                    "payload.bin | cpio -o -H crc > " + name + " 2>/dev/null");
  return payload;
}

struct SwupdateSpec {
  std::string id = "press-01";
  std::string token;    // TargetToken
  std::string gateway;  // GatewayToken instead
  std::string trusted;  // PEM file that its images must be signed by
  std::string board = "board:1.0";
  std::string certificate;  // for mutual TLS
  std::string key;
  bool confirm = false;  // -c 2: it says that the last update was good
  std::vector<std::pair<std::string, std::string>> attributes = {{"hwRev", "1.0"}};
};

class Swupdate {
 public:
  Swupdate(const fs::path& folder, std::uint16_t port, const fs::path& authority,
           const SwupdateSpec& spec)
      : folder_(folder), log_(folder / "swupdate.log") {
    fs::create_directories(folder);
    const auto old = slurp(log_);
    earlier_ = old.size();
    std::ofstream config(folder / "swupdate.cfg");
    config << "globals : { verbose = true; };\nidentify : (";
    bool first = true;
    for (const auto& [name, value] : spec.attributes) {
      config << (first ? "" : ",") << " { name = \"" << name << "\"; value = \"" << value
             << "\"; }";
      first = false;
    }
    config << " );\nsuricatta : { cafile = \"" << authority.string() << "\";";
    if (!spec.certificate.empty()) {
      config << " sslcert = \"" << spec.certificate << "\"; sslkey = \"" << spec.key << "\";";
    }
    config << " };\n";
    config.close();
    std::string words = "-t default -u https://127.0.0.1:" + std::to_string(port) + " -i " +
                        spec.id + " -r 20 -w 1";
    if (!spec.token.empty()) words += " -k " + spec.token;
    if (!spec.gateway.empty()) words += " -g " + spec.gateway;
    if (spec.confirm) words += " -c 2";
    auto started = sim::Process::start(
        {.program = "/usr/bin/env",
         .arguments = {"TMPDIR=" + folder.string(), "swupdate", "-l", "5", "-k", spec.trusted, "-H",
                       spec.board, "-f", (folder / "swupdate.cfg").string(), "-u", words},
         .log = log_,
         .folder = folder});
    REQUIRE(started.has_value());
    process_.emplace(std::move(*started));
  }
  ~Swupdate() { stop(); }
  Swupdate(const Swupdate&) = delete;
  Swupdate& operator=(const Swupdate&) = delete;

  void stop() {
    if (!process_) return;
    ::kill(-process_->pid(), SIGKILL);
    process_.reset();
    std::error_code ignored;
    for (const char* socket : {"sockinstctrl", "swupdateprog"})
      fs::remove(folder_ / socket, ignored);
  }
  bool running() { return process_ && process_->running(); }
  // What it has printed since this start.
  std::string log() const {
    const std::string all = slurp(log_);
    return all.substr(std::min(earlier_, all.size()));
  }
  bool says(const std::string& text) const { return log().find(text) != std::string::npos; }

 private:
  fs::path folder_;
  fs::path log_;
  std::size_t earlier_ = 0;
  std::optional<sim::Process> process_;
};

// A console that serves DDI, with one whitelisted device "press-01" and the signer that it trusts.
class DdiWorld {
 public:
  enum class WithoutTelemetry { kAllow, kBlock };
  explicit DdiWorld(WithoutTelemetry policy = WithoutTelemetry::kAllow, std::string profile = {})
      : scenario_(scenario_of(policy, std::move(profile))) {
    REQUIRE(world.prepare().has_value());
    fs::create_directories(trusted());
    fs::create_directories(build());
    make_signer(build(), "signer");
    make_signer(build(), "stranger");
    fs::copy_file(build() / "signer.pem", trusted() / "signer.pem");
    LiveWorld::started(world.start_console());
    wire_ = sim::Proxy::open().value();
    wire_->set_target(ddi_port());
  }

  fs::path trusted() const { return folder.path() / "config" / "trusted-signers"; }
  fs::path build() const { return folder.path() / "swu"; }
  fs::path target() const { return folder.path() / "installed.bin"; }
  fs::path authority() const { return folder.path() / "state/pki/authority.crt"; }
  sim::Proxy& wire() { return *wire_; }

  std::uint16_t ddi_port() {
    const auto status = world.get("/v1/ddi");
    REQUIRE(status.has_value());
    const std::string listen = (*status)["listen"];
    return static_cast<std::uint16_t>(std::stoul(listen.substr(listen.rfind(':') + 1)));
  }
  sim::World::Said otactl(std::vector<std::string> arguments) {
    auto said = world.otactl(std::move(arguments));
    if (!said) FAIL(said.error().text());
    return *said;
  }
  // Makes and publishes an image; its payload.
  std::string publish(const SwuSpec& spec = {}) {
    const std::string name = "gateway-" + spec.version + ".swu";
    const std::string payload = make_swu(build(), name, target(), spec);
    const auto said =
        otactl({"firmware", "add", (build() / name).string(), "--ddi", "--hardware", "sim-a"});
    INFO(said.output);
    REQUIRE(said.status == 0);
    wait([&] {
      const auto firmware = world.get("/v1/firmware");
      return firmware && firmware->dump().find(name) != std::string::npos;
    });
    return payload;
  }
  std::string token() {
    const auto said = otactl({"ddi", "token", "press-01", "--json"});
    REQUIRE(said.status == 0);
    return parse_json(said.output)->at("token");
  }
  SwupdateSpec client() {
    SwupdateSpec spec;
    spec.trusted = (build() / "signer.pem").string();
    return spec;
  }
  SwupdateSpec client_with_token() {
    SwupdateSpec spec = client();
    spec.token = token();
    return spec;
  }
  std::unique_ptr<Swupdate> start(const SwupdateSpec& spec) {
    return std::make_unique<Swupdate>(folder.path() / "device", wire_->port(), authority(), spec);
  }
  // The job's id; the whole output where the gate refused.
  std::string push(const std::string& version = "2.1.0") {
    const auto said = otactl({"push", "press-01", "--version", version, "--json"});
    const auto json = parse_json(said.output);
    REQUIRE(json.has_value());
    const Json& result = json->at("results").at(0);
    return result.contains("job") ? result["job"].get<std::string>()
                                  : result["decision"]["headline"].get<std::string>();
  }
  Json job(const std::string& id) { return world.get("/v1/jobs/" + id).value(); }
  std::string state(const std::string& id) { return job(id).at("state"); }

  void wait(const std::function<bool()>& condition,
            milliseconds patience = std::chrono::seconds(40)) {
    const bool met = wait_until(condition, patience);
    const auto device = world.device("press-01");
    INFO((device ? device->dump(1) : device.error().text()));
    INFO(slurp(folder.path() / "device/swupdate.log"));
    REQUIRE(met);
  }
  void wait_for(const std::string& id, const std::string& wanted,
                milliseconds patience = std::chrono::seconds(40)) {
    const bool met = wait_until([&] { return state(id) == wanted; }, patience);
    INFO(job(id).dump(2));
    INFO(slurp(folder.path() / "device/swupdate.log"));
    REQUIRE(met);
  }
  bool told(const std::string& kind) {
    for (const Json& event : world.events().value()) {
      if (event.at("kind") == kind) return true;
    }
    return false;
  }
  void chain_is_whole() { CHECK(otactl({"audit", "verify"}).status == 0); }

  TempFolder folder;

 private:
  static sim::Scenario scenario_of(WithoutTelemetry policy, std::string profile) {
    sim::Scenario scenario;
    scenario.name = "ddi";
    sim::ScenarioDevice device;
    device.id = "press-01";
    device.interval_ms = 100;
    device.profile = profile.empty() ? "stable" : std::move(profile);
    scenario.devices.push_back(device);
    scenario.console = Json{{"ddi",
                             {{"listen", {{"address", "127.0.0.1"}, {"port", 0}}},
                              {"poll_s", 1},
                              {"active_poll_s", 1}}}};
    scenario.ota_settings =
        Json{{"gate",
              {{"ddi_without_telemetry", policy == WithoutTelemetry::kAllow ? "allow" : "block"}}},
             {"watch_period_s", 0}};
    return scenario;
  }

  SystemClock clock_;
  sim::Scenario scenario_;
  std::unique_ptr<sim::Proxy> wire_;

 public:
  sim::World world{{programs(), folder.path()}, scenario_, clock_};
};

}  // namespace ota::test

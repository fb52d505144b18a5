#include "main/first_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <set>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "config/config.h"
#include "config/root_check.h"
#include "fleet/fleet.h"
#include "model/sample_image.h"
#include "pki/authority.h"
#include "tuf/repository.h"

namespace ota::main {
namespace fs = std::filesystem;

namespace {

// What `make run` shows: a stable device, a stressed one, and this host with real metrics.
struct DemoAgent {
  const char* id;
  const char* profile;
  int status_port;
  std::uint64_t seed;
};
constexpr std::array<DemoAgent, 3> kDemoAgents{{{"iot-001", "stable", 8000, 1},
                                                {"iot-002", "stressed", 8001, 2},
                                                {"host-local", "host", 0, 3}}};

constexpr std::chrono::hours kJoinCodeLifetime{1};

std::array<model::Version, 2> samples() {
  return {model::Version(2, 1, 4), model::Version(2, 1, 5)};
}

// A sample lies here from before the repository is made until it is published: a first run that was
// cut off leaves it for the next start, and one that the operator removed later never comes back.
fs::path waiting_sample(const fs::path& root, const model::Version& version) {
  return root / "state" / ("firmware-" + version.text() + ".img");
}

std::vector<std::string> models_of(const model::Whitelist& whitelist) {
  std::set<std::string> models;
  for (const model::DeviceSpec& device : whitelist.devices)
    models.insert(device.hardware);
  return {models.begin(), models.end()};
}

Result<void> write_agent_config(const fs::path& folder, const model::LocalAgent& agent,
                                const std::string& hardware, const std::string& server,
                                std::uint64_t seed) {
  const fs::path file = folder / "config.json";
  std::error_code ignored;
  if (fs::exists(file, ignored)) return {};
  Json document{
      {"device_id", agent.id}, {"server", server},    {"hardware", hardware}, {"status_port", 0},
      {"profile", "stable"},   {"interval_ms", 1000}, {"dir", "."},           {"seed", seed + 1}};
  for (const DemoAgent& demo : kDemoAgents) {
    if (agent.id != demo.id) continue;
    document["profile"] = demo.profile;
    document["status_port"] = demo.status_port;
    document["seed"] = seed + demo.seed;
  }
  return write_file_durably(file, document.dump(2) + "\n");
}

// Whether the agent needs a join code. An error where a code would be wrong or of no use: what an
// operator revoked is for an operator to let in again, and the server takes no second key for a
// name.
Result<bool> needs_join_code(const std::string& id,
                             const std::shared_ptr<const fleet::DeviceDetail>& detail,
                             const fs::path& identity) {
  if (detail != nullptr && detail->row.revoked()) {
    return fail(Errc::kDenied, "it was revoked; to let it in again, remove " + identity.string() +
                                   " and join it with the code of `otactl enroll " + id + "`");
  }
  if (detail == nullptr || !detail->row.enrolled()) return true;
  std::error_code ignored;
  // As the agent sees it (agents/identity.h).
  if (!fs::exists(identity / "device.key", ignored)) {
    return fail(Errc::kConflict, "it is enrolled with a key that is not in " + identity.string() +
                                     " any more; `otactl revoke " + id +
                                     "`, and join it with the code of `otactl enroll " + id + "`");
  }
  return !fs::exists(identity / "device.crt", ignored) ||
         !fs::exists(identity / "authority.crt", ignored);
}

}  // namespace

Result<void> prepare_root(const fs::path& root) {
  for (const char* folder : {"config", "firmware"}) {
    if (auto made = make_directories(root / folder); !made) return made.error();
  }
  if (auto made = make_directories(root / "state", 0700); !made) return made.error();
  if (auto good = config::check_root(root); !good) return good;
  return config::write_defaults(root);
}

Result<void> lay_samples_ready(const fs::path& root) {
  for (const model::Version& version : samples()) {
    auto written = write_file_durably(waiting_sample(root, version), model::sample_image(version));
    if (!written) return written.error();
  }
  return {};
}

Result<std::unique_ptr<tuf::Repository>> prepare_firmware(const fs::path& root,
                                                          const model::Whitelist& whitelist,
                                                          const Clock& clock) {
  const fs::path firmware = root / "firmware";
  const fs::path keys = root / "state" / "keys";
  auto opened = tuf::Repository::open(firmware, keys, clock);
  if (opened) return std::make_unique<tuf::Repository>(std::move(*opened));
  if (opened.error().code != Errc::kNotFound) return opened.error();
  if (!models_of(whitelist).empty()) {
    if (auto laid = lay_samples_ready(root); !laid) return laid.error();
  }
  auto created = tuf::Repository::create(firmware, keys, clock);
  if (!created) return created.error();
  return std::make_unique<tuf::Repository>(std::move(*created));
}

Result<void> publish_samples(const fs::path& root, const model::Whitelist& whitelist,
                             tuf::Repository& repository) {
  const std::vector<std::string> hardware = models_of(whitelist);
  if (hardware.empty()) return {};
  for (const model::Version& version : samples()) {
    const fs::path image = waiting_sample(root, version);
    std::error_code error;
    if (!fs::exists(image, error)) continue;
    model::Release release;
    release.version = version;
    release.hardware = hardware;
    release.notes = "sample image";
    if (auto added = repository.add(image, release); !added) {
      return added.error().within("publish the sample image " + version.label());
    }
    if (!fs::remove(image, error)) return fail_errno(error.value(), "remove " + image.string());
  }
  return {};
}

Result<void> prepare_agent(const fs::path& root, const model::LocalAgent& agent,
                           const model::Settings& settings,
                           const std::string& authority_fingerprint, const std::string& server,
                           fleet::Fleet& fleet, const Clock& clock, std::uint64_t seed) {
  const model::DeviceSpec* spec = settings.whitelist.find(agent.id);
  if (spec == nullptr) return fail(Errc::kDenied, agent.id + " is not in config/devices.json");
  const fs::path folder = root / agent.dir;
  const fs::path identity = folder / "identity";
  if (auto made = make_directories(folder); !made) return made.error();
  if (auto made = make_directories(identity, 0700); !made) return made.error();
  if (auto written = write_agent_config(folder, agent, spec->hardware, server, seed); !written) {
    return written.error();
  }
  const auto needed = needs_join_code(agent.id, fleet.detail(agent.id), identity);
  if (!needed) return needed.error();
  if (!*needed) return {};
  const pki::JoinCode code{to_base64url(random_bytes(32)), authority_fingerprint};
  std::promise<Result<void>> stored;
  auto answer = stored.get_future();
  fleet.open_enrolment(agent.id, sha256_hex(code.token), clock.wall() + kJoinCodeLifetime,
                       "console", [&stored](const Result<void>& done) { stored.set_value(done); });
  if (auto done = answer.get(); !done) return done.error();
  return write_file_durably(identity / "join-code", code.text() + "\n", 0600);
}

}  // namespace ota::main

// A scenario file: devices, releases, settings, and the steps with what is expected of them.
//
// The form is strict: an unknown key, a missing one or a wrong type names file and place, and
// nothing is started. README.md of config/scenarios/ describes it; the steps are in steps.h.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/release.h"

namespace ota::sim {

struct ScenarioDevice {
  std::string id;
  std::string hardware = "sim-a";
  std::string profile = "stable";
  std::uint64_t seed = 1;
  std::uint64_t interval_ms = 200;
  bool whitelisted = true;
  bool enrolled = true;         // joins before it first runs
  bool supervised = false;      // the console starts it, not the runner
  Json agent = Json::object();  // further keys of its config.json
};

struct ScenarioRelease {
  model::Release release;       // version, hardware, class, notes
  std::string marker_lines;     // of the image's header: "health: fail"
  std::uint64_t pad_bytes = 0;  // appended, for downloads that last
  // The sample image of this version with other lines: what a patch is worth something for.
  std::optional<model::Version> like = {};
  // Of each MiB of the padding a tenth is this release's own and an eighth the same in all, so that
  // it neither packs to nothing nor comes whole by a patch; else it is zeros.
  bool mixed = false;
  bool patched = false;  // packed and with patches from what devices run; else it comes as it is
};

struct Step {
  std::string kind;
  Json keys;  // of this step, without "do"
};

struct Scenario {
  std::string name;
  std::string description;
  std::vector<ScenarioDevice> devices;
  std::vector<ScenarioRelease> releases;
  Json thresholds = Json::object();  // merged into the shipped files
  Json ota_settings = Json::object();
  Json console = Json::object();
  milliseconds patience{15000};  // of a wait that names none
  std::vector<Step> steps;
};

// kInvalid lists the first problem with its place: "steps[3].within_s".
Result<Scenario> parse_scenario(std::string_view text);
Result<Scenario> load_scenario(const std::filesystem::path& file);
// One entry of "releases"; the step publish uses the same form.
Result<ScenarioRelease> parse_release(const Json& entry, const std::string& place);

// The image's bytes.
std::string image_of(const ScenarioRelease& release);

}  // namespace ota::sim

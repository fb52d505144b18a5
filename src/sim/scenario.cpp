#include "sim/scenario.h"

#include <algorithm>
#include <functional>
#include <random>

#include "base/file.h"
#include "model/device.h"
#include "model/sample_image.h"
#include "sim/keys.h"
#include "sim/profile.h"
#include "sim/steps.h"

namespace ota::sim {
namespace {

constexpr std::size_t kMaxFile = 1U << 20;
constexpr std::size_t kMaxPad = 64U << 20;

const std::vector<Key>& device_keys() {
  static const std::vector<Key> kKeys{
      {"id", KeyType::kText, Need::kRequired, "the device's name"},
      {"hardware", KeyType::kText, Need::kOptional, "its model (sim-a)"},
      {"profile", KeyType::kText, Need::kOptional, "how its telemetry looks (stable)"},
      {"seed", KeyType::kNumber, Need::kOptional, "of its telemetry"},
      {"interval_ms", KeyType::kNumber, Need::kOptional, "between samples (200)"},
      {"whitelisted", KeyType::kSwitch, Need::kOptional, "in config/devices.json (true)"},
      {"enrolled", KeyType::kSwitch, Need::kOptional, "joins before it first runs (true)"},
      {"supervised", KeyType::kSwitch, Need::kOptional, "started by the console (false)"},
      {"agent", KeyType::kObject, Need::kOptional, "further keys of its config.json"}};
  return kKeys;
}

Result<ScenarioDevice> parse_device(const Json& entry, const std::string& place) {
  if (auto checked = check_keys(entry, device_keys(), place); !checked) return checked.error();
  ScenarioDevice device;
  device.id = entry.at("id").get<std::string>();
  if (!model::valid_device_id(device.id)) {
    return fail(Errc::kInvalid, place + ".id: accepted: a-z, 0-9, '.', '_', '-', at most 63");
  }
  device.hardware = entry.value("hardware", device.hardware);
  device.profile = entry.value("profile", device.profile);
  if (device.profile != "host" && !parse_profile(device.profile)) {
    return fail(Errc::kInvalid, place + ".profile: no such profile: " + device.profile);
  }
  device.seed = entry.value("seed", device.seed);
  device.interval_ms = entry.value("interval_ms", device.interval_ms);
  device.whitelisted = entry.value("whitelisted", device.whitelisted);
  device.enrolled = entry.value("enrolled", device.enrolled);
  device.supervised = entry.value("supervised", device.supervised);
  device.agent = entry.value("agent", device.agent);
  return device;
}

const std::vector<Key>& scenario_keys() {
  static const std::vector<Key> kKeys{
      {"name", KeyType::kText, Need::kRequired, "as its file is called"},
      {"description", KeyType::kText, Need::kRequired, "what it shows, in a sentence"},
      {"devices", KeyType::kList, Need::kOptional, "the devices"},
      {"releases", KeyType::kList, Need::kOptional, "published beside v2.1.4 and v2.1.5"},
      {"thresholds", KeyType::kObject, Need::kOptional, "over config/thresholds.json"},
      {"ota_settings", KeyType::kObject, Need::kOptional, "over config/ota_settings.json"},
      {"console", KeyType::kObject, Need::kOptional, "over config/console.json"},
      {"within_s", KeyType::kNumber, Need::kOptional, "patience of a wait that names none (15)"},
      {"steps", KeyType::kList, Need::kRequired, "what is done and expected, in order"}};
  return kKeys;
}

Result<Step> parse_step(const Json& entry, const std::string& place) {
  if (!entry.is_object() || !entry.contains("do") || !entry.at("do").is_string()) {
    return fail(Errc::kInvalid, place + ".do is missing: the kind of step");
  }
  Step step{entry.at("do").get<std::string>(), entry};
  step.keys.erase("do");
  const StepKind* kind = find_step_kind(step.kind);
  if (kind == nullptr) return fail(Errc::kInvalid, place + ".do: no such step: " + step.kind);
  if (auto checked = check_keys(step.keys, kind->keys, place); !checked) return checked.error();
  return step;
}

template <class T>
Result<std::vector<T>> parse_list(const Json& document, const char* key,
                                  Result<T> (*parse)(const Json&, const std::string&)) {
  std::vector<T> out;
  if (!document.contains(key)) return out;
  for (const Json& entry : document.at(key)) {
    auto parsed = parse(entry, std::string(key) + "[" + std::to_string(out.size()) + "]");
    if (!parsed) return parsed.error();
    out.push_back(std::move(*parsed));
  }
  return out;
}

}  // namespace

Result<ScenarioRelease> parse_release(const Json& entry, const std::string& place) {
  const std::vector<Key> keys{
      {"version", KeyType::kText, Need::kRequired, "its version"},
      {"hardware", KeyType::kTexts, Need::kOptional, "the models that it fits (sim-a)"},
      {"class", KeyType::kText, Need::kOptional, "functional, security or remediation"},
      {"lines", KeyType::kText, Need::kOptional, "marker lines in the image, such as health: fail"},
      {"pad_kib", KeyType::kNumber, Need::kOptional, "KiB appended to the image"},
      {"mixed", KeyType::kSwitch, Need::kOptional,
       "the padding is not zeros: a part is the same in all releases, a part this one's own "
       "(false)"},
      {"like", KeyType::kText, Need::kOptional,
       "a version whose sample image it is, but for its lines"}};
  if (auto checked = check_keys(entry, keys, place); !checked) return checked.error();
  ScenarioRelease out;
  auto version = model::Version::parse(entry.at("version").get<std::string>());
  if (!version) return version.error().within(place + ".version");
  out.release.version = *version;
  const Json models = entry.value("hardware", Json("sim-a"));
  out.release.hardware = models.is_string() ? std::vector<std::string>{models.get<std::string>()}
                                            : models.get<std::vector<std::string>>();
  const auto release_class = model::parse_release_class(entry.value("class", "functional"));
  if (!release_class) {
    return fail(Errc::kInvalid, place + ".class: accepted: functional, security, remediation");
  }
  out.release.release_class = *release_class;
  out.release.notes = "of a scenario";
  out.marker_lines = entry.value("lines", "");
  if (entry.contains("like")) {
    auto like = model::Version::parse(entry.at("like").get<std::string>());
    if (!like) return like.error().within(place + ".like");
    out.like = std::move(*like);
    out.patched = true;
  }
  out.mixed = entry.value("mixed", false);
  out.pad_bytes = entry.value("pad_kib", std::uint64_t{0}) * 1024;
  if (out.pad_bytes > kMaxPad) return fail(Errc::kLimit, place + ".pad_kib: at most 65536");
  return out;
}

namespace {

// Of each MiB from `at`: an eighth that is the same in every image, then a tenth that is `version`'s.
void mix(std::string& image, std::size_t at, const model::Version& version) {
  constexpr std::size_t kMebibyte = 1U << 20;
  constexpr std::uint64_t kSame = 1;
  std::mt19937_64 same(kSame);
  std::mt19937_64 own(std::hash<std::string>{}(version.text()));
  const auto fill = [&](std::size_t from, std::size_t bytes, std::mt19937_64& random) {
    for (std::size_t i = from; i < std::min(from + bytes, image.size()); ++i)
      image[i] = static_cast<char>(random());
  };
  for (; at < image.size(); at += kMebibyte) {
    fill(at, kMebibyte / 8, same);
    fill(at + kMebibyte / 8, kMebibyte / 10, own);
  }
}

}  // namespace

std::string image_of(const ScenarioRelease& release) {
  std::string lines = release.marker_lines;
  if (!lines.empty() && lines.back() != '\n') lines += '\n';
  if (release.like) lines = "release " + release.release.version.text() + "\n" + lines;
  std::string image = model::sample_image(release.like.value_or(release.release.version), lines);
  const std::size_t pad_at = image.size();
  image.append(release.pad_bytes, '\0');
  if (release.mixed) mix(image, pad_at, release.release.version);
  return image;
}

Result<Scenario> parse_scenario(std::string_view text) {
  auto document = parse_json(text, {.max_bytes = kMaxFile, .max_depth = 16});
  if (!document) return document.error();
  if (auto checked = check_keys(*document, scenario_keys(), "scenario"); !checked) {
    return checked.error();
  }
  Scenario out;
  out.name = document->at("name").get<std::string>();
  out.description = document->at("description").get<std::string>();
  auto devices = parse_list<ScenarioDevice>(*document, "devices", &parse_device);
  if (!devices) return devices.error();
  out.devices = std::move(*devices);
  auto releases = parse_list<ScenarioRelease>(*document, "releases", &parse_release);
  if (!releases) return releases.error();
  out.releases = std::move(*releases);
  out.thresholds = document->value("thresholds", out.thresholds);
  out.ota_settings = document->value("ota_settings", out.ota_settings);
  out.console = document->value("console", out.console);
  const double within = document->value("within_s", 15.0);
  out.patience = milliseconds(static_cast<std::int64_t>(within * 1000));
  auto steps = parse_list<Step>(*document, "steps", &parse_step);
  if (!steps) return steps.error();
  out.steps = std::move(*steps);
  return out;
}

Result<Scenario> load_scenario(const std::filesystem::path& file) {
  const auto text = read_file(file, kMaxFile);
  if (!text) return text.error();
  auto scenario = parse_scenario(*text);
  if (!scenario) return scenario.error().within(file.string());
  return scenario;
}

}  // namespace ota::sim

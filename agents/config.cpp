#include "agents/config.h"

#include <algorithm>
#include <functional>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "model/device.h"
#include "model/sample_image.h"
#include "sim/profile.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFileBytes = 65536;
constexpr std::size_t kMaxArguments = 64;

// Reads the members of one object, remembers what was asked for, and collects what is wrong.
class Reader {
 public:
  Reader(const Json& object, std::string prefix, std::vector<std::string>& problems)
      : object_(object), prefix_(std::move(prefix)), problems_(problems) {}

  template <class Number>
  void whole(const char* key, std::uint64_t low, std::uint64_t high, Number& out) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_number_unsigned()) {
      const auto number = value->get<std::uint64_t>();
      if (number >= low && number <= high) {
        out = Number(number);
        return;
      }
    }
    complain(key, *value,
             "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }

  void text(const char* key, const std::string& accepted,
            const std::function<bool(const std::string&)>& good, std::string& out) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_string() && good(value->get<std::string>())) {
      out = value->get<std::string>();
    } else {
      complain(key, *value, accepted);
    }
  }

  void command(const char* key, CommandLine& out) {
    const Json* value = find(key);
    if (value == nullptr || (value->is_string() && value->get<std::string>() == "none")) return;
    const bool good = value->is_array() && !value->empty() && value->size() <= kMaxArguments &&
                      std::all_of(value->begin(), value->end(),
                                  [](const Json& word) { return word.is_string(); }) &&
                      value->front().get<std::string>().starts_with('/');
    if (good) {
      out = value->get<CommandLine>();
    } else {
      complain(key, *value,
               "\"none\", or a list of strings that begins with a program's absolute path");
    }
  }

  void required(const char* key) {
    if (!object_.contains(key)) problems_.push_back(prefix_ + key + " is missing");
  }

  // The members of an object in here; an empty object where there is none.
  const Json& inner(const char* key) {
    static const Json kNone = Json::object();
    const Json* value = find(key);
    if (value == nullptr) return kNone;
    if (value->is_object()) return *value;
    complain(key, *value, "an object");
    return kNone;
  }

  // After all has been asked for.
  void refuse_unknown() {
    for (const auto& [key, value] : object_.items()) {
      if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
      std::string accepted;
      for (const std::string& name : asked_)
        accepted += (accepted.empty() ? "" : ", ") + name;
      problems_.push_back(prefix_ + printable(key, 40) +
                          " is no key of this file; accepted: " + accepted);
    }
  }

 private:
  const Json* find(const char* key) {
    asked_.emplace_back(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void complain(const char* key, const Json& value, const std::string& accepted) {
    problems_.push_back(prefix_ + key + " is " + printable(dump_json(value), 60) +
                        "; accepted: " + accepted);
  }

  const Json& object_;
  std::string prefix_;
  std::vector<std::string>& problems_;
  std::vector<std::string> asked_;
};

std::string profile_words() {
  std::string words = "\"host\"";
  for (const auto& entry : sim::kProfileWords)
    words += ", \"" + std::string(entry.second) + "\"";
  return words;
}

void read_nested(Reader& reader, const std::string& file, Config& config,
                 std::vector<std::string>& problems) {
  constexpr std::uint64_t kDay = 86400;
  Reader health(reader.inner("health_check"), file + ": health_check.", problems);
  health.command("command", config.health_check.command);
  health.whole("timeout_s", 1, kDay, config.health_check.timeout);
  health.refuse_unknown();

  Reader installer(reader.inner("installer"), file + ": installer.", problems);
  std::string kind = "slot";
  installer.text(
      "kind", "\"slot\" or \"command\"",
      [](const std::string& word) { return word == "slot" || word == "command"; }, kind);
  installer.command("command", config.installer.command);
  installer.command("rollback", config.installer.rollback);
  installer.command("restart", config.installer.restart);
  installer.whole("timeout_s", 1, kDay, config.installer.timeout);
  installer.refuse_unknown();
  if (kind == "command" && config.installer.command.empty()) {
    problems.push_back(file + ": installer.command is missing; the kind \"command\" needs one");
  }
  if (kind == "slot") {
    config.installer.command.clear();
    config.installer.rollback.clear();
  }

  Reader limits(reader.inner("limits"), file + ": limits.", problems);
  limits.whole("image_bytes", 1, std::uint64_t{1} << 40, config.limits.image_bytes);
  limits.whole("download_s", 1, 30 * kDay, config.limits.download);
  limits.whole("min_bytes_per_second", 0, std::uint64_t{1} << 30,
               config.limits.min_bytes_per_second);
  limits.whole("buffered_samples", 1, 100000, config.limits.buffered_samples);
  limits.whole("restarts_per_hour", 1, 1000, config.limits.restarts_per_hour);
  limits.refuse_unknown();
}

bool is_printable_word(const std::string& word, std::size_t longest) {
  return !word.empty() && word.size() <= longest && printable(word, longest) == word;
}

}  // namespace

Result<std::string> checked_server(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const std::string_view authority =
      url.starts_with(kScheme) ? url.substr(kScheme.size()) : std::string_view();
  const bool good = !authority.empty() && authority.size() <= 260 &&
                    authority.find_first_of("/?#@ \t\r\n") == std::string_view::npos;
  if (!good)
    return fail(Errc::kInvalid,
                "the server is \"" + printable(url, 80) + "\"; accepted: https://HOST:PORT");
  return std::string(url);
}

Result<Config> parse_config(std::string_view text, const fs::path& file) {
  const std::string name = file.string();
  const auto document = parse_json(text, {kFileBytes, 4});
  if (!document) return document.error().within(name);
  if (!document->is_object()) return fail(Errc::kInvalid, name + " is no JSON object");

  Config config;
  std::vector<std::string> problems;
  Reader reader(*document, name + ": ", problems);
  reader.required("device_id");
  reader.required("server");
  reader.required("hardware");
  reader.text(
      "device_id", "1 to 63 of a-z 0-9 . _ -, a letter or digit first",
      [](const std::string& id) { return model::valid_device_id(id); }, config.device_id);
  reader.text(
      "server", "https://HOST:PORT",
      [](const std::string& url) { return checked_server(url).has_value(); }, config.server);
  reader.text(
      "hardware", "a model name of 1 to 64 bytes",
      [](const std::string& word) { return is_printable_word(word, 64); }, config.hardware);
  reader.text(
      "profile", profile_words(),
      [](const std::string& word) {
        return word == "host" || sim::parse_profile(word).has_value();
      },
      config.profile);
  std::string dir = ".";
  std::string factory = model::kFactoryVersion.text();
  reader.text(
      "dir", "a folder", [](const std::string& word) { return is_printable_word(word, 1024); },
      dir);
  reader.text(
      "factory_version", "a version such as \"2.1.4\"",
      [](const std::string& word) { return model::Version::parse(word).has_value(); }, factory);
  std::string updates = "agent";
  reader.text(
      "updates", "\"agent\" or \"none\" (where another program updates the device)",
      [](const std::string& word) { return word == "agent" || word == "none"; }, updates);
  config.takes_updates = updates == "agent";
  reader.whole("status_port", 0, 65535, config.status_port);
  reader.whole("seed", 0, std::uint64_t{1} << 53, config.seed);
  reader.whole("interval_ms", 50, 3600000, config.interval);
  read_nested(reader, name, config, problems);
  reader.refuse_unknown();
  if (!problems.empty()) {
    std::string all;
    for (const std::string& problem : problems)
      all += (all.empty() ? "" : "\n") + problem;
    return fail(Errc::kInvalid, all);
  }
  config.dir = fs::absolute(file).parent_path() / dir;
  config.dir = config.dir.lexically_normal();
  config.factory_version = *model::Version::parse(factory);
  return config;
}

Result<Config> load_config(const fs::path& file) {
  const auto text = read_file(file, kFileBytes);
  if (!text) return text.error();
  return parse_config(*text, file);
}

}  // namespace ota::agent

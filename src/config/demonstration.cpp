#include "config/demonstration.h"

#include <algorithm>

#include "base/json_numbers.h"
#include "config/config.h"

namespace ota::config {
namespace {

// Keys stay where the operator put them.
using Ordered = nlohmann::ordered_json;

std::string file_of(std::string_view name) {
  return "config/" + std::string(name);
}

// Only of texts that were found right.
Ordered read(std::string_view text) {
  return Ordered::parse(text);
}

// What the shipped `name` has in its list `key` and `document` has not, by id.
void add_shipped(Ordered& document, std::string_view name, const char* key) {
  Ordered& list = document[key];
  if (list.is_null()) list = Ordered::array();
  const Ordered shipped = read(*default_file(name));
  for (const Ordered& entry : shipped.at(key)) {
    const bool known = std::any_of(list.begin(), list.end(), [&](const Ordered& other) {
      return other.at("id") == entry.at("id");
    });
    if (!known) list.push_back(entry);
  }
}

}  // namespace

Result<DemonstrationFiles> with_demonstration(std::string_view console, std::string_view devices) {
  const auto settings = parse_console(console, file_of(kConsoleFile));
  if (!settings.ok()) return fail(Errc::kInvalid, settings.problems.front().text());
  const auto whitelist = parse_whitelist(devices, file_of(kWhitelistFile));
  if (!whitelist.ok()) return fail(Errc::kInvalid, whitelist.problems.front().text());
  if (!whitelist.value.devices.empty()) {
    return fail(Errc::kConflict, file_of(kWhitelistFile) + " lists devices already");
  }
  Ordered console_json = read(console);
  Ordered devices_json = read(devices);
  add_shipped(console_json, kConsoleFile, "agents");
  add_shipped(devices_json, kWhitelistFile, "devices");
  return DemonstrationFiles{console_json.dump(2) + "\n", devices_json.dump(2) + "\n"};
}

}  // namespace ota::config

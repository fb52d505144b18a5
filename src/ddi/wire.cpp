#include "ddi/wire.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/digest.h"
#include "base/text.h"

namespace ota::ddi {
namespace {

constexpr JsonLimits kLimits{.max_bytes = kBodyBytes, .max_depth = 16};
constexpr std::size_t kMostDetails = 1000;
constexpr std::size_t kLongestDetail = 4096;

// Control bytes within strings become blanks.
std::string without_controls_in_strings(std::string_view text) {
  std::string out(text);
  bool inside = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (inside && out[i] == '\\') {
      ++i;
    } else if (out[i] == '"') {
      inside = !inside;
    } else if (inside && byte < 0x20) {
      out[i] = ' ';
    }
  }
  return out;
}

// The first `"key" : "value"` of the text.
std::string pattern_value(std::string_view text, std::string_view key) {
  const std::string quoted = '"' + std::string(key) + '"';
  auto at = text.find(quoted);
  if (at == std::string_view::npos) return {};
  at = text.find_first_not_of(" \t\r\n", at + quoted.size());
  if (at == std::string_view::npos || text[at] != ':') return {};
  at = text.find_first_not_of(" \t\r\n", at + 1);
  if (at == std::string_view::npos || text[at] != '"') return {};
  const auto end = text.find('"', at + 1);
  return end == std::string_view::npos ? std::string()
                                       : std::string(text.substr(at + 1, end - at - 1));
}

const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string text_member(const Json& object, const char* key) {
  const Json& found = member(object, key);
  return found.is_string() ? found.get<std::string>() : std::string();
}

// A word that no client is known to send means that the device is at work.
fleet::DdiFeedback feedback_of(const std::string& execution, const std::string& finished) {
  fleet::DdiFeedback out;
  out.execution = model::enum_value(fleet::kDdiExecutionWords, execution)
                      .value_or(fleet::DdiExecution::kProceeding);
  out.finished =
      model::enum_value(fleet::kDdiFinishedWords, finished).value_or(fleet::DdiFinished::kNone);
  return out;
}

// Strictly, else with its strings repaired.
Result<Json> parse_leniently(std::string_view body) {
  if (body.size() > kBodyBytes) return fail(Errc::kLimit, "body");
  auto parsed = parse_json(body, kLimits);
  if (parsed && parsed->is_object()) return parsed;
  auto repaired = parse_json(without_controls_in_strings(body), kLimits);
  if (repaired && !repaired->is_object()) return fail(Errc::kInvalid, "no JSON object");
  return repaired;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Result<fleet::DdiFeedback> parse_feedback(std::string_view body) {
  if (const auto parsed = parse_leniently(body)) {
    const Json& status = member(*parsed, "status");
    const std::string execution = text_member(status, "execution");
    if (execution.empty()) return fail(Errc::kInvalid, "status.execution is missing");
    fleet::DdiFeedback out =
        feedback_of(execution, text_member(member(status, "result"), "finished"));
    const Json& details = member(status, "details");
    if (details.is_string()) out.details.push_back(details.get<std::string>());
    if (details.is_array()) {
      for (const Json& detail : details) {
        if (out.details.size() == kMostDetails) break;
        if (detail.is_string()) {
          out.details.push_back(detail.get_ref<const std::string&>().substr(0, kLongestDetail));
        }
      }
    }
    return out;
  }
  const std::string execution = pattern_value(body, "execution");
  if (!model::enum_value(fleet::kDdiExecutionWords, execution)) {
    return fail(Errc::kInvalid, "no JSON, and no status.execution in it");
  }
  fleet::DdiFeedback out = feedback_of(execution, pattern_value(body, "finished"));
  out.details.emplace_back(body.substr(0, kLongestDetail));
  return out;
}

Result<fleet::DdiAttributes> parse_attributes(std::string_view body) {
  const auto parsed = parse_leniently(body);
  if (!parsed) return parsed.error();
  fleet::DdiAttributes out;
  const std::string mode = text_member(*parsed, "mode");
  if (mode == "replace") out.mode = fleet::DdiAttributes::Mode::kReplace;
  if (mode == "remove") out.mode = fleet::DdiAttributes::Mode::kRemove;
  const Json& data = member(*parsed, "data");
  if (!data.is_object()) return fail(Errc::kInvalid, "data is no object");
  for (const auto& [key, value] : data.items()) {
    if (value.is_string()) out.values[key] = value.get<std::string>();
  }
  return out;
}

std::string client_name(std::string_view user_agent) {
  constexpr std::size_t kLongest = 40;
  // SWUpdate leaves its HTTP library's own name; nobody else here does.
  if (user_agent.starts_with("libcurl-agent")) return "SWUpdate";
  if (user_agent.starts_with("rauc-hawkbit-c-agent")) return "rauc-hawkbit-updater";
  if (user_agent.starts_with("rauc-hawkbit-updater")) return "rauc-hawkbit-updater";
  const std::string name = printable(user_agent, kLongest);
  return name.empty() ? "DDI client" : name;
}

Authorization parse_authorization(std::string_view header) {
  using Kind = fleet::DdiCredentials::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 2> kSchemes{
      {{"TargetToken ", Kind::kTargetToken}, {"GatewayToken ", Kind::kGatewayToken}}};
  Authorization out;
  if (header.empty()) return out;
  for (const auto& [scheme, kind] : kSchemes) {
    if (!header.starts_with(scheme)) continue;
    const std::string_view token = header.substr(scheme.size());
    if (token.empty() || token.find(' ') != std::string_view::npos) break;
    out.kind = kind;
    out.token_hash = sha256_hex(token);
    return out;
  }
  out.malformed = true;
  return out;
}

bool valid_host(std::string_view host) {
  constexpr std::size_t kLongest = 255;
  return !host.empty() && host.size() <= kLongest &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return is_plain(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
         });
}

std::string make_token() {
  constexpr std::string_view kSigns =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLength = 32;  // Zephyr's setting takes no more
  constexpr std::size_t kFair = 256 - 256 % kSigns.size();
  std::string token;
  while (token.size() < kLength) {
    for (const std::uint8_t byte : random_bytes(kLength)) {
      if (byte < kFair && token.size() < kLength) token += kSigns[byte % kSigns.size()];
    }
  }
  return token;
}

std::string sleep_text(seconds interval) {
  constexpr std::int64_t kMost = 24 * 3600 - 1;
  const std::int64_t all = std::clamp<std::int64_t>(interval.count(), 1, kMost);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", static_cast<int>(all / 3600),
                static_cast<int>(all / 60 % 60), static_cast<int>(all % 60));
  return text.data();
}

seconds spread(seconds interval, std::string_view device) {
  constexpr std::int64_t kSteps = 2001;
  constexpr std::int64_t kUnit = 10000;
  const Digest256 digest = sha256(as_bytes(device));
  const std::int64_t place = (digest[0] << 16 | digest[1] << 8 | digest[2]) % kSteps;
  return seconds(interval.count() * (kUnit - (kSteps - 1) / 2 + place) / kUnit);
}

Result<void> check_file_name(std::string_view name) {
  constexpr std::size_t kLongest = 127;  // SWUpdate's strings
  if (name.empty() || name.size() > kLongest) {
    return fail(Errc::kInvalid, "the file's name has more than 127 characters or none");
  }
  for (const char c : name) {
    const bool fine = is_plain(c) || c == '.' || c == '-' || c == '_' || c == '+' || c == '~';
    if (fine) continue;
    return fail(Errc::kInvalid, "clients cannot fetch a file named '" + printable(name) +
                                    "': use letters, digits and . - _ + ~ only");
  }
  if (name.front() == '.') return fail(Errc::kInvalid, "the file's name starts with a dot");
  return {};
}

Json root_json(const std::string& base, const fleet::DdiOffer& offer, seconds sleep) {
  Json out{{"config", {{"polling", {{"sleep", sleep_text(sleep)}}}}}};
  Json links = Json::object();
  if (offer.cancel) {
    // No query: clients append "/feedback" to it as it is.
    links["cancelAction"] = {{"href", base + "/cancelAction/" + std::to_string(*offer.cancel)}};
  } else if (offer.deployment) {
    links["deploymentBase"] = {{"href", base + "/deploymentBase/" +
                                            std::to_string(*offer.deployment) +
                                            "?c=" + std::to_string(offer.change)}};
  }
  if (offer.wants_attributes) links["configData"] = {{"href", base + "/configData"}};
  if (!links.empty()) out["_links"] = std::move(links);
  return out;
}

Json deployment_json(const std::string& base, std::uint64_t action, const model::Release& release,
                     const Digests& digests) {
  const std::string href =
      base + "/softwaremodules/" + std::to_string(action) + "/artifacts/" + release.file_name();
  const Json artifact{
      {"filename", release.file_name()},
      {"size", release.length},
      {"hashes", {{"sha1", digests.sha1}, {"md5", digests.md5}, {"sha256", digests.sha256}}},
      {"_links", {{"download", {{"href", href}}}, {"download-http", {{"href", href}}}}}};
  const Json chunk{{"part", "bApp"},
                   {"version", release.version.text()},
                   {"name", "firmware"},
                   {"artifacts", Json::array({artifact})}};
  return Json{{"id", std::to_string(action)},
              {"deployment",
               {{"download", "forced"}, {"update", "forced"}, {"chunks", Json::array({chunk})}}}};
}

Json cancel_json(std::uint64_t action) {
  const std::string id = std::to_string(action);
  return Json{{"id", id}, {"cancelAction", {{"stopId", id}}}};
}

}  // namespace ota::ddi

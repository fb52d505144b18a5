// What each of the four files may hold: one function a file, one line a key.
#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/config.h"
#include "config/json_tree.h"
#include "config/section.h"
#include "model/names.h"

namespace ota::config {
namespace {

constexpr double kDay = 24 * 3600;
// A file of the wrong kind may be wrong in every line; nobody reads more.
constexpr std::size_t kMostProblems = 100;
constexpr std::string_view kDeviceIdWords = "1 to 63 of a-z 0-9 . _ - with a letter or digit first";
constexpr std::string_view kNameWords = model::kNameWords;

bool is_name(const std::string& text) {
  return model::valid_name(text);
}

bool is_address(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_host(const std::string& text) {
  constexpr std::size_t kLongest = 253;
  if (is_address(text)) return true;
  if (text.size() > kLongest) return false;
  const std::vector<std::string> labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), is_name);
}

// Below the root: a configuration file must not lead programs to other places.
bool is_inner_path(const std::string& text) {
  constexpr std::size_t kLongest = 255;
  if (text.empty() || text.size() > kLongest || text[0] == '/' || printable(text) != text) {
    return false;
  }
  const std::vector<std::string> parts = split(text, '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](const std::string& part) { return part.empty() || part == ".."; });
}

bool is_note(const std::string& text) {
  constexpr std::size_t kLongest = 500;
  return text.size() <= kLongest && printable(text) == text;
}

// ":443", or nothing.
bool is_port_part(std::string_view text) {
  if (text.empty()) return true;
  constexpr unsigned long kHighest = 65535;
  const std::string digits(text.substr(1));
  return text.front() == ':' && !digits.empty() && digits.size() <= 5 &&
         digits.find_first_not_of("0123456789") == std::string::npos &&
         std::stoul(digits) <= kHighest;
}

// "https://host[:port]" with nothing after it: paths are appended. An IPv6 address stands in
// brackets (RFC 3986 section 3.2.2).
bool is_public_url(const std::string& text) {
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme)) return text.empty();
  const std::string host = text.substr(kScheme.size());
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    in6_addr address{};
    return end != std::string::npos &&
           ::inet_pton(AF_INET6, host.substr(1, end - 1).c_str(), &address) == 1 &&
           is_port_part(std::string_view(host).substr(end + 1));
  }
  const auto colon = std::min(host.find(':'), host.size());
  return is_host(host.substr(0, colon)) && is_port_part(std::string_view(host).substr(colon));
}

bool is_store_url(const std::string& text) {
  return text.starts_with("sqlite:") && is_inner_path(text.substr(7));
}

std::string element(std::string_view array, std::size_t index) {
  return std::string(array) + "[" + std::to_string(index) + "]";
}

const JsonNode* node_of(const JsonMember* member) {
  return member == nullptr ? nullptr : &member->value;
}

// Whether to go on into a member that may be absent: always when describing.
bool enters(const JsonNode* parent, const JsonMember* member) {
  return parent == nullptr || member != nullptr;
}

// Reads an array of objects with unique ids. `read` fills one element and returns its id. Without a
// `root` the elements' keys describe themselves.
template <class T>
void read_elements(const JsonNode* root, const JsonMember* array, std::string_view key,
                   std::vector<T>& out, Report& report, std::string (*read)(Section&, T&)) {
  if (root == nullptr) {
    Section described(nullptr, std::string(key) + "[]", report);
    T none;
    read(described, none);
  }
  if (array == nullptr) return;
  const std::size_t count = array->value.items.size();
  out.reserve(count);
  std::unordered_map<std::string, std::size_t> first_line;
  first_line.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const JsonNode& node = array->value.items[i];
    if (node.kind != JsonNode::Kind::kObject) {
      report.add(node.place, element(key, i) + " is " + node.described() + "; accepted: an object");
      continue;
    }
    Section section(&node, element(key, i), report);
    T value;
    const std::string id = read(section, value);
    section.finish();
    const auto [seen, is_new] = first_line.emplace(id, node.place.line);
    if (!is_new && !id.empty()) {
      report.add(node.place, element(key, i) + ": id \"" + id + "\" stands twice, first in line " +
                                 std::to_string(seen->second));
    }
    out.push_back(std::move(value));
  }
}

// -- console.json --

void read_limits(const JsonNode* node, model::ServerLimits& limits, Report& report) {
  Section section(node, "limits", report);
  section.count("connections", limits.connections, 1, 1000000);
  section.count("stranger_connections", limits.stranger_connections, 1, 1000000);
  section.count("connections_per_address", limits.connections_per_address, 1, 1000000);
  section.count("stranger_body_bytes", limits.stranger_body_bytes, 1024, 1U << 20);
  section.count("body_memory_bytes", limits.body_memory_bytes, 1U << 20, 1U << 30);
  section.count("header_bytes", limits.header_bytes, 1024, 65536);
  section.count("body_bytes", limits.body_bytes, 1024, 16U << 20);
  section.count("import_bytes", limits.import_bytes, 1024, 1U << 30);
  section.duration("handshake_timeout_s", limits.handshake_timeout, 0.1, 300);
  section.duration("header_timeout_s", limits.header_timeout, 0.1, 300);
  section.duration("body_timeout_s", limits.body_timeout, 0.1, 3600);
  section.duration("idle_timeout_s", limits.idle_timeout, 0.1, 3600);
  section.count("requests_per_second_per_device", limits.requests_per_second_per_device, 1, 100000);
  section.count("samples_per_request", limits.samples_per_request, 1, 100000);
  section.count("download_kib_per_second", limits.download_kib_per_second, 0, 100000000);
  section.count("json_depth", limits.json_depth, 4, 64);
  section.count("enrol_attempts_per_minute", limits.enrol_attempts_per_minute, 1, 100000);
  section.count("device_events_per_hour", limits.device_events_per_hour, 0, 1000000);
  section.count("device_kib_per_hour", limits.device_kib_per_hour, 0, 100000000);
  section.finish();
}

// Where a listener listens.
void read_listen(const JsonNode* node, std::string_view path, std::string& address,
                 std::uint16_t& port, Report& report) {
  Section section(node, std::string(path), report);
  section.text("address", address, "an IPv4 or IPv6 address such as \"0.0.0.0\"", is_address);
  std::uint32_t number = port;
  section.count("port", number, 0, 65535);
  port = static_cast<std::uint16_t>(number);
  section.finish();
}

void read_server(const JsonNode* node, model::ConsoleSettings& settings, Report& report) {
  Section section(node, "server", report);
  section.count("threads", settings.threads, 1, 64);
  section.texts("names", "an array of host names or addresses", is_host,
                [&](const std::string& name) { settings.extra_names.push_back(name); });
  section.finish();
}

void read_action_keys(const JsonMember* member, model::ScreenSettings& screen, Report& report) {
  if (member == nullptr) return;
  std::map<std::string, std::string> taken;  // key -> its action
  for (const JsonMember& entry : member->value.members) {
    const std::string path = "screen.keys." + printable(entry.key, 63);
    const auto& actions = model::kActionNames;
    if (std::find(actions.begin(), actions.end(), entry.key) == actions.end()) {
      report.add(entry.place, path + " is no action; accepted: a name of config/README.md's list");
      continue;
    }
    const JsonNode& list = entry.value;
    if (list.kind != JsonNode::Kind::kArray || list.items.empty() || list.items.size() > 8) {
      report.add(list.place, path + " is " + list.described() +
                                 "; accepted: an array of 1 to 8 keys such as [\"u\", \"F2\"]");
      continue;
    }
    for (const JsonNode& key : list.items) {
      if (key.kind != JsonNode::Kind::kString || !model::is_key_name(key.text)) {
        report.add(key.place, path + " is " + key.described() +
                                  "; accepted: one sign, or a key such as \"F2\" or \"Ctrl-E\"");
        continue;
      }
      const auto [other, fresh] = taken.emplace(key.text, entry.key);
      if (fresh) {
        screen.keys[entry.key].push_back(key.text);
      } else {
        report.add(key.place,
                   path + ": \"" + key.text + "\" is a key of " + other->second + " already");
      }
    }
  }
}

void read_screen(const JsonNode* node, model::ScreenSettings& screen, Report& report) {
  Section section(node, "screen", report);
  section.texts(
      "hidden_columns",
      "an array of model, group, version, target, risk, cpu, mem, disk, temp, seen, gate",
      [](const std::string& column) {
        const auto& names = model::kColumnNames;
        return std::find(names.begin(), names.end(), column) != names.end();
      },
      [&](const std::string& column) { screen.hidden_columns.insert(column); });
  read_action_keys(section.object("keys", "an object of actions and arrays of keys"), screen,
                   report);
  section.finish();
}

std::string read_agent(Section& section, model::LocalAgent& agent) {
  section.required_text("id", agent.id, kDeviceIdWords, model::valid_device_id);
  section.required_text("dir", agent.dir, "a relative path without \"..\"", is_inner_path);
  return agent.id;
}

void read_ddi(const JsonNode* node, model::DdiSettings& ddi, Report& report) {
  Section section(node, "ddi", report);
  const JsonMember* listen = section.object("listen", "an object");
  ddi.on = listen != nullptr;
  if (enters(node, listen)) {
    read_listen(node_of(listen), "ddi.listen", ddi.listen_address, ddi.port, report);
  }
  section.text("public_url", ddi.public_url,
               "\"https://HOST\" or \"https://HOST:PORT\" (IPv6: \"https://[::1]:PORT\"), or \"\"",
               is_public_url);
  section.duration("poll_s", ddi.poll, 1, kDay - 1);
  section.duration("active_poll_s", ddi.active_poll, 1, 3600);
  section.text("version_attribute", ddi.version_attribute, kNameWords, is_name);
  section.duration("offer_deadline_s", ddi.offer_deadline, 1, 30 * kDay);
  section.duration("work_deadline_s", ddi.work_deadline, 1, 30 * kDay);
  section.duration("confirm_deadline_s", ddi.confirm_deadline, 1, 90 * kDay);
  section.count("connections_per_device", ddi.connections_per_device, 3, 1000);
  section.count("downloads_per_device", ddi.downloads_per_device, 1, 100);
  section.finish();
}

void read_console(const JsonNode* root, model::ConsoleSettings& settings, Report& report) {
  Section section(root, "", report);
  const JsonMember* listen = section.object("listen", "an object");
  if (enters(root, listen)) {
    read_listen(node_of(listen), "listen", settings.listen_address, settings.port, report);
  }
  const JsonMember* server = section.object("server", "an object");
  if (enters(root, server)) read_server(node_of(server), settings, report);
  const JsonMember* limits = section.object("limits", "an object");
  if (enters(root, limits)) read_limits(node_of(limits), settings.limits, report);

  const JsonMember* agents = section.array("agents", "an array of objects");
  read_elements(root, agents, "agents", settings.agents, report, read_agent);

  const JsonMember* store = section.object("store", "an object");
  if (enters(root, store)) {
    Section inner(node_of(store), "store", report);
    inner.text("url", settings.store_url, "\"sqlite:PATH\", PATH relative to the root",
               is_store_url);
    inner.finish();
  }
  const JsonMember* history = section.object("history", "an object");
  if (enters(root, history)) {
    Section inner(node_of(history), "history", report);
    inner.count("samples", settings.history_samples, 60, 86400);
    inner.duration("minutes_days", settings.minutes_kept, 0.04, 3650, std::chrono::hours(24));
    inner.duration("events_days", settings.events_kept, 1, 36500, std::chrono::hours(24));
    inner.count("events", settings.most_events, 1000, 1'000'000'000);
    inner.duration("jobs_days", settings.jobs_kept, 1, 36500, std::chrono::hours(24));
    inner.count("jobs", settings.most_jobs, 1000, 1'000'000'000);
    inner.finish();
  }
  const JsonMember* certificates = section.object("certificates", "an object");
  if (enters(root, certificates)) {
    Section inner(node_of(certificates), "certificates", report);
    inner.duration("lifetime_days", settings.certificate_lifetime, 0.0001, 3650,
                   std::chrono::hours(24));
    inner.finish();
  }
  const JsonMember* firmware = section.object("firmware", "an object");
  if (enters(root, firmware)) {
    Section inner(node_of(firmware), "firmware", report);
    std::string word(model::to_text(settings.serve_images));
    inner.text("by_model", word, "\"on\" or \"off\"",
               [](const std::string& text) { return model::parse_serve_images(text).has_value(); });
    settings.serve_images = *model::parse_serve_images(word);
    inner.finish();
  }
  const JsonMember* screen = section.object("screen", "an object");
  if (enters(root, screen)) read_screen(node_of(screen), settings.screen, report);
  const JsonMember* ddi = section.object("ddi", "an object");
  if (enters(root, ddi)) read_ddi(node_of(ddi), settings.ddi, report);
  section.finish();
}

// -- thresholds.json --

void read_thresholds(const JsonNode* root, model::Thresholds& limits, Report& report) {
  Section section(root, "", report);
  section.number("cpu_threshold", limits.cpu_threshold, 1, 100);
  section.number("mem_threshold", limits.mem_threshold, 1, 100);
  section.number("disk_threshold", limits.disk_threshold, 1, 100);
  section.number("temp_threshold", limits.temp_threshold, 1, 200);
  section.number("hysteresis", limits.hysteresis, 0, 50);
  section.number("watch_margin", limits.watch_margin, 0, 50);
  section.duration("raise_after_s", limits.raise_after, 0, 3600);
  section.duration("clear_after_s", limits.clear_after, 0, 3600);
  section.duration("stale_after_s", limits.stale_after, 0.1, 3600);
  section.count("min_samples", limits.min_samples, 1, 1000);
  section.number("anomaly_score_threshold", limits.anomaly_score_threshold, 0, 1);
  section.former("refractory_s");  // an incident ends by readings (src/anomaly/incident.h)
  section.duration("frozen_after_s", limits.frozen_after, 0.1, kDay);
  section.duration("block_escalate_after_s", limits.block_escalate_after, 1, 30 * kDay);
  section.finish();
}

// -- ota_settings.json --

void read_overrides(const JsonMember* member, std::map<std::string, model::Version>& overrides,
                    Report& report) {
  if (member == nullptr) return;
  for (const JsonMember& entry : member->value.members) {
    const std::string path = "model_overrides." + printable(entry.key, 63);
    if (!is_name(entry.key)) {
      report.add(entry.place, path + " is no hardware model; accepted: " + std::string(kNameWords));
    }
    auto version = model::Version::parse(
        entry.value.kind == JsonNode::Kind::kString ? std::string_view(entry.value.text) : "");
    if (version) {
      overrides.emplace(entry.key, *version);
    } else {
      report.add(entry.value.place, path + " is " + entry.value.described() +
                                        "; accepted: a version such as \"2.1.5\"");
    }
  }
}

void read_deadlines(const JsonNode* node, model::OtaSettings& settings, Report& report) {
  Section section(node, "deadlines", report);
  section.duration("queued_s", settings.queued_deadline, 0.1, 7 * kDay);
  section.duration("sent_s", settings.sent_deadline, 0.1, 7 * kDay);
  section.duration("download_s", settings.download_deadline, 0.1, 7 * kDay);
  section.duration("verify_s", settings.verify_deadline, 0.1, 7 * kDay);
  section.duration("install_s", settings.install_deadline, 0.1, 7 * kDay);
  section.duration("boot_s", settings.boot_deadline, 0.1, 7 * kDay);
  section.duration("confirm_s", settings.confirm_deadline, 0.1, 7 * kDay);
  section.finish();
}

std::string read_window(Section& section, model::MaintenanceWindow& window) {
  constexpr std::string_view kTimeWords = "a time of day in UTC such as \"02:30\"";
  const auto is_time = [](const std::string& text) {
    return model::parse_time_of_day(text).has_value();
  };
  section.required_text("name", window.name, kNameWords, is_name);
  section.texts("groups", "an array of groups; none for every device", is_name,
                [&](const std::string& group) { window.groups.push_back(group); });
  std::uint8_t days = 0;
  section.texts(
      "days", "an array of mon, tue, wed, thu, fri, sat, sun; none for every day",
      [](const std::string& day) { return model::parse_weekday(day).has_value(); },
      [&](const std::string& day) {
        days = static_cast<std::uint8_t>(days | *model::parse_weekday(day));
      });
  if (days != 0) window.days = days;
  std::string from = "00:00";
  std::string to = "00:00";
  section.required_text("from", from, kTimeWords, is_time);
  section.required_text("to", to, kTimeWords, is_time);
  window.opens = *model::parse_time_of_day(from);
  window.length = *model::parse_time_of_day(to) - window.opens;
  if (window.length <= model::minutes(0)) window.length += model::kWholeDay;
  return window.name;
}

// Groups or devices and what each of them may fetch in a day.
void read_budgets(const JsonMember* member, std::string_view key, std::string_view name_words,
                  bool (*is_one)(const std::string&),
                  std::map<std::string, std::uint64_t, std::less<>>& budgets, Report& report) {
  if (member == nullptr) return;
  for (const JsonMember& entry : member->value.members) {
    const std::string path = "data_budget." + std::string(key) + "." + printable(entry.key, 63);
    if (!is_one(entry.key))
      report.add(entry.place, path + ": the name; accepted: " + std::string(name_words));
    if (const auto bytes = whole_number(entry.value, 0, model::kMostBytesPerDay)) {
      budgets.emplace(entry.key, *bytes);
    } else {
      report.add(entry.value.place, path + " is " + entry.value.described() + "; accepted: " +
                                        whole_number_words(0, model::kMostBytesPerDay));
    }
  }
}

void read_data_budget(const JsonNode* node, model::DataBudget& budget, Report& report) {
  Section section(node, "data_budget", report);
  section.count("bytes_per_day", budget.bytes_per_day, 0, model::kMostBytesPerDay);
  read_budgets(section.object("groups", "an object of group and bytes a day"), "groups", kNameWords,
               is_name, budget.groups, report);
  read_budgets(
      section.object("devices", "an object of device and bytes a day"), "devices", kDeviceIdWords,
      [](const std::string& id) { return model::valid_device_id(id); }, budget.devices, report);
  section.finish();
}

void read_ota_settings(const JsonNode* root, model::OtaSettings& settings, Report& report) {
  Section section(root, "", report);
  section.version("target_version", settings.target_version);
  const JsonMember* overrides =
      section.object("model_overrides", "an object of hardware model and version");
  read_overrides(overrides, settings.model_overrides, report);
  section.duration("watch_period_s", settings.watch_period, 0, kDay);
  section.count("max_retries", settings.max_retries, 0, 10);
  const JsonMember* deadlines = section.object("deadlines", "an object");
  if (enters(root, deadlines)) read_deadlines(node_of(deadlines), settings, report);
  const JsonMember* windows = section.array("maintenance_windows", "an array of objects");
  read_elements(root, windows, "maintenance_windows", settings.maintenance_windows, report,
                read_window);
  const JsonMember* budget = section.object("data_budget", "an object");
  if (enters(root, budget)) read_data_budget(node_of(budget), settings.data_budget, report);
  const JsonMember* gate = section.object("gate", "an object");
  if (enters(root, gate)) {
    Section inner(node_of(gate), "gate", report);
    std::string word(model::to_text(settings.ddi_without_telemetry));
    inner.text("ddi_without_telemetry", word, "\"block\" or \"allow\"",
               [](const std::string& text) {
                 return model::parse_ddi_without_telemetry(text).has_value();
               });
    settings.ddi_without_telemetry = *model::parse_ddi_without_telemetry(word);
    inner.finish();
  }
  section.finish();
}

// -- devices.json --

std::string read_device(Section& section, model::DeviceSpec& spec) {
  section.required_text("id", spec.id, kDeviceIdWords, model::valid_device_id);
  section.required_text("hardware", spec.hardware, kNameWords, is_name);
  section.text("group", spec.group, kNameWords, is_name);
  section.text("notes", spec.notes, "at most 500 bytes of printable text", is_note);
  return spec.id;
}

void read_whitelist(const JsonNode* root, model::Whitelist& whitelist, Report& report) {
  Section section(root, "", report);
  const JsonMember* devices = section.required_array("devices", "an array of objects");
  read_elements(root, devices, "devices", whitelist.devices, report, read_device);
  section.finish();
}

template <class T>
Parsed<T> parse_file(std::string_view text, const std::string& file,
                     void (*read)(const JsonNode*, T&, Report&)) {
  const JsonTree tree = parse_tree(text, {.max_bytes = kMaxFileBytes, .max_depth = 8});
  Report report{.file = file, .problems = {}, .keys = {}};
  for (const SyntaxError& error : tree.errors)
    report.add(error.place, error.message);
  Parsed<T> parsed;
  if (tree.root && tree.root->kind != JsonNode::Kind::kObject) {
    report.add(tree.root->place,
               "the file holds " + tree.root->described() + "; accepted: an object");
  } else if (tree.root) {
    read(&*tree.root, parsed.value, report);
  }
  if (!report.problems.empty()) parsed.value = T{};
  std::stable_sort(report.problems.begin(), report.problems.end(),
                   [](const Problem& a, const Problem& b) {
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  if (report.problems.size() > kMostProblems) {
    const std::size_t more = report.problems.size() - kMostProblems;
    report.problems.resize(kMostProblems);
    report.add({report.problems.back().line, 1}, "and " + std::to_string(more) + " more problems");
  }
  parsed.problems = std::move(report.problems);
  return parsed;
}

template <class T>
void describe(std::string_view name, T values, void (*read)(const JsonNode*, T&, Report&),
              std::vector<KeyInfo>& keys) {
  Report report{.file = std::string(name), .problems = {}, .keys = {}};
  read(nullptr, values, report);
  keys.insert(keys.end(), report.keys.begin(), report.keys.end());
}

}  // namespace

Parsed<model::ConsoleSettings> parse_console(std::string_view text, const std::string& file) {
  return parse_file(text, file, read_console);
}

Parsed<model::Thresholds> parse_thresholds(std::string_view text, const std::string& file) {
  return parse_file(text, file, read_thresholds);
}

Parsed<model::OtaSettings> parse_ota_settings(std::string_view text, const std::string& file) {
  return parse_file(text, file, read_ota_settings);
}

Parsed<model::Whitelist> parse_whitelist(std::string_view text, const std::string& file) {
  return parse_file(text, file, read_whitelist);
}

std::vector<KeyInfo> describe_keys() {
  return describe_values({});
}

std::vector<KeyInfo> describe_values(const model::Settings& settings) {
  std::vector<KeyInfo> keys;
  describe("console.json", settings.console, read_console, keys);
  describe("thresholds.json", settings.thresholds, read_thresholds, keys);
  describe("devices.json", model::Whitelist{}, read_whitelist, keys);
  describe("ota_settings.json", settings.ota, read_ota_settings, keys);
  return keys;
}

}  // namespace ota::config

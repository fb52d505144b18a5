#include "config/edit_report.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace ota::config {
namespace {

// Nobody reads more of them in one line of the log.
constexpr std::size_t kMostTold = 8;

// The problems of each file in words: the first, and how many more.
std::map<std::string, std::string> by_file(const std::vector<Problem>& problems) {
  std::map<std::string, std::vector<std::string>> texts;
  for (const Problem& problem : problems)
    texts[problem.file].push_back(problem.text());
  std::map<std::string, std::string> out;
  for (const auto& [file, all] : texts) {
    out[file] = all.front();
    if (all.size() > 1) out[file] += " (and " + std::to_string(all.size() - 1) + " more)";
  }
  return out;
}

template <class Texts>
std::string joined(const Texts& texts) {
  std::string out;
  for (const std::string& text : texts)
    out += (out.empty() ? "" : " ") + text;
  return out;
}

using Values = std::map<std::string, std::string>;  // by key; a key that is not there has none

void compare(const std::string& file, const Values& before, const Values& after,
             std::vector<Edit>& edits) {
  for (const auto& [key, old] : before) {
    const auto found = after.find(key);
    const std::string now = found == after.end() ? std::string() : found->second;
    if (now != old) edits.push_back({file, key, old, now});
  }
  for (const auto& [key, now] : after) {
    if (!before.contains(key)) edits.push_back({file, key, {}, now});
  }
}

// Lists, by the name of each entry: what describe_values() does not look into.
Values lists_of(const model::ConsoleSettings& console) {
  Values out;
  if (console.ddi.on) out["ddi.listen"] = "given";
  if (!console.extra_names.empty()) out["server.names"] = joined(console.extra_names);
  for (const model::LocalAgent& agent : console.agents)
    out["agents[" + agent.id + "]"] = agent.dir;
  if (!console.screen.hidden_columns.empty())
    out["screen.hidden_columns"] = joined(console.screen.hidden_columns);
  for (const auto& [action, keys] : console.screen.keys)
    out["screen.keys." + action] = joined(keys);
  return out;
}

Values lists_of(const model::OtaSettings& ota) {
  Values out;
  for (const auto& [hardware, version] : ota.model_overrides)
    out["model_overrides." + hardware] = version.text();
  for (const auto& [group, bytes] : ota.data_budget.groups)
    out["data_budget.groups." + group] = std::to_string(bytes);
  for (const auto& [device, bytes] : ota.data_budget.devices)
    out["data_budget.devices." + device] = std::to_string(bytes);
  for (const model::MaintenanceWindow& window : ota.maintenance_windows) {
    std::string days;
    for (unsigned day = 0; day < 7; ++day)
      days += ((window.days >> day) & 1U) != 0 ? std::to_string(day + 1) : "-";
    out["maintenance_windows[" + window.name + "]"] =
        "days " + days + ", " + std::to_string(window.length.count()) + " minutes from minute " +
        std::to_string(window.opens.count()) +
        (window.groups.empty() ? "" : ", groups " + joined(window.groups));
  }
  return out;
}

std::string words_of(const model::DeviceSpec& spec) {
  return spec.hardware + ", group " + spec.group + (spec.notes.empty() ? "" : ", " + spec.notes);
}

// A long list: only what differs is put into words.
void compare(const model::Whitelist& before, const model::Whitelist& after,
             std::vector<Edit>& edits) {
  if (before == after) return;
  const std::string file = "config/" + std::string(kWhitelistFile);
  const auto key = [](const model::DeviceSpec& spec) { return "devices[" + spec.id + "]"; };
  std::unordered_map<std::string_view, const model::DeviceSpec*> old;
  old.reserve(before.devices.size());
  for (const model::DeviceSpec& spec : before.devices)
    old.emplace(spec.id, &spec);
  for (const model::DeviceSpec& spec : after.devices) {
    const auto found = old.find(spec.id);
    if (found == old.end()) {
      edits.push_back({file, key(spec), {}, words_of(spec)});
      continue;
    }
    if (!(*found->second == spec))
      edits.push_back({file, key(spec), words_of(*found->second), words_of(spec)});
    old.erase(found);
  }
  for (const model::DeviceSpec& spec : before.devices) {
    if (old.contains(spec.id)) edits.push_back({file, key(spec), words_of(spec), {}});
  }
}

std::string words_of(const Edit& edit) {
  const std::string where = edit.file + " " + edit.key;
  if (edit.before.empty()) return where + " is new: " + edit.after;
  if (edit.after.empty()) return where + " is gone, was: " + edit.before;
  return where + " from " + edit.before + " to " + edit.after;
}

std::string words_of(const std::vector<Edit>& edits) {
  if (edits.empty()) return "no value is another than before";
  std::string out;
  for (std::size_t i = 0; i < std::min(edits.size(), kMostTold); ++i)
    out += (out.empty() ? "" : "; ") + words_of(edits[i]);
  if (edits.size() > kMostTold) {
    out += "; and " + std::to_string(edits.size() - kMostTold) + " more";
  }
  return out;
}

}  // namespace

std::vector<Edit> edits_between(const model::Settings& before, const model::Settings& after) {
  std::vector<Edit> edits;
  const std::vector<KeyInfo> old = describe_values(before);
  const std::vector<KeyInfo> now = describe_values(after);
  for (std::size_t i = 0; i < std::min(old.size(), now.size()); ++i) {
    if (old[i].default_text == now[i].default_text) continue;
    edits.push_back(
        {"config/" + old[i].file, old[i].key, old[i].default_text, now[i].default_text});
  }
  compare("config/" + std::string(kConsoleFile), lists_of(before.console), lists_of(after.console),
          edits);
  compare("config/ota_settings.json", lists_of(before.ota), lists_of(after.ota), edits);
  compare(before.whitelist, after.whitelist, edits);
  return edits;
}

std::vector<EditLine> describe_edit(const Look& before, const Look& after) {
  std::vector<EditLine> lines;
  const auto known = by_file(before.problems);
  const auto bad = by_file(after.problems);
  std::string names;
  for (const auto& [file, text] : bad) {
    names += (names.empty() ? "" : ", ") + file;
    const auto told = known.find(file);
    if (told != known.end() && told->second == text) continue;
    std::string line = file;
    line += " is refused, and what it last held right stays in force: ";
    line += text;
    lines.push_back({EditLine::Kind::kRefused, std::move(line)});
  }
  const bool mended = bad.empty() && !known.empty();
  if (mended || !(*before.in_force == *after.in_force)) {
    lines.push_back({EditLine::Kind::kApplied,
                     "configuration applied" + (names.empty() ? "" : ", all but " + names) + ": " +
                         words_of(edits_between(*before.in_force, *after.in_force))});
  }
  return lines;
}

bool takes_a_start(const model::ConsoleSettings& before, const model::ConsoleSettings& after) {
  return before.listen_address != after.listen_address || before.port != after.port ||
         before.threads != after.threads || before.store_url != after.store_url ||
         before.extra_names != after.extra_names || before.ddi.on != after.ddi.on ||
         before.ddi.listen_address != after.ddi.listen_address || before.ddi.port != after.ddi.port;
}

}  // namespace ota::config

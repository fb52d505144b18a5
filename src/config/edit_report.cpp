#include "config/edit_report.h"

#include <map>
#include <utility>

namespace ota::config {
namespace {

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

}  // namespace

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
    lines.push_back({EditLine::Kind::kApplied, names.empty()
                                                   ? "configuration applied"
                                                   : "configuration applied, all but " + names});
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

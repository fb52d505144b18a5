#include "sim/storm_states.h"

#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "cli/api.h"
#include "model/job.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

std::optional<Json> document_of(const fs::path& file) {
  constexpr std::size_t kMost = 1U << 20;
  const auto text = read_file(file, kMost);
  if (!text) return std::nullopt;
  auto document = parse_json(*text);
  if (!document) return std::nullopt;
  return std::move(*document);
}

std::string version_in(const Json& document, const char* member) {
  return document.contains(member) ? cli::text_at(document[member], "version") : "";
}

bool has_part(const fs::path& slot) {
  std::error_code gone;
  for (fs::directory_iterator entry(slot, gone), end; !gone && entry != end;
       entry.increment(gone)) {
    if (entry->path().extension() == ".part") return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> server_states() {
  std::vector<std::string> out;
  for (const auto& [state, word] : model::kJobStateWords) {
    if (!model::is_final(state)) out.emplace_back(word);
  }
  return out;
}

std::vector<std::string> agent_states() {
  return {"asked", "partial-download", "written", "switched", "trial-boot", "confirmed"};
}

std::string agent_state(const fs::path& folder, const model::Version& version) {
  const auto states = agent_states();
  const auto ledger = document_of(folder / "state" / "update.json");
  if (!ledger) return states[0];
  if (version_in(*ledger, "confirmed") == version.text())
    return (*ledger)["outbox"].empty() && !ledger->contains("job") ? kOver : states[5];
  std::error_code none;
  const fs::path current = fs::read_symlink(folder / "slots" / "current", none);
  if (none) return states[0];
  const auto held = [&](const fs::path& slot) {
    const auto record = document_of(folder / "slots" / slot / "version.json");
    return record && cli::text_at(*record, "version") == version.text();
  };
  if (held(current)) {
    const bool booted = ledger->contains("trial") && cli::count_at((*ledger)["trial"], "boots") > 0;
    return booted ? states[4] : states[3];
  }
  const fs::path spare = current == "a" ? "b" : "a";
  if (held(spare)) return states[2];
  return has_part(folder / "slots" / spare) ? states[1] : states[0];
}

}  // namespace ota::sim

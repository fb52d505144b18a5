#include "sim/storm_states.h"

#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "cli/api.h"
#include "model/job.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAsked = "asked";  // and nothing of it is there yet

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

// How much of the job's image is there; nothing where its file is not.
std::optional<std::uint64_t> part_size(const fs::path& slot, const std::string& sha256) {
  std::error_code gone;
  const auto size = fs::file_size(slot / (sha256 + ".part"), gone);
  if (gone) return std::nullopt;
  return size;
}

// Where the image of `job` is on its way into `slot`.
std::string fetch_state(const Json& job, const fs::path& slot) {
  const Json& release = job["release"];
  const auto there = part_size(slot, cli::text_at(release, "sha256"));
  if (cli::text_at(job, "patch").empty()) return there ? "partial-download" : kAsked;
  if (!there || *there == 0) return "patch-begun";
  return *there < cli::count_at(release, "length") ? "patch-partial" : "patch-whole";
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
  return {kAsked,    "patch-begun", "patch-partial", "patch-whole", "partial-download",
          "written", "switched",    "trial-boot",    "confirmed"};
}

bool is_patch_state(std::string_view state) {
  return state.starts_with("patch-");
}

std::string agent_state(const fs::path& folder, const model::Version& version) {
  const auto ledger = document_of(folder / "state" / "update.json");
  if (!ledger) return kAsked;
  if (version_in(*ledger, "confirmed") == version.text())
    return (*ledger)["outbox"].empty() && !ledger->contains("job") ? kOver : "confirmed";
  std::error_code none;
  const fs::path current = fs::read_symlink(folder / "slots" / "current", none);
  if (none) return kAsked;
  const auto held = [&](const fs::path& slot) {
    const auto record = document_of(folder / "slots" / slot / "version.json");
    return record && cli::text_at(*record, "version") == version.text();
  };
  if (held(current)) {
    const bool booted = ledger->contains("trial") && cli::count_at((*ledger)["trial"], "boots") > 0;
    return booted ? "trial-boot" : "switched";
  }
  const fs::path spare = current == "a" ? "b" : "a";
  if (held(spare)) return "written";
  const auto job = ledger->find("job");
  if (job == ledger->end() || version_in((*job), "release") != version.text()) return kAsked;
  return fetch_state(*job, folder / "slots" / spare);
}

}  // namespace ota::sim

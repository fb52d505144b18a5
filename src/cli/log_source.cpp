#include "cli/log_source.h"

#include "audit/log_key.h"
#include "base/file.h"
#include "cli/local_store.h"
#include "store/log_import.h"
#include "store/log_signer.h"
#include "store/log_verify.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxNote = 65536;
constexpr seconds kPatience{60};

}  // namespace

Result<LogSource> LogSource::open(Context& context) {
  LogSource source(context);
  if (!context.arguments.has("--offline")) return source;
  auto store = open_local_store(context);
  if (!store) return store.error();
  source.store_ = std::move(*store);
  return source;
}

Result<std::string> LogSource::checkpoint() {
  if (!store_) return context_->api.get_text("/v1/audit/checkpoint", kPatience);
  return read_file(context_->root / "state" / store::kCheckpointFile, kMaxNote);
}

// The one that this root has, where it has one: a server cannot then speak for another log.
Result<audit::NoteVerifier> LogSource::verifier() {
  auto own = audit::read_log_verifier(context_->root / "state" / audit::kLogVerifierFile);
  if (own || store_ || own.error().code != Errc::kNotFound) return own;
  auto text = context_->api.get_text("/v1/audit/vkey", kPatience);
  if (!text) return text.error();
  while (text->ends_with('\n'))
    text->pop_back();
  return audit::NoteVerifier::parse(*text);
}

Result<std::string> LogSource::file(const audit::TilePath& path) {
  if (!store_) return context_->api.get_text("/v1/audit/" + path.text(), kPatience);
  return path.level ? store::tile_bytes(*store_, path) : store::bundle_bytes(*store_, path);
}

audit::TreeReader LogSource::tree(std::uint64_t size) {
  return audit::TreeReader(
      size, [this](unsigned level, std::uint64_t n, std::uint64_t width) -> Result<audit::Hashes> {
        const auto bytes = file({level, n, width});
        if (!bytes) return bytes.error();
        return audit::hashes_of(*bytes);
      });
}

Result<Json> LogSource::imports() {
  if (store_) {
    const auto imports = store::imports_of(*store_);
    if (!imports) return imports.error();
    return store::imports_json(*imports);
  }
  auto answer = context_->api.get("/v1/audit/imports", kPatience);
  if (!answer) return answer.error();
  return list_at(*answer, "imports");
}

Result<std::vector<store::LogEntry>> LogSource::closed_entries(std::uint64_t log,
                                                               std::uint64_t after) {
  constexpr std::size_t kPage = 128;
  if (store_) return store_->closed_entries(log, after, kPage);
  const auto answer = context_->api.get(
      "/v1/audit/closed/" + std::to_string(log) + "/" + std::to_string(after), kPatience);
  if (!answer) return answer.error();
  std::vector<store::LogEntry> out;
  for (const Json& entry : list_at(*answer, "entries"))
    out.push_back({count_at(entry, "seq"), text_at(entry, "document")});
  return out;
}

}  // namespace ota::cli

#include "store/log_signer.h"

#include <vector>

#include "audit/log_key.h"
#include "audit/tile_tree.h"
#include "base/beneath.h"
#include "base/file.h"
#include "base/json.h"
#include "store/log_verify.h"
#include "store/state_file.h"

namespace ota::store {
namespace {

constexpr std::size_t kMaxNote = 65536;

// The note that the store has; empty: none.
Result<std::string> stored_note(Store& store) {
  const auto document = store.get(std::string(kCheckpointCollection), std::string(kCheckpointKey));
  if (!document) return document.error();
  if (!*document) return std::string();
  const auto json = parse_json(**document);
  if (!json) return json.error().within("meta/audit-checkpoint");
  return json->is_object() ? json->value("note", std::string()) : std::string();
}

// Of the last tile while it is not full, in base64: by them the verification names an event there.
Result<std::string> unfinished_tile(Store& store, std::uint64_t size) {
  const std::uint64_t n = size / audit::kTileWidth;
  const std::uint64_t width = audit::tile_width(size, 0, n);
  const auto hashes = width > 0 ? store.tile(0, n, width) : Result<audit::Hashes>(audit::Hashes());
  if (!hashes) return hashes.error();
  return audit::to_base64(as_bytes(audit::to_bytes(*hashes)));
}

std::string size_of(const std::string& note) {
  const auto checkpoint = audit::Checkpoint::parse(note);
  if (!checkpoint) return "a checkpoint that cannot be read";
  return checkpoint->origin + " until event " + std::to_string(checkpoint->size) + " (root " +
         to_hex(checkpoint->root).substr(0, 16) + "...)";
}

}  // namespace

Result<audit::Checkpoint> read_checkpoint(const std::filesystem::path& state) {
  const auto note = read_beneath(state, kCheckpointFile, kMaxNote);
  if (!note) return note.error();
  const auto verifier = audit::read_log_verifier(state / audit::kLogVerifierFile);
  if (!verifier) return verifier.error();
  auto checkpoint = audit::open_checkpoint(*note, *verifier);
  if (!checkpoint) return checkpoint.error().within(std::string(kCheckpointFile));
  return checkpoint;
}

// The file and the store each may have been put back by somebody: the log must go on from both.
Result<LogStanding> LogSigner::look() {
  std::vector<std::string> notes;
  const auto file = read_beneath(state_, kCheckpointFile, kMaxNote);
  if (file) {
    notes.push_back(*file);
  } else if (file.error().code != Errc::kNotFound) {
    return file.error();
  }
  auto stored = stored_note(store_);
  if (!stored) return stored.error();
  if (!stored->empty()) notes.push_back(std::move(*stored));
  LogStanding standing;
  for (const std::string& note : notes) {
    const auto checkpoint = audit::open_checkpoint(note, signer_.verifier());
    if (!checkpoint) {
      if (standing.kind == LogStanding::Kind::kUnsigned)
        standing = {LogStanding::Kind::kForeign, size_of(note)};
      continue;
    }
    auto broken = what_breaks(store_, *checkpoint);
    if (!broken) return broken.error();
    if (*broken) {
      broken_ = true;
      return LogStanding{LogStanding::Kind::kBroken, std::move(**broken)};
    }
    if (!last_ || checkpoint->size > last_->size) last_ = *checkpoint;
    standing = {LogStanding::Kind::kFollows, {}};
  }
  return standing;
}

Result<void> LogSigner::sign() {
  const std::uint64_t size = store_.last_event();
  if (broken_ || size == 0 || (last_ && last_->size == size)) return {};
  if (last_) {
    const auto broken = what_breaks(store_, *last_);
    if (!broken) return broken.error();
    if (*broken) {
      broken_ = true;
      return fail(Errc::kConflict, **broken);
    }
  }
  const auto root = tree_of(store_, size).root();
  if (!root) return root.error();
  const audit::Checkpoint checkpoint{origin(), size, *root};
  const auto note = audit::sign_checkpoint(checkpoint, signer_);
  if (!note) return note.error();
  const auto leaves = unfinished_tile(store_, size);
  if (!leaves) return leaves.error();
  // The file first: the store's copy is for those who have the database alone.
  if (auto written = write_file_durably(state_ / kCheckpointFile, *note, 0600); !written)
    return written;
  store_.commit({.puts = {{std::string(kCheckpointCollection), std::string(kCheckpointKey),
                           dump_json({{"note", *note}, {"leaves", *leaves}})}}},
                {});
  last_ = checkpoint;
  return {};
}

Result<void> LogSigner::sign_if_due(MonoTime now) {
  if (signed_at_ && now - *signed_at_ < kSignEvery) return {};
  if (last_ && last_->size == store_.last_event()) return {};
  signed_at_ = now;
  return sign();
}

}  // namespace ota::store

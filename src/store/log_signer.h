// Signs the log's head: the checkpoint (audit/checkpoint.h) says how many events there are and
// which root their tree has, and so shows a log that was cut or rewritten.
//
// It lies in state/audit-checkpoint and, so that a copy of the database has one too, in the store
// (meta / audit-checkpoint). Before each signature the log is held against the last one: a head
// that does not go on from it is never signed, and the log stays unsigned until an operator sees to
// it. What happened since the last signature can be cut off unseen, and whoever has the log's key
// can sign anything: copies of the file, kept elsewhere, show more (`otactl audit verify --head`).
//
// Thread: one; blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "audit/checkpoint.h"
#include "audit/note.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace ota::store {

inline constexpr std::string_view kCheckpointFile = "audit-checkpoint";  // in state/

// The last checkpoint in this state/, opened with the key beside it. kNotFound where there is none.
Result<audit::Checkpoint> read_checkpoint(const std::filesystem::path& state);

// How the log stands to what was signed of it last.
struct LogStanding {
  enum class Kind : std::uint8_t {
    kUnsigned,  // nothing was
    kFollows,
    kForeign,  // it was signed with another key
    kBroken,   // it does not go on from there
  };
  Kind kind = Kind::kUnsigned;
  std::string what;  // of the last two, a sentence
};

class LogSigner {
 public:
  // No two signatures are closer than this. Each costs a commit and a file's fsync.
  static constexpr milliseconds kSignEvery{1000};

  // `store` outlives it.
  LogSigner(std::filesystem::path state, Store& store, audit::NoteSigner signer)
      : state_(std::move(state)), store_(store), signer_(std::move(signer)) {}

  // At the start, before anything is signed. A log that is broken is not signed from here on.
  Result<LogStanding> look();
  // Signs the log as it is on disk, unless it is signed already. kConflict where it does not go on
  // from what was signed before: then this is the last try.
  Result<void> sign();
  // The same, but at most once in kSignEvery; `now` is monotonic.
  Result<void> sign_if_due(MonoTime now);
  const std::string& origin() const { return signer_.verifier().name(); }

 private:
  std::filesystem::path state_;
  Store& store_;
  audit::NoteSigner signer_;
  std::optional<audit::Checkpoint> last_;
  bool broken_ = false;
  std::optional<MonoTime> signed_at_;
};

}  // namespace ota::store

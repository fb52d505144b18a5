// A log's signed head (c2sp.org/tlog-checkpoint): whose log, how many entries, which root.
//
//   ota.3f2a9c0d41b8e657
//   4318
//   fR1cAAUqom/Xajj7h2fB2MPA3j2jxq2ICsUYapGGPo4=
//
// and a proof that anyone can check without the log (c2sp.org/tlog-proof): an entry's number, the
// hashes that lead from it to the root, the checkpoint that signs the root. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/merkle.h"
#include "audit/note.h"
#include "base/result.h"

namespace ota::audit {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};

  std::string text() const;
  // kInvalid where it is of another form. Extension lines are passed over.
  static Result<Checkpoint> parse(std::string_view text);
  bool operator==(const Checkpoint&) const = default;
};

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& signer);
// A checkpoint that this key signed, of the log that has its name. Errors of open_note and parse.
Result<Checkpoint> open_checkpoint(std::string_view note, const NoteVerifier& verifier);

struct EntryProof {
  std::uint64_t index = 0;  // from 0
  Hashes hashes;            // from the entry's sibling up
  std::string checkpoint;   // a signed note
  std::string extra{};      // nothing vouches for it; ours is the entry itself

  std::string text() const;
  static Result<EntryProof> parse(std::string_view text);
};

// That the entry is in the log whose key this is, at the proof's place; gives the checkpoint that
// says so.
Result<Checkpoint> verify_entry(const EntryProof& proof, std::string_view entry,
                                const NoteVerifier& verifier);

}  // namespace ota::audit

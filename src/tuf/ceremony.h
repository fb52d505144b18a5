// Keys that are not on the server: making them, moving them out, changing who holds a role, and
// collecting signatures from machines without a network.
//
//   rotate / add while keys are away  ->  draft  ->  request file  ->  (elsewhere, signer.h) read,
//   sign
//     ->  signature file  ->  submit  ->  once the threshold is reached: published
//
// Each step that changes something, or fails, is written into the journal (journal.h).
// What may be published when is change.h's: until then the last good repository stays in place.
// Thread: one; calls block on files and take the repository's lock.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tuf/key.h"

namespace ota::tuf {

// New keys for a role: `keys` of them, of which `threshold` must sign. 1 <= threshold <= keys
// <= 16.
struct RoleChange {
  std::string role;  // "root", "targets", "snapshot", "timestamp", "director", or a model's role
  unsigned threshold = 1;
  unsigned keys = 1;
};

struct PendingRole {
  std::string role;  // "root", "targets" or a model's role
  std::uint64_t version = 0;
  unsigned signatures = 0;  // that count for the role as it will be
  unsigned threshold = 0;
  std::vector<std::string> words;  // what would be signed, a line for each fact
  std::string sha256;              // of the very bytes that would be signed
};

// What became of a step: published roles, or what is still waited for. One sentence each, fit for
// the audit log.
using Outcome = std::vector<std::string>;

// Gives the passphrase for a key file; an Error ends the ceremony before anything is moved.
using PassphraseSource = std::function<Result<std::string>(const std::string& file_name)>;

class Ceremony {
 public:
  // kNotFound where there is no repository.
  static Result<Ceremony> open(const std::filesystem::path& firmware,
                               const std::filesystem::path& keys, const Clock& clock);

  // Replaces all keys of these roles by new ones in the key store (each with mode 0600) and signs
  // what the keys at hand can sign. The models' roles that the targets keys sign go with these.
  // With enough old keys online it is published at once.
  Result<Outcome> rotate(const std::vector<RoleChange>& changes);
  // Moves the keys of root, targets and models' roles into `folder` as ROLE-N.pem, PKCS#8 encrypted
  // with their passphrases (at least 8 bytes each). Each file is read back and must sign before its
  // key is erased from the server. kExists where a file of that name is there.
  Result<Outcome> take_offline(const std::filesystem::path& folder,
                               const PassphraseSource& passphrase);

  Result<std::vector<PendingRole>> pending() const;
  // The file to carry to a signer. kNotFound where nothing waits for that role.
  Result<std::string> request(std::string_view role) const;
  // Takes a signature file in. kSignatures where its key is not of the role or it does not verify,
  // kConflict where it is for another draft than the one that waits.
  Result<Outcome> submit(std::string_view signature_file);
  Result<Outcome> discard(std::string_view role);
  // Signs the draft with this digest (PendingRole::sha256) and submits it: request, sign and submit
  // where key and server are on one machine; what is in force is then the server's own word, and
  // key and passphrase pass through its memory: prefer signer.h on another machine. kConflict where
  // the draft is another by now than the one that was read. A signer that could not be opened is an
  // error to be recorded like any other.
  Result<Outcome> sign(const std::string& role, const std::string& sha256,
                       const Result<Signer>& signer);

 private:
  // Writes into the journal (journal.h) what became of a step.
  Result<Outcome> recorded(const char* step, Result<Outcome> outcome) const;
  Result<Outcome> do_rotate(const std::vector<RoleChange>& changes);
  Result<Outcome> do_take_offline(const std::filesystem::path& folder,
                                  const PassphraseSource& passphrase);
  Result<Outcome> do_submit(std::string_view signature_file);
  Result<Outcome> do_discard(std::string_view role);
  Result<Outcome> do_sign(const std::string& role, const std::string& sha256,
                          const Result<Signer>& signer);
  Ceremony(std::filesystem::path firmware, std::filesystem::path keys, const Clock& clock)
      : firmware_(std::move(firmware)), keys_(std::move(keys)), clock_(&clock) {}

  std::filesystem::path firmware_;
  std::filesystem::path keys_;
  const Clock* clock_;
};

}  // namespace ota::tuf

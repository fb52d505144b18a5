// The signed end of the chain of events, which shows a chain that was cut.
//
// The chain alone cannot: without its last events it still holds. So the server signs the number
// and the hash of the last committed event with the authority's key, once a minute while there are
// new ones and at its end, and keeps that in state/audit-head.json:
//
//   {"at":"2026-08-20T14:03:22Z","hash":"7d1c…","seq":4318,"signature":"MEUC…","version":1}
//
// The signature (ECDSA P-256 with SHA-256, base64url of the DER form) is over signed_text(). Events
// younger than the last signature can be cut unseen, and whoever holds the authority's key can sign
// anything: who needs more keeps copies of the file elsewhere and gives them to `otactl audit
// verify
// --head`. Thread: one; the keeper blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace ota::store {

inline constexpr std::string_view kAuditHeadFile = "audit-head.json";  // in state/

struct AuditHead {
  std::uint64_t seq = 0;
  std::string hash;
  WallTime at;
  std::string signature;

  std::string document() const;
  // kInvalid where it is of another form.
  static Result<AuditHead> parse(std::string_view document);
};

// What is signed: a line that no certificate can begin with, then the members.
std::string signed_text(const AuditHead& head);

using SignText = std::function<Result<std::string>(std::string_view text)>;
using CheckSignature = std::function<bool(std::string_view text, std::string_view signature)>;

struct AuditReport {
  std::uint64_t events = 0;
  std::string head;                 // hash of the last event
  std::optional<ChainFault> fault;  // the first one
  std::uint64_t signed_until = 0;   // the signed head's event
  WallTime signed_at;
};

// {"ok":true,"events":…,"head":…,"signed_until":…,"signed_at":…}, or {"ok":false,"seq":…,"what":…}.
Json audit_json(const AuditReport& report);

// Walks the whole chain as stored and holds it against a signed head: an edit, a gap, a swap, a cut
// at the end, and a cut of the past that the chain itself records.
Result<AuditReport> verify_audit(Store& store, const Result<AuditHead>& head,
                                 const CheckSignature& good);

// kNotFound where there is none.
Result<AuditHead> read_audit_head(const std::filesystem::path& file);

class AuditKeeper {
 public:
  // `store` outlives it.
  AuditKeeper(std::filesystem::path file, Store& store, SignText sign, CheckSignature good)
      : file_(std::move(file)), store_(store), sign_(std::move(sign)), good_(std::move(good)) {}

  // At the start, before anything is signed: what is wrong between the chain and its signed head,
  // in a sentence; none where the one goes on from the other. kNotFound: there is no signed head.
  Result<std::optional<std::string>> check() const;
  // Signs the last committed event, unless that is signed already.
  Result<void> sign(WallTime now);

 private:
  std::filesystem::path file_;
  Store& store_;
  SignText sign_;
  CheckSignature good_;
  std::string signed_hash_;
};

}  // namespace ota::store

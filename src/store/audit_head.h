// The signed end of the chain that programs before the log's tree wrote, as they left it:
//
//   {"at":"2026-08-20T14:03:22Z","hash":"7d1c…","seq":4318,"signature":"MEUC…","version":1}
//
// in state/audit-head.json. None is written any more; it is read once, where a state of theirs is
// opened first, and whenever somebody holds the log against a copy that was kept
// (`otactl audit verify --head`). The signature (ECDSA P-256 with SHA-256, base64url of the DER
// form) is the authority's, over signed_text(). Blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace ota::store {

inline constexpr std::string_view kAuditHeadFile = "audit-head.json";  // in state/

struct AuditHead {
  std::uint64_t seq = 0;
  std::string hash;
  WallTime at;
  std::string signature;

  // kInvalid where it is of another form.
  static Result<AuditHead> parse(std::string_view document);
};

// What is signed: a line that no certificate can begin with, then the members.
std::string signed_text(const AuditHead& head);

using CheckSignature = std::function<bool(std::string_view text, std::string_view signature)>;

// kNotFound where there is none.
Result<AuditHead> read_audit_head(const std::filesystem::path& file);

// What is wrong between the log and this head, in a sentence; none: the event that was signed is
// there as it was. One that left by its age since is not asked for.
Result<std::optional<std::string>> what_breaks(Store& store, const AuditHead& head,
                                               const CheckSignature& good);

// The last event of the chain, which is the log's beginning; none: this log has no chain. Reads a
// few dozen events of however many.
struct ChainEnd {
  std::uint64_t seq = 0;
  std::string hash;
};
Result<std::optional<ChainEnd>> find_chain_end(Store& store);

}  // namespace ota::store

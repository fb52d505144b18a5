// Is the log what it was when it was signed: no event edited, dropped, put in, moved or cut off?
//
// Each stored event is held against its hash in the tree's tiles, and the tiles against the root
// that a checkpoint signs, so that what is wrong is named by its number wherever the tiles are as
// they were, and found in any case. Events of before the tree are also walked along their chain.
// Events that left by age or number are missing rightly where the log itself says so. Blocks on
// the store; thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audit/checkpoint.h"
#include "audit/tile_path.h"
#include "audit/tile_tree.h"
#include "base/json.h"
#include "base/result.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace ota::store {

struct LogReport {
  std::uint64_t events = 0;        // of the log
  std::uint64_t first = 1;         // the first that is still stored
  std::uint64_t signed_until = 0;  // the checkpoint's
  std::string root;                // of the whole log, hex
  std::string origin;
  std::optional<ChainFault> fault;  // the first one
};

// {"ok":true,"events":…,"first":…,"head":…,"signed_until":…,"origin":…}, or
// {"ok":false,"seq":…,"what":…}.
Json log_json(const LogReport& report);

// `signed_head`: the last checkpoint, opened with the log's key; an error says why there is none.
// A log without one does not verify: its end could be cut off unseen.
Result<LogReport> verify_log(Store& store, const Result<audit::Checkpoint>& signed_head);

// The log's tree as tiles, for roots and proofs of its first `size` events.
audit::TreeReader tree_of(Store& store, std::uint64_t size);

// A tile's hashes, and the entries of one, as bytes (audit/tile_path.h): as wide as the path says.
// kNotFound where the log has not so many, or the entries have left.
Result<std::string> tile_bytes(Store& store, const audit::TilePath& path);
Result<std::string> bundle_bytes(Store& store, const audit::TilePath& path);

// What is wrong between the log and this checkpoint of it, in a sentence; none: the log goes on
// from there, with its root at its size.
Result<std::optional<std::string>> what_breaks(Store& store, const audit::Checkpoint& older);

}  // namespace ota::store

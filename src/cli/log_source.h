// The log of events as files (audit/tile_path.h), from the server or (with --offline) from the
// database itself. Blocks; thread: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "audit/checkpoint.h"
#include "audit/note.h"
#include "audit/tile_path.h"
#include "audit/tile_tree.h"
#include "cli/context.h"
#include "store/store.h"

namespace ota::cli {

class LogSource {
 public:
  static Result<LogSource> open(Context& context);

  // The last checkpoint as it was signed, and what verifies it.
  Result<std::string> checkpoint();
  Result<audit::NoteVerifier> verifier();
  // A tile or a bundle of entries. kNotFound where the log has not so many, or they have left.
  Result<std::string> file(const audit::TilePath& path);
  audit::TreeReader tree(std::uint64_t size);
  // Imports of a state as store::imports_json tells them, and the entries of one's log behind
  // `after`, in order; none: that was the last.
  Result<Json> imports();
  Result<std::vector<store::LogEntry>> closed_entries(std::uint64_t log, std::uint64_t after);

 private:
  explicit LogSource(Context& context) : context_(&context) {}
  Context* context_;
  std::shared_ptr<store::Store> store_;  // none: the server is asked
};

}  // namespace ota::cli

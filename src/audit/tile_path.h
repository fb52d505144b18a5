// Where a log's files lie, below its address or in a folder (c2sp.org/tlog-tiles):
//
//   checkpoint
//   tile/0/x001/x234/067          a full tile: level 0, number 1234067
//   tile/1/003.p/17               one that has 17 hashes so far
//   tile/entries/000              the entries of tile 0: each its length (two bytes, the high one
//                                 first) and its bytes
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ota::audit {

inline constexpr std::size_t kMaxEntryBytes = 60 * 1024;  // two bytes of length allow 65,535

struct TilePath {
  std::optional<unsigned> level;  // none: the entries
  std::uint64_t n = 0;
  std::uint64_t width = 0;  // 256: full

  std::string text() const;  // "tile/0/000"
  // kInvalid for anything but what text() gives.
  static Result<TilePath> parse(std::string_view text);
  bool operator==(const TilePath&) const = default;
};

// kLimit where the entry is longer than kMaxEntryBytes.
Result<void> append_entry(std::string& bundle, std::string_view entry);
// kInvalid where it is no bundle.
Result<std::vector<std::string>> entries_of(std::string_view bundle);

}  // namespace ota::audit

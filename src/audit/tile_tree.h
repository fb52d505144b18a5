// The tree of a log as tiles (c2sp.org/tlog-tiles): rows of up to 256 hashes, of which level 0 has
// the entries' and each level above the roots of 256 of the level below.
//
//   level 1   [ root of tile 0 | root of tile 1 | ...            <- 256 hashes stand for 65,536
//   level 0   [ 256 leaves ] [ 256 leaves ] [ 17 leaves          <- the last one is unfinished
//
// From them any root and any proof is made with few reads. `TreeEdge` is the right end, to which
// entries are added; `TreeReader` asks for tiles. Thread: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "audit/merkle.h"
#include "base/result.h"

namespace ota::audit {

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;  // 256 = 2 to the 8
inline constexpr unsigned kMostLevels = 8;  // 256 to the 8 is more than any number of events

// How many hashes tile `n` of `level` has in a tree of `size` entries; 0: it has none such.
std::uint64_t tile_width(std::uint64_t size, unsigned level, std::uint64_t n);

struct Tile {
  unsigned level = 0;
  std::uint64_t n = 0;
  Hashes hashes;
};

class TreeEdge {
 public:
  TreeEdge() = default;
  // `unfinished[level]` are the hashes of that level's last tile where it is not full. kInvalid
  // where their numbers are not those of a tree of `size` entries.
  static Result<TreeEdge> of(std::uint64_t size, std::vector<Hashes> unfinished);

  // Adds an entry; appends to `changed` each tile of level 1 and above that grew, and the tile of
  // level 0 where it became full.
  void append(const Hash& leaf, std::vector<Tile>& changed);
  std::uint64_t size() const { return size_; }
  Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hashes> unfinished_;
};

// Gives `width` hashes from the beginning of a tile; fewer are an error of whoever keeps them.
using ReadTile =
    std::function<Result<Hashes>(unsigned level, std::uint64_t n, std::uint64_t width)>;

// A tree of a certain size, read from its tiles, each at most once. Errors are those of the reading
// function, and kInvalid where a tile is not as wide as it must be.
class TreeReader {
 public:
  TreeReader(std::uint64_t size, ReadTile read) : size_(size), read_(std::move(read)) {}

  std::uint64_t size() const { return size_; }
  Result<Hash> root();
  // Of its first `size` entries, which are not more than it has.
  Result<Hash> root_at(std::uint64_t size);
  // That entry `index` is in it; kInvalid where there is none.
  Result<Hashes> inclusion(std::uint64_t index);
  // That it begins with the tree of `old_size` entries, from 1.
  Result<Hashes> consistency(std::uint64_t old_size);

 private:
  // Of the entries in [begin, end), where RFC 6962 has one.
  Result<Hash> node(std::uint64_t begin, std::uint64_t end);
  Result<Hash> whole_node(unsigned height, std::uint64_t n);
  Result<const Hashes*> tile(unsigned level, std::uint64_t n);

  std::uint64_t size_;
  ReadTile read_;
  std::map<std::pair<unsigned, std::uint64_t>, Hashes> read_tiles_;
};

}  // namespace ota::audit

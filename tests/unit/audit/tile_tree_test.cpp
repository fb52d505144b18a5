#include "audit/tile_tree.h"

#include <map>

#include "tests/support/catch.h"
#include "tests/unit/audit/vectors.h"

using namespace ota;
using namespace ota::audit;

namespace {

// A log of "entry 0", "entry 1", ... with the tiles that its edge gave.
struct SmallLog {
  TreeEdge edge;
  Hashes leaves;
  std::map<std::pair<unsigned, std::uint64_t>, Hashes> tiles;

  void grow_to(std::uint64_t size) {
    while (edge.size() < size) {
      leaves.push_back(leaf_hash("entry " + std::to_string(edge.size())));
      std::vector<Tile> changed;
      edge.append(leaves.back(), changed);
      for (Tile& tile : changed)
        tiles[{tile.level, tile.n}] = std::move(tile.hashes);
    }
  }

  TreeReader reader() { return reader_at(edge.size()); }
  TreeReader reader_at(std::uint64_t size) {
    return TreeReader(size, [this](unsigned level, std::uint64_t n, std::uint64_t width) {
      return read(level, n, width);
    });
  }
  Result<Hashes> read(unsigned level, std::uint64_t n, std::uint64_t width) {
    Hashes found = tiles[{level, n}];
    if (level == 0 && found.empty()) {
      const auto from = leaves.begin() + static_cast<std::ptrdiff_t>(n * kTileWidth);
      found.assign(from, leaves.end());
    }
    found.resize(std::min<std::size_t>(found.size(), width));
    return found;
  }
};

}  // namespace

TEST_CASE("a log's root is what Go's tlog computes, at every size", "[audit]") {
  SmallLog log;
  const Json vectors =
      test::audit_vectors("note.json").at("roots of \"entry 0\", \"entry 1\", ...");
  CHECK(vectors.size() == 14);
  for (const Json& vector : vectors) {
    log.grow_to(vector.at("size"));
    INFO(vector.dump());
    const Hash root = test::hash_in(vector.at("root"));
    CHECK(log.edge.root() == root);
    CHECK(log.reader().root().value() == root);
  }
  // And of every size that is gone by, out of the tiles of the last.
  for (const Json& vector : vectors)
    CHECK(log.reader().root_at(vector.at("size")).value() == test::hash_in(vector.at("root")));
}

TEST_CASE("every entry's proof leads to the root, and to no other place", "[audit]") {
  SmallLog log;
  for (const std::uint64_t size : {1U, 2U, 3U, 8U, 255U, 256U, 257U, 600U}) {
    log.grow_to(size);
    TreeReader reader = log.reader();
    const Hash root = log.edge.root();
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = reader.inclusion(index);
      REQUIRE(proof.has_value());
      const Hash& leaf = log.leaves[static_cast<std::size_t>(index)];
      if (!verify_inclusion(index, size, leaf, *proof, root))
        FAIL("entry " << index << " of " << size);
      if (verify_inclusion(index + 1, size, leaf, *proof, root))
        FAIL("moved " << index << " of " << size);
      if (verify_inclusion(index, size, root, *proof, root).has_value() && size > 1)
        FAIL("another leaf");
    }
    CHECK_FALSE(reader.inclusion(size).has_value());
  }
}

TEST_CASE("every older size is a beginning of the log, and of no other log", "[audit]") {
  SmallLog log;
  SmallLog other;
  log.grow_to(600);
  other.leaves.push_back(leaf_hash("another entry"));
  std::vector<Tile> changed;
  other.edge.append(other.leaves.back(), changed);
  other.grow_to(600);
  TreeReader reader = log.reader();
  for (std::uint64_t old_size = 1; old_size <= 600; ++old_size) {
    const auto proof = reader.consistency(old_size);
    REQUIRE(proof.has_value());
    const Hash old_root = reader.root_at(old_size).value();
    if (!verify_consistency(old_size, 600, old_root, log.edge.root(), *proof)) FAIL(old_size);
    const Hash their_root = other.reader().root_at(old_size).value();
    if (verify_consistency(old_size, 600, their_root, log.edge.root(), *proof)) FAIL(old_size);
  }
  CHECK_FALSE(reader.consistency(0).has_value());
  CHECK_FALSE(reader.consistency(601).has_value());
}

// c2sp.org/tlog-tiles: the example of 70,000 entries, and the one of 256.
TEST_CASE("a tree has the tiles that the format's examples name", "[audit]") {
  CHECK(tile_width(70000, 0, 272) == 256);
  CHECK(tile_width(70000, 0, 273) == 112);
  CHECK(tile_width(70000, 0, 274) == 0);
  CHECK(tile_width(70000, 1, 0) == 256);
  CHECK(tile_width(70000, 1, 1) == 17);
  CHECK(tile_width(70000, 2, 0) == 1);
  CHECK(tile_width(70000, 3, 0) == 0);
  CHECK(tile_width(256, 0, 0) == 256);
  CHECK(tile_width(256, 0, 1) == 0);
  CHECK(tile_width(256, 1, 0) == 1);
}

TEST_CASE("an edge goes on from its unfinished tiles as if it had never stopped", "[audit]") {
  SmallLog log;
  log.grow_to(66000);
  std::vector<Hashes> unfinished(3);
  for (unsigned level = 0; level < 3; ++level) {
    const std::uint64_t n = (66000U >> (kTileHeight * level)) / kTileWidth;
    unfinished[level] = log.read(level, n, kTileWidth).value();
  }
  auto edge = TreeEdge::of(66000, unfinished);
  REQUIRE(edge.has_value());
  CHECK(edge->root() == log.edge.root());
  std::vector<Tile> changed;
  edge->append(leaf_hash("entry 66000"), changed);
  log.grow_to(66001);
  CHECK(edge->root() == log.edge.root());

  unfinished[1].pop_back();
  CHECK(TreeEdge::of(66000, unfinished).error().code == Errc::kInvalid);
}

TEST_CASE("a tile that lacks hashes makes no root", "[audit]") {
  SmallLog log;
  log.grow_to(700);
  log.tiles[{0, 1}].pop_back();
  CHECK(log.reader().root().has_value());  // the level above vouches for it
  CHECK_FALSE(log.reader().inclusion(300).has_value());
}

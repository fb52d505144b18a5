#include "audit/tile_tree.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>

namespace ota::audit {

std::uint64_t tile_width(std::uint64_t size, unsigned level, std::uint64_t n) {
  const std::uint64_t hashes = level >= kMostLevels ? 0 : size >> (kTileHeight * level);
  const std::uint64_t tiles = hashes / kTileWidth;
  if (n < tiles) return kTileWidth;
  return n == tiles ? hashes % kTileWidth : 0;
}

Result<TreeEdge> TreeEdge::of(std::uint64_t size, std::vector<Hashes> unfinished) {
  TreeEdge edge;
  edge.size_ = size;
  edge.unfinished_ = std::move(unfinished);
  for (unsigned level = 0; level < kMostLevels; ++level) {
    const std::uint64_t wanted = (size >> (kTileHeight * level)) % kTileWidth;
    const std::size_t found = level < edge.unfinished_.size() ? edge.unfinished_[level].size() : 0;
    if (found != wanted) {
      return fail(Errc::kInvalid, "the log's tree lacks hashes: level " + std::to_string(level) +
                                      " ends with " + std::to_string(found) + ", and " +
                                      std::to_string(size) + " entries make " +
                                      std::to_string(wanted));
    }
  }
  return edge;
}

void TreeEdge::append(const Hash& leaf, std::vector<Tile>& changed) {
  Hash hash = leaf;
  ++size_;
  for (unsigned level = 0;; ++level) {
    if (level == unfinished_.size()) unfinished_.emplace_back();
    Hashes& row = unfinished_[level];
    row.push_back(hash);
    const bool full = row.size() == kTileWidth;
    if (level > 0 || full) {
      const std::uint64_t n = ((size_ >> (kTileHeight * level)) - 1) / kTileWidth;
      changed.push_back({level, n, row});
    }
    if (!full) return;
    hash = root_of(row);
    row.clear();
  }
}

// Whole subtrees from the largest on the left to the smallest; the root joins them from the right.
Hash TreeEdge::root() const {
  std::optional<Hash> root;
  for (const Hashes& row : unfinished_) {
    std::size_t end = row.size();
    while (end > 0) {
      const std::size_t part = std::size_t{1} << static_cast<unsigned>(std::countr_zero(end));
      const Hash whole = root_of(std::span(row).subspan(end - part, part));
      root = root ? node_hash(whole, *root) : whole;
      end -= part;
    }
  }
  return root ? *root : root_of({});
}

Result<const Hashes*> TreeReader::tile(unsigned level, std::uint64_t n) {
  const auto place = std::pair(level, n);
  if (const auto found = read_tiles_.find(place); found != read_tiles_.end()) return &found->second;
  const std::uint64_t width = tile_width(size_, level, n);
  auto hashes = read_(level, n, width);
  if (!hashes) return hashes.error();
  if (hashes->size() != width) {
    return fail(Errc::kInvalid, "tile " + std::to_string(n) + " of level " + std::to_string(level) +
                                    " has " + std::to_string(hashes->size()) + " hashes, not " +
                                    std::to_string(width));
  }
  return &(read_tiles_[place] = std::move(*hashes));
}

Result<Hash> TreeReader::whole_node(unsigned height, std::uint64_t n) {
  const unsigned level = height / kTileHeight;
  const unsigned within = height % kTileHeight;
  const std::uint64_t first = n << within;  // of the level's hashes
  const auto hashes = tile(level, first / kTileWidth);
  if (!hashes) return hashes.error();
  const auto from = static_cast<std::size_t>(first % kTileWidth);
  const std::size_t count = std::size_t{1} << within;
  if (from + count > (*hashes)->size()) return fail(Errc::kInternal, "no such node");
  return root_of(std::span(**hashes).subspan(from, count));
}

Result<Hash> TreeReader::node(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count)) {
    const auto height = static_cast<unsigned>(std::countr_zero(count));
    return whole_node(height, begin >> height);
  }
  const std::uint64_t split = split_of(count);
  auto left = node(begin, begin + split);
  if (!left) return left;
  auto right = node(begin + split, end);
  if (!right) return right;
  return node_hash(*left, *right);
}

Result<Hash> TreeReader::root() {
  return root_at(size_);
}

Result<Hash> TreeReader::root_at(std::uint64_t size) {
  if (size > size_)
    return fail(Errc::kInvalid, "the tree has no " + std::to_string(size) + " entries");
  if (size == 0) return root_of({});
  return node(0, size);
}

// RFC 6962 section 2.1.1, from the root down; the proof goes from the leaf up.
Result<Hashes> TreeReader::inclusion(std::uint64_t index) {
  if (index >= size_) {
    return fail(Errc::kInvalid, "the tree has no entry " + std::to_string(index));
  }
  Hashes proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size_;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool on_left = index < middle;
    const auto sibling = on_left ? node(middle, end) : node(begin, middle);
    if (!sibling) return sibling.error();
    proof.push_back(*sibling);
    (on_left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

// RFC 6962 section 2.1.2: down to where the old tree ends, which is left out where that is the
// whole old tree.
Result<Hashes> TreeReader::consistency(std::uint64_t old_size) {
  if (old_size == 0 || old_size > size_) {
    return fail(Errc::kInvalid, "there is no proof from " + std::to_string(old_size) +
                                    " entries to " + std::to_string(size_));
  }
  Hashes proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size_;
  while (end != old_size) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool on_left = old_size <= middle;
    const auto sibling = on_left ? node(middle, end) : node(begin, middle);
    if (!sibling) return sibling.error();
    proof.push_back(*sibling);
    (on_left ? end : begin) = middle;
  }
  if (begin != 0) {
    const auto whole = node(begin, end);
    if (!whole) return whole.error();
    proof.push_back(*whole);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

}  // namespace ota::audit

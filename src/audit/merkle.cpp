#include "audit/merkle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace ota::audit {
namespace {

constexpr std::uint8_t kLeaf = 0x00;
constexpr std::uint8_t kNode = 0x01;

Error wrong_proof(const char* what) {
  return fail(Errc::kInvalid, std::string("the proof ") + what);
}

// Hashes up from one place of the tree to its root. At each level the sibling is on the left where
// the place is odd, or where the tree has nothing on the right (then levels without a sibling are
// passed over): RFC 9162 sections 2.1.3.2 and 2.1.4.2 in one.
class Climb {
 public:
  Climb(std::uint64_t place, std::uint64_t last) : place_(place), last_(last) {}

  bool at_top() const { return last_ == 0; }
  // The next sibling of the proof is on the left.
  bool left() const { return (place_ & 1U) != 0 || place_ == last_; }
  void step() {
    if (left()) {
      while ((place_ & 1U) == 0 && place_ != 0)
        up();
    }
    up();
  }

 private:
  void up() {
    place_ >>= 1U;
    last_ >>= 1U;
  }
  std::uint64_t place_;
  std::uint64_t last_;
};

}  // namespace

Hash leaf_hash(std::string_view entry) {
  Sha256 digest;
  digest.update({&kLeaf, 1});
  digest.update(as_bytes(entry));
  return digest.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> bytes{};
  bytes[0] = kNode;
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 33);
  return sha256(bytes);
}

std::uint64_t split_of(std::uint64_t size) {
  return std::bit_floor(size - 1);
}

Hash root_of(std::span<const Hash> hashes) {
  if (hashes.empty()) return sha256({});
  if (hashes.size() == 1) return hashes.front();
  const auto split = static_cast<std::size_t>(split_of(hashes.size()));
  return node_hash(root_of(hashes.first(split)), root_of(hashes.subspan(split)));
}

Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                              std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return wrong_proof("is of an entry beyond the tree");
  Climb climb(index, size - 1);
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (climb.at_top()) return wrong_proof("is too long");
    hash = climb.left() ? node_hash(sibling, hash) : node_hash(hash, sibling);
    climb.step();
  }
  if (!climb.at_top()) return wrong_proof("is too short");
  if (hash != root) return wrong_proof("leads to another root");
  return {};
}

Result<void> verify_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                                const Hash& root, std::span<const Hash> proof) {
  if (old_size > size) return wrong_proof("is of a tree that became smaller");
  if (old_size == 0) return wrong_proof("begins with the empty tree, which proves nothing");
  if (old_size == size) {
    if (!proof.empty()) return wrong_proof("is too long");
    return old_root == root ? Result<void>() : wrong_proof("is of two trees of one size");
  }
  // The largest whole subtree at the old tree's end is the first hash; it is the old root itself
  // where the old size is a power of two, and then left out.
  const int whole = std::countr_zero(old_size);
  Climb climb((old_size - 1) >> static_cast<unsigned>(whole),
              (size - 1) >> static_cast<unsigned>(whole));
  std::optional<Hash> first;
  if (std::has_single_bit(old_size)) {
    first = old_root;
  } else if (!proof.empty()) {
    first = proof.front();
    proof = proof.subspan(1);
  }
  if (!first) return wrong_proof("is too short");
  Hash before = *first;
  Hash now = *first;
  for (const Hash& sibling : proof) {
    if (climb.at_top()) return wrong_proof("is too long");
    if (climb.left()) {
      before = node_hash(sibling, before);
      now = node_hash(sibling, now);
    } else {
      now = node_hash(now, sibling);
    }
    climb.step();
  }
  if (!climb.at_top()) return wrong_proof("is too short");
  if (before != old_root) return wrong_proof("leads to another older root");
  if (now != root) return wrong_proof("leads to another root");
  return {};
}

std::string to_bytes(std::span<const Hash> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * sizeof(Hash));
  for (const Hash& hash : hashes)
    bytes += as_text(hash);
  return bytes;
}

Result<Hashes> hashes_of(std::string_view bytes) {
  if (bytes.size() % sizeof(Hash) != 0) {
    return fail(Errc::kInvalid, std::to_string(bytes.size()) + " bytes are no whole hashes");
  }
  Hashes hashes(bytes.size() / sizeof(Hash));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const ByteView from = as_bytes(bytes.substr(i * sizeof(Hash), sizeof(Hash)));
    std::copy(from.begin(), from.end(), hashes[i].begin());
  }
  return hashes;
}

}  // namespace ota::audit

// The Merkle tree of RFC 6962 section 2.1 over the entries of a log: hashes, roots, and the checks
// of its proofs.
//
//   leaf = SHA-256(0x00 || entry)      node = SHA-256(0x01 || left || right)
//
// A root names every entry before it and their order: an entry that was edited, dropped, put in or
// moved gives another root, and a log whose root goes on from an older one (a consistency proof)
// has changed nothing of it. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

namespace ota::audit {

using Hash = Digest256;
using Hashes = std::vector<Hash>;

Hash leaf_hash(std::string_view entry);
Hash node_hash(const Hash& left, const Hash& right);
// The root over these, which stand for subtrees of one size; of none: the empty tree's.
Hash root_of(std::span<const Hash> hashes);

// The largest power of two below `size`, which is at least 2: where a tree is split.
std::uint64_t split_of(std::uint64_t size);

// That the entry with this hash is number `index` (from 0) of the tree. kInvalid where it is not,
// or the proof is of another form.
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                              std::span<const Hash> proof, const Hash& root);
// That the tree of `size` begins with that of `old_size`, which is not empty. kInvalid as above.
Result<void> verify_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                                const Hash& root, std::span<const Hash> proof);

// Hashes as bytes one after the other, and back; kInvalid where it is no whole number of them.
std::string to_bytes(std::span<const Hash> hashes);
Result<Hashes> hashes_of(std::string_view bytes);

}  // namespace ota::audit

#include "audit/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ota::audit {
namespace {

constexpr std::string_view kProofHead = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::size_t kMostHashes = 64;  // one a level of the tree

// The next line of `text` without its end, which is cut off its front; none: no whole line.
std::optional<std::string_view> next_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// Decimal digits without a leading zero.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number;
}

std::optional<Hash> hash_of(std::string_view text) {
  const auto bytes = from_base64(text);
  Hash hash{};
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

}  // namespace

std::string Checkpoint::text() const {
  return origin + "\n" + std::to_string(size) + "\n" + to_base64(root) + "\n";
}

Result<Checkpoint> Checkpoint::parse(std::string_view text) {
  const auto origin = next_line(text);
  const auto size = next_line(text);
  const auto root = next_line(text);
  const auto number = size ? number_of(*size) : std::nullopt;
  const auto hash = root ? hash_of(*root) : std::nullopt;
  if (!origin || origin->empty() || !number || !hash)
    return fail(Errc::kInvalid, "not a checkpoint: origin, size and root are not there");
  return Checkpoint{std::string(*origin), *number, *hash};
}

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& signer) {
  return signer.sign(checkpoint.text());
}

Result<Checkpoint> open_checkpoint(std::string_view note, const NoteVerifier& verifier) {
  const auto text = open_note(note, verifier);
  if (!text) return text.error();
  auto checkpoint = Checkpoint::parse(*text);
  if (checkpoint && checkpoint->origin != verifier.name()) {
    return fail(Errc::kDenied, "the checkpoint is of the log " + checkpoint->origin + ", not of " +
                                   verifier.name());
  }
  return checkpoint;
}

std::string EntryProof::text() const {
  std::string out = std::string(kProofHead) + "\n";
  if (!extra.empty()) out += std::string(kExtra) + to_base64(as_bytes(extra)) + "\n";
  out += "index " + std::to_string(index) + "\n";
  for (const Hash& hash : hashes)
    out += to_base64(hash) + "\n";
  return out + "\n" + checkpoint;
}

Result<EntryProof> EntryProof::parse(std::string_view text) {
  const Error wrong = fail(Errc::kInvalid, "not a proof of c2sp.org/tlog-proof");
  if (next_line(text) != kProofHead) return wrong;
  auto line = next_line(text);
  EntryProof proof;
  if (line && line->starts_with(kExtra)) {
    const auto extra = from_base64(line->substr(kExtra.size()));
    if (!extra) return wrong;
    proof.extra = as_text(*extra);
    line = next_line(text);
  }
  constexpr std::string_view kIndex = "index ";
  if (!line || !line->starts_with(kIndex)) return wrong;
  const auto index = number_of(line->substr(kIndex.size()));
  if (!index) return wrong;
  proof.index = *index;
  while (true) {
    line = next_line(text);
    if (!line) return wrong;
    if (line->empty()) break;
    const auto hash = hash_of(*line);
    if (!hash || proof.hashes.size() == kMostHashes) return wrong;
    proof.hashes.push_back(*hash);
  }
  proof.checkpoint = text;
  return proof;
}

Result<Checkpoint> verify_entry(const EntryProof& proof, std::string_view entry,
                                const NoteVerifier& verifier) {
  auto checkpoint = open_checkpoint(proof.checkpoint, verifier);
  if (!checkpoint) return checkpoint;
  const auto held = verify_inclusion(proof.index, checkpoint->size, leaf_hash(entry), proof.hashes,
                                     checkpoint->root);
  if (!held) return held.error();
  return checkpoint;
}

}  // namespace ota::audit

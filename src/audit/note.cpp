#include "audit/note.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/digest.h"
#include "base/text.h"

namespace ota::audit {
namespace {

constexpr std::uint8_t kEd25519 = 0x01;  // c2sp.org/signed-note, "Signature types"
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMostSignatures = 64;  // at least 16 must be accepted
constexpr std::string_view kDash = "\u2014 ";
constexpr std::string_view kNotInNames = "+ \t\n\v\f\r";

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         name.find_first_of(kNotInNames) == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::uint32_t id_of(std::string_view name, const RawPublicKey& key) {
  Sha256 digest;
  digest.update(as_bytes(name));
  const std::array<std::uint8_t, 2> between{'\n', kEd25519};
  digest.update(between);
  digest.update(key);
  const Digest256 hash = digest.finish();
  return std::uint32_t{hash[0]} << 24U | std::uint32_t{hash[1]} << 16U |
         std::uint32_t{hash[2]} << 8U | std::uint32_t{hash[3]};
}

std::array<std::uint8_t, kIdBytes> bytes_of(std::uint32_t id) {
  return {static_cast<std::uint8_t>(id >> 24U), static_cast<std::uint8_t>(id >> 16U),
          static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id)};
}

const std::uint8_t* raw(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Error no_note(const char* what) {
  return fail(Errc::kInvalid, std::string("not a signed note: ") + what);
}

struct SignatureLine {
  std::string_view name;
  Bytes bytes;  // id and signature
};

Result<SignatureLine> parse_line(std::string_view line) {
  if (!line.starts_with(kDash)) return no_note("a signature line does not begin with a dash");
  line.remove_prefix(kDash.size());
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return no_note("a signature line lacks its signature");
  auto bytes = from_base64(line.substr(blank + 1));
  if (!bytes || bytes->size() <= kIdBytes) return no_note("a signature is malformed");
  if (blank == 0) return no_note("a signature lacks its key's name");
  return SignatureLine{line.substr(0, blank), std::move(*bytes)};
}

}  // namespace

std::string to_base64(ByteView bytes) {
  if (bytes.empty()) return {};
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(out.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// EVP_DecodeBlock passes over blanks around the text and takes '-' for an end: what it gives must
// be this text again.
Result<Bytes> from_base64(std::string_view text) {
  constexpr std::size_t kMost = 1U << 20;
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMost)
    return fail(Errc::kInvalid, "no base64 text");
  Bytes out(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), raw(text), static_cast<int>(text.size()));
  if (size < 0) return fail(Errc::kInvalid, "no base64 text");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  if (to_base64(out) != text) return fail(Errc::kInvalid, "no base64 text");
  return out;
}

Result<NoteVerifier> NoteVerifier::of(std::string name, const RawPublicKey& key) {
  if (!good_name(name)) return fail(Errc::kInvalid, "no name for a key: " + printable(name, 80));
  NoteVerifier out;
  out.key_ = std::shared_ptr<EVP_PKEY>(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()),
      [](EVP_PKEY* gone) { EVP_PKEY_free(gone); });
  if (!out.key_) return fail(Errc::kInvalid, "no Ed25519 key");
  out.name_ = std::move(name);
  out.raw_ = key;
  out.id_ = id_of(out.name_, key);
  return out;
}

Result<NoteVerifier> NoteVerifier::parse(std::string_view text) {
  const Error wrong =
      fail(Errc::kInvalid, "no verifier key (NAME+ID+KEY): " + printable(text, 160));
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return wrong;
  const auto id = from_hex(text.substr(first + 1, second - first - 1));
  const auto key = from_base64(text.substr(second + 1));
  RawPublicKey raw_key{};
  if (!id || id->size() != kIdBytes || !key || key->size() != raw_key.size() + 1 ||
      key->front() != kEd25519)
    return wrong;
  std::copy(key->begin() + 1, key->end(), raw_key.begin());
  auto verifier = of(std::string(text.substr(0, first)), raw_key);
  if (!verifier) return verifier;
  if (to_hex(bytes_of(verifier->id_)) != to_hex(*id)) return wrong;
  return verifier;
}

std::string NoteVerifier::text() const {
  Bytes key{kEd25519};
  key.insert(key.end(), raw_.begin(), raw_.end());
  return name_ + "+" + to_hex(bytes_of(id_)) + "+" + to_base64(key);
}

bool NoteVerifier::verifies(std::string_view message, ByteView signature) const {
  if (!key_ || signature.size() != kSignatureBytes) return false;
  const Context context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), raw(message),
                       message.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<RawPublicKey> public_half(EVP_PKEY* key) {
  RawPublicKey out{};
  std::size_t size = out.size();
  if (EVP_PKEY_is_a(key, "ED25519") != 1 ||
      EVP_PKEY_get_raw_public_key(key, out.data(), &size) != 1 || size != out.size()) {
    ERR_clear_error();
    return fail(Errc::kInvalid, "no Ed25519 key");
  }
  return out;
}

Result<NoteSigner> NoteSigner::of(std::string name, std::shared_ptr<EVP_PKEY> key) {
  const auto half = public_half(key.get());
  if (!half) return half.error();
  auto verifier = NoteVerifier::of(std::move(name), *half);
  if (!verifier) return verifier.error();
  return NoteSigner(std::move(*verifier), std::move(key));
}

Result<std::string> NoteSigner::sign(std::string_view text) const {
  if (!text.ends_with('\n') || text.ends_with("\n\n"))
    return fail(Errc::kInternal, "a note's text is not as it must be");
  std::array<std::uint8_t, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, raw(text), text.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::kInternal, "the log's key does not sign");
  }
  const auto id = bytes_of(verifier_.id());
  Bytes line(id.begin(), id.end());
  line.insert(line.end(), signature.begin(), signature.end());
  return std::string(text) + "\n" + std::string(kDash) + verifier_.name() + " " + to_base64(line) +
         "\n";
}

Result<std::string> open_note(std::string_view note, const NoteVerifier& verifier) {
  const bool plain = std::all_of(note.begin(), note.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n';
  });
  if (!plain) return no_note("it holds control characters");
  const auto end = note.rfind("\n\n");
  if (end == std::string_view::npos) return no_note("it has no empty line");
  const std::string_view text = note.substr(0, end + 1);
  std::string_view lines = note.substr(end + 2);
  if (lines.empty() || !lines.ends_with('\n')) return no_note("it does not end with a line");
  bool signed_by_it = false;
  for (std::size_t count = 0; !lines.empty(); ++count) {
    if (count == kMostSignatures) return no_note("it has too many signatures");
    const auto line_end = lines.find('\n');
    const auto line = parse_line(lines.substr(0, line_end));
    if (!line) return line.error();
    lines.remove_prefix(line_end + 1);
    const auto id = bytes_of(verifier.id());
    if (line->name != verifier.name() || !std::equal(id.begin(), id.end(), line->bytes.begin()))
      continue;
    if (!verifier.verifies(text, ByteView(line->bytes).subspan(kIdBytes)))
      return fail(Errc::kDenied, "the signature of " + verifier.name() + " is wrong");
    signed_by_it = true;
  }
  if (!signed_by_it) return fail(Errc::kDenied, "it is not signed by " + verifier.name());
  return std::string(text);
}

}  // namespace ota::audit

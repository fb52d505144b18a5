#include "audit/log_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/beneath.h"
#include "base/digest.h"
#include "base/file.h"

namespace ota::audit {
namespace {

constexpr std::size_t kMaxFile = 4096;

using Key = std::shared_ptr<EVP_PKEY>;
using Bio = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;

Key own(EVP_PKEY* key) {
  return {key, [](EVP_PKEY* gone) { EVP_PKEY_free(gone); }};
}

Result<Key> read_key(const std::filesystem::path& state) {
  auto pem = read_private_beneath(state, kLogKeyFile, kMaxFile);
  if (!pem) return pem.error();
  const Bio bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  Key key = own(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  OPENSSL_cleanse(pem->data(), pem->size());
  ERR_clear_error();
  if (!key) return fail(Errc::kInvalid, (state / kLogKeyFile).string() + " holds no private key");
  return key;
}

Result<Key> make_key(const std::filesystem::path& file) {
  Key key = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!key || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    ERR_clear_error();
    return fail(Errc::kInternal, "make the log's key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  const std::string_view pem(data, static_cast<std::size_t>(size));
  auto written = write_file_durably(file, pem, 0600);
  OPENSSL_cleanse(data, static_cast<std::size_t>(size));
  if (!written) return written.error();
  return key;
}

}  // namespace

std::string origin_of(const RawPublicKey& key) {
  return "ota." + to_hex(sha256(key)).substr(0, 16);
}

Result<NoteSigner> read_or_make_log_key(const std::filesystem::path& state) {
  const std::filesystem::path file = state / kLogKeyFile;
  auto key = read_key(state);
  if (!key && key.error().code == Errc::kNotFound) key = make_key(file);
  if (!key) return key.error();
  const auto half = public_half(key->get());
  if (!half) return half.error().within(file.string());
  auto signer = NoteSigner::of(origin_of(*half), std::move(*key));
  if (!signer) return signer;
  const std::filesystem::path shown = state / kLogVerifierFile;
  const std::string text = signer->verifier().text() + "\n";
  const auto there = read_beneath(state, kLogVerifierFile, kMaxFile);
  if (!there || *there != text) {
    if (auto written = write_file_durably(shown, text, 0644); !written) return written.error();
  }
  return signer;
}

Result<NoteVerifier> read_log_verifier(const std::filesystem::path& file) {
  const auto text = read_file(file, kMaxFile);
  if (!text) return text.error();
  std::string_view line = *text;
  while (line.ends_with('\n'))
    line.remove_suffix(1);
  auto verifier = NoteVerifier::parse(line);
  if (!verifier) return verifier.error().within(file.string());
  return verifier;
}

}  // namespace ota::audit

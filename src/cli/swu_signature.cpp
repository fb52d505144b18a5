#include "cli/swu_signature.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "pki/x509.h"

namespace ota::cli {
namespace {

namespace fs = std::filesystem;
using pki::BioPtr;
using pki::CertificatePtr;
using pki::Freed;

using CmsPtr = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // not the members
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;

constexpr std::size_t kMostSigners = 1000;

BioPtr bio_of(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

Result<std::vector<CertificatePtr>> read_signers(const fs::path& folder) {
  std::vector<CertificatePtr> out;
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().extension().string();
    if (name == ".pem" || name == ".crt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const auto text = read_file(file, pki::kMaxPemBytes);
    if (!text) return text.error();
    const BioPtr bio = bio_of(*text);
    const std::size_t before = out.size();
    while (out.size() < kMostSigners) {
      CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
      if (!certificate) break;
      out.push_back(std::move(certificate));
    }
    ERR_clear_error();  // the end of a file is an error there
    if (out.size() == before) {
      return fail(Errc::kInvalid, file.string() + " holds no PEM certificate");
    }
  }
  if (out.empty()) {
    return fail(Errc::kDenied,
                "no signer is trusted: put the certificate of the signer's CA into " +
                    (folder / "NAME.pem").string());
  }
  return out;
}

// Who the signature says that it is by, verified or not.
std::string claimed_signer(CMS_ContentInfo* cms) {
  STACK_OF(X509)* const all = CMS_get1_certs(cms);
  std::string name = "a signer without a certificate";
  if (all != nullptr && sk_X509_num(all) > 0) {
    name = "\"" + printable(pki::subject_field(sk_X509_value(all, 0), NID_commonName), 64) + "\"";
  }
  sk_X509_pop_free(all, X509_free);
  return name;
}

Error refused(CMS_ContentInfo* cms, const fs::path& folder) {
  const unsigned long first = ERR_peek_error();
  const bool stranger =
      ERR_GET_LIB(first) == ERR_LIB_CMS && ERR_GET_REASON(first) == CMS_R_CERTIFICATE_VERIFY_ERROR;
  const Error why = pki::openssl_error(Errc::kDenied, "signature");
  if (!stranger) {
    return fail(Errc::kDenied, "its signature does not fit its sw-description: " + why.context);
  }
  return fail(Errc::kDenied, "signed by " + claimed_signer(cms) + ", whom no certificate in " +
                                 folder.string() + " vouches for: " + why.context);
}

}  // namespace

Result<std::string> verify_swu_signature(std::string_view description, std::string_view signature,
                                         const fs::path& trusted_signers) {
  if (signature.empty()) {
    return fail(Errc::kDenied, "it is not signed: sw-description.sig must be its second member");
  }
  const auto signers = read_signers(trusted_signers);
  if (!signers) return signers.error();
  const StorePtr store(X509_STORE_new());
  const StackPtr known(sk_X509_new_null());
  for (const CertificatePtr& signer : *signers) {
    X509_STORE_add_cert(store.get(), signer.get());
    sk_X509_push(known.get(), signer.get());
  }
  // The signer's purpose is looked at below: SWUpdate knows two.
  X509_STORE_set_purpose(store.get(), X509_PURPOSE_ANY);
  const BioPtr der = bio_of(signature);
  const CmsPtr cms(d2i_CMS_bio(der.get(), nullptr));
  if (!cms) {
    ERR_clear_error();
    return fail(Errc::kDenied, "its sw-description.sig is no CMS signature in DER");
  }
  const BioPtr signed_bytes = bio_of(description);
  if (CMS_verify(cms.get(), known.get(), store.get(), signed_bytes.get(), nullptr, CMS_BINARY) !=
      1) {
    return refused(cms.get(), trusted_signers);
  }
  const StackPtr by(CMS_get0_signers(cms.get()));
  if (!by || sk_X509_num(by.get()) == 0) return fail(Errc::kDenied, "nobody signed it");
  X509* const signer = sk_X509_value(by.get(), 0);
  const std::string name = printable(pki::subject_field(signer, NID_commonName), 64);
  if ((X509_get_extended_key_usage(signer) & (XKU_SMIME | XKU_CODE_SIGN)) == 0) {
    return fail(Errc::kDenied, "the certificate of \"" + name +
                                   "\" is made neither for e-mail nor for code signing: SWUpdate "
                                   "refuses it");
  }
  return name;
}

}  // namespace ota::cli

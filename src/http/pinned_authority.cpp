#include "http/pinned_authority.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <memory>

#include "base/bytes.h"
#include "base/digest.h"

namespace ota::http {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using StorePtr = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) != 1) return {};
  return to_hex(ByteView(digest.data(), length));
}

std::string pem_of(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace

struct PinnedAuthority::Check {
  // 1 where the chain ends in the pinned certificate, else 0 and OpenSSL's error is set for the
  // alert.
  static int verify(X509_STORE_CTX* presented, void* self) {
    auto& pin = *static_cast<PinnedAuthority*>(self);
    X509* leaf = X509_STORE_CTX_get0_cert(presented);
    STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(presented);
    X509* authority = nullptr;
    for (int i = 0; i < sk_X509_num(chain); ++i) {
      X509* candidate = sk_X509_value(chain, i);
      if (equal_constant_time(as_bytes(fingerprint_of(candidate)), as_bytes(pin.fingerprint_))) {
        authority = candidate;
      }
    }
    const auto refuse = [&](int error, std::string why) {
      pin.refusal_ = std::move(why);
      X509_STORE_CTX_set_error(presented, error);
      return 0;
    };
    if (authority == nullptr) {
      return refuse(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                    "the server's authority is not the one that the join code names");
    }
    const StorePtr trusted(X509_STORE_new());
    const StoreContextPtr context(X509_STORE_CTX_new());
    if (!trusted || !context || X509_STORE_add_cert(trusted.get(), authority) != 1 ||
        X509_STORE_CTX_init(context.get(), trusted.get(), leaf, chain) != 1 ||
        X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1) {
      return refuse(X509_V_ERR_OUT_OF_MEM, "no memory for the check of the server's certificate");
    }
    if (X509_verify_cert(context.get()) != 1) {
      const int error = X509_STORE_CTX_get_error(context.get());
      return refuse(
          error, std::string("the server's certificate: ") + X509_verify_cert_error_string(error));
    }
    pin.refusal_.clear();
    pin.authority_pem_ = pem_of(authority);
    return 1;
  }
};

void PinnedAuthority::install(ssl_ctx_st* context) {
  SSL_CTX_set_cert_verify_callback(context, &Check::verify, this);
}

}  // namespace ota::http

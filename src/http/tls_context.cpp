#include "http/tls_context.h"

#include <openssl/ssl.h>

#include <string_view>

#include "pki/authority.h"
#include "pki/x509.h"

namespace ota::http {
namespace {

// A session takes about 4 KiB with its certificate; this bounds the cache at some 64 MiB.
constexpr long kCachedSessions = 16384;
constexpr long kSessionSeconds = 3600;
constexpr std::string_view kSessionContext = "ota-1";

bool use_identity(SSL_CTX* context, X509* certificate, EVP_PKEY* key, X509* authority) {
  // The authority goes with the chain: a device that joins knows it by its fingerprint alone.
  return SSL_CTX_use_certificate(context, certificate) == 1 &&
         SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1 &&
         SSL_CTX_add1_chain_cert(context, authority) == 1 &&
         X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1 &&
         SSL_CTX_add_client_CA(context, authority) == 1;
}

// Of what the client offers only HTTP/1.1 is spoken here (RFC 7301 section 3.2); without a match
// the extension is left out, and HTTP/1.1 it is.
int choose_http11(SSL*, const unsigned char** out, unsigned char* out_length,
                  const unsigned char* offered, unsigned offered_length, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned at = 0; at < offered_length && at + 1 + offered[at] <= offered_length;
       at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != kHttp11) continue;
    *out = offered + at + 1;
    *out_length = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

bool restrict_protocol(SSL_CTX* context, TlsFloor floor) {
  SSL_CTX_set_alpn_select_cb(context, choose_http11, nullptr);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  const int lowest = floor == TlsFloor::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  return SSL_CTX_set_min_proto_version(context, lowest) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&  // of 1.2
         SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
         // Every key that the authority knows is P-256.
         SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1 &&
         SSL_CTX_set1_client_sigalgs_list(context, "ECDSA+SHA256") == 1;
}

// Everything else about it was found good: OpenSSL checks a certificate's time after its signature.
int let_ended_device_in(int good, X509_STORE_CTX* checked) {
  if (good == 1) return 1;
  const X509* certificate = X509_STORE_CTX_get_current_cert(checked);
  const bool ended_leaf = X509_STORE_CTX_get_error(checked) == X509_V_ERR_CERT_HAS_EXPIRED &&
                          X509_STORE_CTX_get_error_depth(checked) == 0;
  if (!ended_leaf || certificate == nullptr ||
      pki::subject_field(certificate, NID_organizationalUnitName) != "device") {
    return 0;
  }
  X509_STORE_CTX_set_error(checked, X509_V_OK);
  return 1;
}

bool keep_sessions(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);  // sessions stay here
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, kCachedSessions);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  // Without a context of its own a session with a client certificate cannot be resumed.
  return SSL_CTX_set_num_tickets(context, 1) == 1 &&
         SSL_CTX_set_session_id_context(
             context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
             static_cast<unsigned>(kSessionContext.size())) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<TlsContext> TlsContext::make(const pki::ServerIdentity& identity, TlsFloor floor,
                                    EndedDevices ended) {
  const auto certificate = pki::parse_certificate(identity.certificate);
  if (!certificate) return certificate.error().within("the server's certificate");
  const auto key = pki::parse_key(identity.key.view());
  if (!key) return key.error().within("the server's key");
  const auto authority = pki::parse_certificate(identity.authority);
  if (!authority) return authority.error().within("the authority's certificate");
  SSL_CTX* const native = SSL_CTX_new(TLS_server_method());
  if (native == nullptr) return pki::openssl_error(Errc::kInternal, "make a TLS context");
  TlsContext context(native);
  if (!restrict_protocol(native, floor) || !keep_sessions(native) ||
      !use_identity(native, certificate->get(), key->get(), authority->get())) {
    return pki::openssl_error(Errc::kInvalid, "set up TLS");
  }
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER,
                     ended == EndedDevices::kHeard ? &let_ended_device_in : nullptr);
  SSL_CTX_set_verify_depth(native, 1);
  SSL_CTX_set_read_ahead(native, 1);  // one read(2) for a record, not two
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Devices lose power without a close_notify; that must not cost them their session. A request cut
  // short is found by its Content-Length.
  SSL_CTX_set_options(native, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  return context;
}

}  // namespace ota::http

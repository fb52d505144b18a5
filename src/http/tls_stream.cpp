#include "http/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <limits>
#include <stdexcept>

#include "http/peer_certificate.h"
#include "pki/x509.h"

namespace ota::http {
namespace {

std::string certificate_failure(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "client certificate expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "client certificate not yet valid";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return "client certificate from an unknown authority";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "client certificate with a forged signature";
    case X509_V_ERR_INVALID_PURPOSE:
      return "certificate not made for clients";
    default:
      return std::string("client certificate refused: ") + X509_verify_cert_error_string(verdict);
  }
}

std::string protocol_failure(int reason) {
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return "TLS version below 1.3";
    case SSL_R_HTTP_REQUEST:
      return "plain HTTP on the TLS port";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
      return "no TLS spoken";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return "no TLS algorithm in common";
    case SSL_R_BAD_SIGNATURE:
      return "client does not hold its certificate's key";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "client does not trust this server's certificate";
    default:
      break;
  }
  const char* words = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
  return std::string("TLS handshake failed: ") + (words == nullptr ? "unknown reason" : words);
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* stream) const {
  // OpenSSL drops the session of a stream that was not shut down in both directions, and devices
  // seldom say goodbye.
  SSL_set_shutdown(stream, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(stream);
}

TlsStream::TlsStream(ssl_ctx_st* context, int descriptor) : stream_(SSL_new(context)) {
  if (!stream_ || SSL_set_fd(stream_.get(), descriptor) != 1) {
    ERR_clear_error();
    throw std::runtime_error("no memory for a TLS connection");
  }
  SSL_set_accept_state(stream_.get());
}

TlsStream::Outcome TlsStream::outcome_of(int result) const {
  switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_NONE:
      return Outcome::kDone;
    case SSL_ERROR_WANT_READ:
      return Outcome::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
      return Outcome::kClosed;
    default:
      return Outcome::kFailed;
  }
}

TlsStream::Outcome TlsStream::handshake() {
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(stream_.get()));
}

std::string TlsStream::handshake_failure() {
  const unsigned long first = ERR_peek_error();
  ERR_clear_error();
  if (const long verdict = SSL_get_verify_result(stream_.get()); verdict != X509_V_OK) {
    return certificate_failure(verdict);
  }
  if (first == 0 || ERR_GET_LIB(first) != ERR_LIB_SSL) return {};
  return protocol_failure(ERR_GET_REASON(first));
}

TlsStream::Outcome TlsStream::read(std::span<char> into, std::size_t& got) {
  got = 0;
  ERR_clear_error();
  if (SSL_read_ex(stream_.get(), into.data(), into.size(), &got) == 1) return Outcome::kDone;
  return outcome_of(0);
}

TlsStream::Outcome TlsStream::write(std::string_view bytes, std::size_t& put) {
  put = 0;
  while (put < bytes.size()) {
    ERR_clear_error();
    std::size_t step = 0;
    if (SSL_write_ex(stream_.get(), bytes.data() + put, bytes.size() - put, &step) != 1) {
      return outcome_of(0);
    }
    put += step;
  }
  return Outcome::kDone;
}

bool TlsStream::has_buffered() const {
  return SSL_has_pending(stream_.get()) == 1;
}

void TlsStream::shut_down() {
  ERR_clear_error();
  if (SSL_is_init_finished(stream_.get()) == 1) SSL_shutdown(stream_.get());
  ERR_clear_error();
}

void TlsStream::fill_peer(Peer& peer) const {
  const X509* certificate = SSL_get0_peer_certificate(stream_.get());
  if (certificate != nullptr) peer_of_certificate(certificate, peer);
}

void TlsStream::forget_session() {
  SSL_SESSION* const session = SSL_get_session(stream_.get());
  if (session != nullptr) SSL_CTX_remove_session(SSL_get_SSL_CTX(stream_.get()), session);
}

WallTime TlsStream::peer_begins() const {
  const X509* certificate = SSL_get0_peer_certificate(stream_.get());
  return certificate == nullptr ? WallTime() : pki::not_before(certificate);
}

WallTime TlsStream::peer_expires() const {
  const X509* certificate = SSL_get0_peer_certificate(stream_.get());
  return certificate == nullptr ? WallTime() : pki::not_after(certificate);
}

}  // namespace ota::http

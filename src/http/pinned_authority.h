// Trust at a first contact: the authority is known by its fingerprint alone, and its certificate
// comes with the server's chain. Installed into libcurl's SSL_CTX; the check ends before the client
// sends its first request byte.
//
// Thread: that of the handshake.
#pragma once

#include <string>

struct ssl_ctx_st;

namespace ota::http {

class PinnedAuthority {
 public:
  // `fingerprint`: SHA-256 of the authority's DER certificate, lower-case hex.
  explicit PinnedAuthority(std::string fingerprint) : fingerprint_(std::move(fingerprint)) {}

  // Makes the context accept a server only by this rule. The object must outlive the context.
  void install(ssl_ctx_st* context);
  // The certificate that matched, as PEM; empty where no handshake has passed.
  const std::string& authority_pem() const { return authority_pem_; }
  // Why the last handshake was refused; empty where it was not.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Check;
  std::string fingerprint_;
  std::string authority_pem_;
  std::string refusal_;
};

}  // namespace ota::http

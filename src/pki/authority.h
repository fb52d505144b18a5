// The console's own certificate authority in `state/pki/` (folder 0700, files 0600): ECDSA P-256
// throughout.
//
//   authority.crt .key   the root of device, server and operator certificates (10 years)
//   server.crt    .key   SANs: localhost, 127.0.0.1, ::1, the host's names and addresses, and
//                        console.json's extra names
//   operator.crt  .key   OU=operator; what otactl presents
//
// Certificates carry the role as OU and the name as CN; devices' ones are client-auth only. A
// certificate is valid from five minutes before it was made: clocks differ. Calls block on files
// and signing (about 1 ms): not for an io thread, but issue() may be called from a worker.
// Thread: any after opening.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pki/device_key.h"
#include "pki/join_code.h"
#include "pki/secret_text.h"

namespace ota::pki {

// What a TLS server needs, as PEM.
struct ServerIdentity {
  std::string certificate;
  SecretText key;
  std::string authority;  // trusted for client certificates
};

struct CertificateTerm {
  std::string name;  // "authority", "server", "operator"
  WallTime begins;
  WallTime ends;
};

struct IssuedCertificate {
  std::string pem;
  std::string serial;           // lower-case hex
  std::string key_fingerprint;  // SHA-256 of the SubjectPublicKeyInfo, hex
  WallTime expires;
};

// The addresses of this host's interfaces, but for link-local ones.
using HostAddresses = std::function<Result<std::vector<std::string>>()>;
Result<std::vector<std::string>> interface_addresses();

class Authority {
 public:
  // Opens state/pki, or makes it at the first run. Refuses keys that others can read (kDenied says
  // which). The server's and the operator's certificates are made anew where they end within 30
  // days or begin in the future, lack a name or do not fit their key; on a disk that takes no
  // writes a new one serves unsaved. Nothing is opened that could not serve: kInvalid where the
  // authority's certificate is not valid now. `clock` must outlive the authority.
  static Result<Authority> open_or_create(const std::filesystem::path& state,
                                          const std::vector<std::string>& names, const Clock& clock,
                                          const HostAddresses& addresses = interface_addresses);
  Authority(Authority&&) noexcept;
  Authority& operator=(Authority&&) noexcept;
  ~Authority();

  bool created() const;  // this call made it: first run
  // What did not go as it should when it was opened, in words for the log.
  const std::vector<std::string>& notes() const;
  const std::string& fingerprint() const;  // SHA-256 of the authority's DER certificate, hex
  const std::string& certificate_pem() const;
  ServerIdentity server_identity() const;
  // Of the operator's certificate in the folder.
  const IssuedCertificate& operator_certificate() const;
  // Makes a new key and certificate for the operator in the folder; what was there before is gone.
  // Which one rules says whoever admits them. One thread at a time.
  Result<IssuedCertificate> replace_operator();
  // Makes the server's certificate anew where it ends within 30 days: true, and server_identity()
  // is another one. Not while server_identity() is called on another thread.
  Result<bool> renew_server();
  std::vector<CertificateTerm> terms() const;  // of its own certificates; any thread

  // A text signed with the authority's key, as base64url; and whether this authority signed one.
  // The text must begin with what it is for: a key that signs certificates must never sign bytes of
  // another's choice.
  Result<std::string> sign(std::string_view text) const;
  bool signed_by_it(std::string_view text, std::string_view signature) const;

  // The key's fingerprint of a CSR whose own signature holds; only P-256 keys. kInvalid otherwise.
  Result<std::string> csr_key_fingerprint(std::string_view csr_pem) const;
  // A client certificate OU=device, CN=`device` for the CSR's key. Names in the CSR are ignored. It
  // never outlives the authority.
  Result<IssuedCertificate> issue_device(const std::string& device, std::string_view csr_pem,
                                         std::chrono::seconds lifetime) const;

 private:
  struct Impl;
  explicit Authority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::pki

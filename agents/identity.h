// Who this device is: its key, its certificate, the authority that it trusts. All below
// DIR/identity (0700):
//
//   device.key     made here, never leaves (0600)
//   device.crt     from the server; exists last, so that a device with it is enrolled
//   authority.crt  the only authority of the server that it talks to
//   join-code      put there by an operator or the console (0600); used once and deleted
//
// Blocks on files and the network. Thread: one at a time.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "base/result.h"
#include "http/requester.h"

namespace ota::agent {

struct CertificateTerm {
  std::string device;  // its CN
  WallTime begins;
  WallTime ends;
};

class Identity {
 public:
  // `dir`: the device's folder; `connect`: how a server is reached.
  Identity(const std::filesystem::path& dir, http::Connect connect, Disk& disk = real_disk());

  bool enrolled() const;
  // kDenied where the key can be read by others: such a device does not run.
  Result<void> check_key() const;
  // The join code that waits in the file; kNotFound where there is none, kDenied where others can
  // read it.
  Result<std::string> waiting_code() const;
  void discard_code() const;

  // Enrols: nothing is sent before the server has shown the authority that `code` names. Afterwards
  // key, certificate, authority and the pinned root of update trust are durable. Errors: kInvalid
  // (the code), kDenied (another authority, or the token is refused), kUnavailable, kTimeout. The
  // device's name is the answer. After kUnavailable, told_to_wait() is what the server asked for.
  Result<std::string> join(const std::string& server, const std::string& code,
                           const std::string& device, const std::string& agent);
  seconds told_to_wait() const { return told_to_wait_; }
  Result<CertificateTerm> term() const;
  // Fetches a new certificate for the same key; connections made from now on present it. kDenied
  // where the server gives none: one that has ended is renewed on an operator's word.
  Result<void> renew(http::Requester& client);
  // Less than a third of the present one's term is left.
  Result<bool> renewal_due(WallTime now) const;

  http::ClientOptions client_options(const std::string& server, const std::string& agent) const;
  std::filesystem::path trust_folder() const { return dir_ / "state" / "trust"; }

 private:
  Result<CertificateTerm> accept(const std::string& certificate,
                                 const std::string& authority) const;

  http::Connect connect_;
  Disk& disk_;
  std::filesystem::path dir_;
  std::filesystem::path folder_;
  std::filesystem::path key_;
  std::filesystem::path certificate_;
  std::filesystem::path authority_;
  std::filesystem::path code_;
  seconds told_to_wait_{0};  // of the last join(): its Retry-After
};

}  // namespace ota::agent

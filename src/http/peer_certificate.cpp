#include "http/peer_certificate.h"

#include <openssl/objects.h>

#include <string>

#include "base/text.h"
#include "model/device.h"
#include "pki/x509.h"

namespace ota::http {
namespace {

constexpr std::size_t kLongestName = 64;  // RFC 5280, ub-common-name

bool can_be_shown(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && printable(name, kLongestName) == name;
}

}  // namespace

void peer_of_certificate(const X509* certificate, Peer& peer) {
  const std::string unit = pki::subject_field(certificate, NID_organizationalUnitName);
  std::string name = pki::subject_field(certificate, NID_commonName);
  if (unit == "device" && model::valid_device_id(name)) {
    peer.role = Role::kDevice;
  } else if (unit == "operator" && can_be_shown(name)) {
    peer.role = Role::kOperator;
  } else {
    return;
  }
  peer.name = std::move(name);
  peer.serial = pki::serial_hex(certificate);
}

}  // namespace ota::http

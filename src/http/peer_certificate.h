// Who a client is, by its certificate: OU says the role, CN the name. That the certificate is good
// is the handshake's business. Pure; any thread.
#pragma once

#include <openssl/types.h>

#include "http/message.h"

namespace ota::http {

// Leaves `peer` a stranger where the certificate says nothing that the authority would have signed:
// another OU, a device's name that can be none, an operator's that could not be shown.
void peer_of_certificate(const X509* certificate, Peer& peer);

}  // namespace ota::http

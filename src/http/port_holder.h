// Who listens on a port of this host, from /proc: what an operator asks next when the port is
// taken. Blocks on a walk over /proc; nothing that a server does often. Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace ota::http {

// "pid 3911 (ota-console)"; empty where it cannot be told (the process of another user).
std::string port_holder(std::uint16_t port);

}  // namespace ota::http

// Hosts as URLs and "host:port" texts write them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace ota {

// The host as it stands in front of ":port": an IPv6 address gets brackets ("[::1]"), where it has
// none; names and IPv4 addresses stay as they are.
std::string bracketed_host(std::string_view host);

// The same for the host of "host:port", whose last colon is the port's: "[::]:8443".
std::string bracketed_listen(std::string_view host_and_port);

}  // namespace ota

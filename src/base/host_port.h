// Hosts and ports as URLs write them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ota {

// "192.0.2.1:8443", "[::1]:8443": an IPv6 address gets brackets, where it has none.
std::string host_and_port(std::string_view host, std::uint16_t port);

// Where a program of this host reaches what listens on `address`: the same address, but the
// loopback of its family where the address stands for all of them ("0.0.0.0", "::", none).
std::string reachable_here(std::string_view address);

// Whom to count an address as: an IPv4 address itself, an IPv6 address's /64, which one host has
// whole ("2001:db8:1:2::/64").
std::string address_key(std::string_view address);

}  // namespace ota

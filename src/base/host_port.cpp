#include "base/host_port.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace ota {

std::string host_and_port(std::string_view host, std::uint16_t port) {
  const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  const std::string name = bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  return name + ":" + std::to_string(port);
}

std::string reachable_here(std::string_view address) {
  std::string text(address);
  in_addr four{};
  if (text.empty() || (::inet_pton(AF_INET, text.c_str(), &four) == 1 && four.s_addr == INADDR_ANY))
    return "127.0.0.1";
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six)) return "::1";
  return text;
}

std::string address_key(std::string_view address) {
  std::string text(address);
  in6_addr six{};
  if (text.find(':') == std::string::npos || ::inet_pton(AF_INET6, text.c_str(), &six) != 1) {
    return text;
  }
  constexpr int kSiteBytes = 8;
  std::fill(std::begin(six.s6_addr) + kSiteBytes, std::end(six.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (::inet_ntop(AF_INET6, &six, out.data(), out.size()) == nullptr) return text;
  return std::string(out.data()) + "/64";
}

}  // namespace ota

#include "base/host_port.h"

#include <arpa/inet.h>

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

}  // namespace ota

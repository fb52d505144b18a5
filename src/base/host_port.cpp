#include "base/host_port.h"

namespace ota {

std::string bracketed_host(std::string_view host) {
  if (host.find(':') == std::string_view::npos || host.starts_with('[')) return std::string(host);
  return "[" + std::string(host) + "]";
}

std::string bracketed_listen(std::string_view host_and_port) {
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string_view::npos) return std::string(host_and_port);
  return bracketed_host(host_and_port.substr(0, colon)) + std::string(host_and_port.substr(colon));
}

}  // namespace ota

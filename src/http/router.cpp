#include "http/router.h"

namespace ota::http {
namespace {

// The next segment of `path`, which is cut off its front together with its slash.
std::string_view next_segment(std::string_view& path) {
  const auto slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

bool is_parameter(std::string_view segment) {
  return segment.size() >= 2 && segment.front() == '{' && segment.back() == '}';
}

// Fills `params` where it fits. A parameter matches one segment that is not empty.
bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& params) {
  params.clear();
  if (path.empty() || path.front() != '/') return false;
  const bool pattern_ends_open = pattern.ends_with('/');
  const bool path_ends_open = path.ends_with('/');
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  while (!pattern.empty()) {
    const std::string_view wanted = next_segment(pattern);
    if (is_parameter(wanted) && wanted.ends_with("...}")) {
      params.push_back(path);
      return !path.empty();
    }
    if (path.empty()) return false;
    const std::string_view found = next_segment(path);
    if (is_parameter(wanted)) {
      if (found.empty()) return false;
      params.push_back(found);
    } else if (found != wanted) {
      return false;
    }
  }
  return path.empty() && pattern_ends_open == path_ends_open;
}

}  // namespace

void Router::add(Route route) {
  if (route.pattern.find('{') == std::string::npos) {
    literals_[route.pattern].push_back(routes_.size());
  } else {
    patterns_.push_back(routes_.size());
  }
  routes_.push_back(std::move(route));
}

Match Router::match(Method method, std::string_view path) const {
  Match match;
  const auto take = [&](const Route& route) {
    match.path_known = true;
    // RFC 9110 section 9.3.2: HEAD is GET without the content.
    return route.method == method || (method == Method::kHead && route.method == Method::kGet);
  };
  if (const auto found = literals_.find(path); found != literals_.end()) {
    for (const std::size_t index : found->second) {
      if (take(routes_[index])) {
        match.route = &routes_[index];
        return match;
      }
    }
  }
  for (const std::size_t index : patterns_) {
    const Route& route = routes_[index];
    if (fits(route.pattern, path, match.params) && take(route)) {
      match.route = &route;
      return match;
    }
  }
  match.params.clear();
  return match;
}

std::string Router::allowed_methods(std::string_view path) const {
  std::string text;
  const auto offer = [&](Method method, std::string_view name) {
    if (match(method, path).route == nullptr) return;
    if (!text.empty()) text += ", ";
    text += name;
  };
  offer(Method::kGet, "GET");
  offer(Method::kHead, "HEAD");
  offer(Method::kPost, "POST");
  offer(Method::kPut, "PUT");
  offer(Method::kDelete, "DELETE");
  return text;
}

Result<void> authorize(Access access, const Peer& peer) {
  const auto refuse = [&](const char* who) {
    if (peer.role == Role::kNone) {
      return fail(Errc::kDenied, std::string("a client certificate is needed: this is for ") + who);
    }
    return fail(Errc::kDenied,
                "the certificate's role may not do this: it is for " + std::string(who));
  };
  const bool device = peer.role == Role::kDevice;
  const bool is_operator = peer.role == Role::kOperator;
  switch (access) {
    case Access::kAnyone:
      return {};
    case Access::kDevice:
      if (device) return {};
      return refuse("devices");
    case Access::kOperator:
      if (is_operator) return {};
      return refuse("operators");
    case Access::kDeviceOrOperator:
      if (device || is_operator) return {};
      return refuse("devices and operators");
    case Access::kLoopbackOrOperator:
      if (peer.loopback || is_operator) return {};
      return refuse("operators and this host");
  }
  return refuse("nobody");
}

}  // namespace ota::http

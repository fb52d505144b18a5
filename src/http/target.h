// A request's target taken apart: the decoded path and the query's pairs.
//
// Hostile by nature: what could mean another path to another reader (encoded slashes, dot segments,
// controls) is refused, not repaired. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::http {

struct Target {
  std::string_view path;  // into the parsed text, or into `decoded`
  std::map<std::string, std::string> query;
  std::string decoded;
  std::string_view authority;  // of an absolute target; empty otherwise

  // The origin form or the absolute one (RFC 9112 sections 3.2.1 and 3.2.2); at most 32 query
  // pairs. `text` must outlive it.
  // kInvalid says what is wrong. Allocates only where there is a query or a '%'.
  Result<void> parse(std::string_view text);
};

}  // namespace ota::http

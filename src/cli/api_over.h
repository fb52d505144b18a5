// The admin API over a requester that somebody else made, as a simulator has one.
//
// Thread: one.
#pragma once

#include <memory>
#include <string>

#include "cli/api.h"
#include "http/requester.h"

namespace ota::cli {

// `where`: for messages.
std::unique_ptr<Api> api_over(std::unique_ptr<http::Requester> requester, std::string where);

}  // namespace ota::cli

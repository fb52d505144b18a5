// A part of a file of the server's, and never the whole in its place.
//
// Blocks on the network. Thread: one at a time.
#pragma once

#include <string>

#include "http/requester.h"

namespace ota::agent {

// The bytes from `wanted.offset` on. Errors: those of Requester::download() and of the sink;
// kNotFound where the server has no such file or sends no part of one; kUnavailable where it is
// busy.
Result<void> fetch_part(http::Requester& client, const std::string& path,
                        const http::Requester::Download& wanted, const http::Requester::Sink& sink);

}  // namespace ota::agent

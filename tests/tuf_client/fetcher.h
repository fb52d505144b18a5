// One blocking GET at a time over libcurl, as the TUF conformance client needs it: no retries, no
// redirects, no decoding of the path, bounded in size, time and speed.
//
// Agents use http/client.h with mutual TLS; this one speaks plain http to a test server.
// Thread: one.
#pragma once

#include <memory>
#include <string>

#include "tuf/updater.h"

namespace ota::tuf_client {

enum class Scheme { kHttpAllowed, kHttpsOnly };

class Fetcher {
 public:
  explicit Fetcher(Scheme scheme);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // 404 and 403 are kNotFound; every other failure and status is an error of the transport.
  tuf::Fetched get(const std::string& url, std::uint64_t max_bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::tuf_client

// A blocking HTTPS client over libcurl, for agents and otactl: mutual TLS 1.3, bounded in size,
// time and speed.
//
// One Client keeps one connection alive. Only the given authority is trusted, proxies and redirects
// are not followed, and HTTP/1.1 is spoken. Thread: one at a time; cancel() and close() from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::http {

struct ClientOptions {
  std::string base_url;               // "https://HOST:PORT"
  std::filesystem::path authority;    // PEM file of trusted authorities; the only ones
  std::filesystem::path certificate;  // client certificate and key; empty: none
  std::filesystem::path key;
  milliseconds connect_timeout{10000};
  milliseconds timeout{30000};  // of a whole request
  std::string user_agent = "ota";
  bool allow_plain_http = false;  // tests and the conformance client only
  // Instead of `authority`, at a first contact: SHA-256 (lower-case hex) of the DER of the
  // authority's certificate. The server's chain must hold that certificate and be signed by it, or
  // the handshake fails before anything is sent.
  std::string authority_fingerprint;
};

struct Reply {
  unsigned status = 0;
  std::string body;
  std::string content_type;
  std::string etag;
  std::string retry_after;
  std::optional<WallTime> date;  // the server's time, to the second

  // For how long the server asks to be left alone; zero where it does not say. 5 minutes at most: a
  // server's word must not switch a device off.
  seconds wait() const;
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Errors: kUnavailable (no connection), kTimeout, kDenied (TLS refused; the context says which
  // side and why), kLimit (answer over `max_bytes`). Any HTTP status is a Reply.
  Result<Reply> get(const std::string& path, std::size_t max_bytes, milliseconds timeout = {});
  Result<Reply> post(const std::string& path, std::string_view body, std::size_t max_bytes,
                     milliseconds timeout = {});

  struct Download {
    std::uint64_t offset = 0;     // resume from here (Range)
    std::uint64_t max_bytes = 0;  // in all, offset included
    milliseconds timeout{1800000};
    std::uint64_t min_bytes_per_second = 64;  // slower than this for `slow_after`: kTimeout
    seconds slow_after{30};
  };
  // Streams the body of a 200 or 206 to `sink` in order; `sink` returning an error ends it with
  // that error. A server that ignores the Range answers 200: then `restart` is called before the
  // first byte. The body of any other status goes into the Reply (its first 64 KiB). kLimit: more
  // than `max_bytes` in all.
  Result<Reply> download(const std::string& path, const Download& options,
                         const std::function<Result<void>(std::string_view)>& sink,
                         const std::function<void()>& restart);
  // Ends a running request with kUnavailable, at once; without one it does nothing.
  void cancel();
  // As cancel(), and every later request ends so too.
  void close();
  // After a request that was checked by fingerprint: the authority's certificate as PEM; empty
  // before.
  std::string presented_authority() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::http

// What asks a server: requests and their answers, whoever carries them. http::Client does it over
// TLS (http/client.h), a simulator hands them to the routes (src/world).
//
// Thread: one at a time; cancel() and close() from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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

class Requester {
 public:
  virtual ~Requester() = default;

  // Errors: kUnavailable (no connection), kTimeout, kDenied (TLS refused; the context says which
  // side and why), kLimit (answer over `max_bytes`). Any HTTP status is a Reply.
  Result<Reply> get(const std::string& path, std::size_t max_bytes, milliseconds timeout = {}) {
    return do_get(path, max_bytes, timeout);
  }
  Result<Reply> post(const std::string& path, std::string_view body, std::size_t max_bytes,
                     milliseconds timeout = {}) {
    return do_post(path, body, max_bytes, timeout);
  }

  struct Download {
    std::uint64_t offset = 0;     // resume from here (Range)
    std::uint64_t end = 0;        // of what is wanted, not included; 0: that of the file
    std::uint64_t max_bytes = 0;  // in all, offset included
    milliseconds timeout{1800000};
    std::uint64_t min_bytes_per_second = 64;  // slower than this for `slow_after`: kTimeout
    seconds slow_after{30};

    // What follows "bytes=" in the request; empty: the whole is wanted.
    std::string range() const;
  };
  using Sink = std::function<Result<void>(std::string_view)>;
  // Streams the body of a 200 or 206 to `sink` in order; `sink` returning an error ends it with
  // that error. A server that ignores the Range answers 200: then `restart` is called before the
  // first byte. The body of any other status goes into the Reply (its first 64 KiB). kLimit: more
  // than `max_bytes` in all.
  virtual Result<Reply> download(const std::string& path, const Download& options, const Sink& sink,
                                 const std::function<void()>& restart) = 0;
  // Ends a running request with kUnavailable, at once; without one it does nothing.
  virtual void cancel() = 0;
  // As cancel(), and every later request ends so too.
  virtual void close() = 0;

 private:
  virtual Result<Reply> do_get(const std::string& path, std::size_t max_bytes,
                               milliseconds timeout) = 0;
  virtual Result<Reply> do_post(const std::string& path, std::string_view body,
                                std::size_t max_bytes, milliseconds timeout) = 0;
};

// Makes what keeps one connection to a server; nothing is sent before the first request.
using Connect = std::function<std::unique_ptr<Requester>(const ClientOptions&)>;

}  // namespace ota::http

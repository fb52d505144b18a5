// A blocking HTTPS client over libcurl, for agents and otactl: mutual TLS 1.3, bounded in size,
// time and speed.
//
// One Client keeps one connection alive. Only the given authority is trusted, proxies and redirects
// are not followed, and HTTP/1.1 is spoken. Thread: one at a time; cancel() and close() from any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/requester.h"

namespace ota::http {

class Client final : public Requester {
 public:
  explicit Client(ClientOptions options);
  ~Client() override;
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  Result<Reply> download(const std::string& path, const Download& options, const Sink& sink,
                         const std::function<void()>& restart) override;
  void cancel() override;
  void close() override;
  // After a request that was checked by fingerprint: the authority's certificate as PEM; empty
  // before.
  std::string presented_authority() const;

 private:
  Result<Reply> do_get(const std::string& path, std::size_t max_bytes,
                       milliseconds timeout) override;
  Result<Reply> do_post(const std::string& path, std::string_view body, std::size_t max_bytes,
                        milliseconds timeout) override;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::http

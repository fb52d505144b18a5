// A server of one file, and a network that a test spoils.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/requester.h"

namespace ota::test {

class FileServer final : public http::Requester {
 public:
  std::string file;
  std::size_t piece = 1000;                     // bytes that come at a time
  std::uint64_t cut_after = ~std::uint64_t{0};  // bytes, of all requests together
  unsigned status = 0;                          // instead of the file
  bool ignores_ranges = false;
  std::function<void()> at_each_piece = [] {};

  std::uint64_t sent = 0;
  std::vector<std::uint64_t> offsets;

  Result<http::Reply> download(const std::string&, const Download& options, const Sink& sink,
                               const std::function<void()>& restart) override {
    offsets.push_back(options.offset);
    http::Reply reply;
    reply.status = status != 0 ? status : options.offset > 0 && !ignores_ranges ? 206 : 200;
    if (status != 0) return reply;
    std::size_t at = static_cast<std::size_t>(options.offset);
    if (ignores_ranges) {
      at = 0;
      restart();
    }
    while (at < file.size()) {
      at_each_piece();
      const std::string part = file.substr(at, piece);
      if (at + part.size() > options.max_bytes) return fail(Errc::kLimit, "too long");
      if (sent + part.size() > cut_after) {
        cut_after = ~std::uint64_t{0};
        return fail(Errc::kUnavailable, "the network is gone");
      }
      sent += part.size();
      at += part.size();
      if (auto taken = sink(part); !taken) return taken.error();
    }
    return reply;
  }
  void cancel() override {}
  void close() override {}

 private:
  Result<http::Reply> do_get(const std::string&, std::size_t, milliseconds) override {
    return fail(Errc::kNotFound, "no such thing here");
  }
  Result<http::Reply> do_post(const std::string&, std::string_view, std::size_t,
                              milliseconds) override {
    return fail(Errc::kNotFound, "no such thing here");
  }
};

}  // namespace ota::test

// A server of a patch and of its base, and a network that a test spoils.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "http/requester.h"

namespace ota::test {

class FileServer final : public http::Requester {
 public:
  std::string file;
  std::string base;                               // of kBase
  std::size_t piece = 1000;                       // bytes that come at a time
  std::uint64_t cut_after = ~std::uint64_t{0};    // bytes, of all requests together
  ota::Errc cut_error = ota::Errc::kUnavailable;  // what the cut is called; a slow sender: kTimeout
  unsigned status = 0;                            // instead of the file
  bool ignores_ranges = false;
  std::function<void()> at_each_piece = [] {};

  std::uint64_t sent = 0;
  std::vector<std::uint64_t> offsets;
  std::uint64_t base_sent = 0;
  std::vector<std::string> base_ranges;

  static constexpr const char* kBase = "/base";

  Result<http::Reply> download(const std::string& path, const Download& options, const Sink& sink,
                               const std::function<void()>& restart) override {
    if (path == kBase) {
      base_ranges.push_back(options.range());
      return send(base, base_sent, options, sink, restart);
    }
    offsets.push_back(options.offset);
    return send(file, sent, options, sink, restart);
  }
  void cancel() override {}
  void close() override {}

 private:
  Result<http::Reply> send(const std::string& from, std::uint64_t& counted, const Download& options,
                           const Sink& sink, const std::function<void()>& restart) {
    http::Reply reply;
    const bool part = !options.range().empty() && !ignores_ranges;
    reply.status = status != 0 ? status : part ? 206 : 200;
    if (status != 0) return reply;
    std::size_t at = static_cast<std::size_t>(options.offset);
    if (ignores_ranges) {
      at = 0;
      restart();
    }
    while (at < end_of(from, options)) {
      at_each_piece();
      const std::string bytes = from.substr(at, std::min(piece, end_of(from, options) - at));
      if (at + bytes.size() > options.max_bytes) return fail(Errc::kLimit, "too long");
      if (sent + base_sent + bytes.size() > cut_after) {
        cut_after = ~std::uint64_t{0};
        return fail(cut_error, "the network is gone, or slow");
      }
      counted += bytes.size();
      at += bytes.size();
      if (auto taken = sink(bytes); !taken) return taken.error();
    }
    return reply;
  }
  // What is sent may change on the way.
  std::size_t end_of(const std::string& from, const Download& options) const {
    if (options.end == 0 || ignores_ranges) return from.size();
    return std::min(from.size(), static_cast<std::size_t>(options.end));
  }
  Result<http::Reply> do_get(const std::string&, std::size_t, milliseconds) override {
    return fail(Errc::kNotFound, "no such thing here");
  }
  Result<http::Reply> do_post(const std::string&, std::string_view, std::size_t,
                              milliseconds) override {
    return fail(Errc::kNotFound, "no such thing here");
  }
};

}  // namespace ota::test

// One HTTP/1.x request out of bytes as they come, on Beast's parser; the only file that knows it.
//
// Sans-I/O: feed() is given what was read and says how far it got. Only what the server uses is
// kept: method, target and a handful of fields; no header is stored otherwise. Bodies come with a
// Content-Length or not at all: Transfer-Encoding is answered 411 (RFC 9112 section 6.3 allows it),
// which leaves one reading of where a request ends. Reused for the next request by start().
//
//   start ──feed──► kMore … ──► kHead (check it, set body_limit) ──feed──► kMore … ──► kDone
//                     └───────────────► kFailed: failure() is the status to answer ◄──┘
//
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"

namespace ota::http {

struct RequestHead {
  Method method = Method::kGet;
  bool method_known = false;
  std::string target;
  std::string if_none_match;
  std::string if_range;
  std::string range;
  std::string authorization;
  std::string host;
  std::string user_agent;
  std::uint64_t content_length = 0;
  bool expects_continue = false;
  bool keep_alive = false;
  bool http10 = false;
};

class RequestParser {
 public:
  enum class Progress { kMore, kHead, kDone, kFailed };

  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // Forgets the request before. `header_bytes`: of request line and fields together.
  void start(std::uint32_t header_bytes);
  // At kHead: so much of the body is kept, the rest is taken and dropped. Without this all is kept.
  void keep_body(std::size_t bytes);
  // Between two requests: lets go of what a large one needed.
  void give_back_memory();
  // Takes what it can of `bytes` and adds that to `used`. The rest must be shown again, in front of
  // what comes next. kHead comes once, before the body is looked at.
  Progress feed(std::string_view bytes, std::size_t& used);

  bool started() const;  // has seen a byte of the request
  bool head_done() const;
  const RequestHead& head() const;  // from kHead on
  // The body, after kDone; where it came in one piece it lies in the bytes fed last.
  std::string_view body() const;
  std::size_t body_received() const;
  // Bytes of memory that the body holds here: none where it came whole.
  std::size_t body_kept() const;
  // The status and the words for what is wrong with the request.
  unsigned failure() const;
  std::string_view failure_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::http

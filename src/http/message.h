// A request and its answer, as routes see them. Plain values; no Beast here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace ota::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete };

// Who is on the other side, by its certificate alone.
enum class Role : std::uint8_t { kNone, kDevice, kOperator };

struct Peer {
  Role role = Role::kNone;
  std::string name;     // the certificate's CN; empty without one
  std::string serial;   // the certificate's serial, lower-case hex
  std::string address;  // IP, without port
  bool loopback = false;
};

struct Request {
  Method method = Method::kGet;
  std::string_view path;                 // decoded, without the query
  std::vector<std::string_view> params;  // what the pattern's {…} matched, in order
  std::map<std::string, std::string> query;
  std::string_view body;
  std::string_view if_none_match;
  std::string_view range;
  std::string_view authorization;
  std::string_view host;
  std::string_view user_agent;
  std::uint64_t connection = 0;  // the same for all requests of one connection, never given twice
  Peer peer;
  std::string* spoken_for = nullptr;  // the connection's own; see below

  // For a route that knows its caller by something else than a certificate, while its handler runs:
  // the connection serves this device from now on, and Server::disconnect() of it ends it.
  void speaks_for(const std::string& device) const {
    if (spoken_for != nullptr) *spoken_for = device;
  }
};

// Follows a file on its way out; all calls on the connection's io thread.
class FileWatch {
 public:
  virtual ~FileWatch() = default;
  // Bytes [first, first + length) were given to the connection; once for each piece.
  virtual void sent(std::uint64_t first, std::uint64_t length) = 0;
};

// A file to stream as the body; read in bounded chunks off the io thread.
struct FileBody {
  std::string folder;  // trusted; opened beneath it (base/beneath.h)
  std::string path;    // below `folder`
  std::string etag;    // with its quotes
  std::string content_type = "application/octet-stream";
  std::shared_ptr<FileWatch> watch = {};  // may be none; let go when the transfer has ended
};

struct Response {
  unsigned status = 200;
  std::string content_type;  // of `body`; empty: application/json
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<FileBody>
      file;  // instead of `body`; Range, If-None-Match and HEAD are then answered by the server

  static Response json(const Json& document, unsigned status = 200);
  static Response no_content();
  // RFC 9457: `code` is short and stable, `detail` is for people.
  static Response problem(unsigned status, std::string_view code, std::string_view detail);
  // 429 with its Retry-After (RFC 6585 section 4): nobody is refused for haste without being told
  // for how long.
  static Response too_many(std::string_view code, std::string_view detail,
                           seconds wait = seconds(1));
  // The problem that an Error amounts to: kNotFound 404, kDenied 403, kConflict 409, kLimit 413,
  // kInvalid 400, kFull and kUnavailable 503, kTimeout 504, others 500.
  static Response error(const Error& error);
};

// Sends the one answer of a request, now or later, from any thread. Copies share the one answer;
// later calls are ignored. Where all copies die without an answer the server sends 500.
class Responder {
 public:
  struct Sink {
    virtual ~Sink() = default;
    virtual void send(Response response) = 0;  // any thread, at most once is honoured
    virtual void on_close(
        std::function<void()> called) = 0;  // the connection went away before the answer
  };
  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void operator()(Response response) const { sink_->send(std::move(response)); }
  void on_close(std::function<void()> called) const { sink_->on_close(std::move(called)); }

 private:
  std::shared_ptr<Sink> sink_;
};

}  // namespace ota::http

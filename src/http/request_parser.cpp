#include "http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <optional>

#include "base/assert.h"

namespace ota::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

// What is given back after a request that needed more, so that idle connections stay small.
constexpr std::size_t kKeptBodyBytes = 64 * 1024;

bool known_method(beast_http::verb verb, Method& method) {
  switch (verb) {
    case beast_http::verb::get:
      method = Method::kGet;
      return true;
    case beast_http::verb::head:
      method = Method::kHead;
      return true;
    case beast_http::verb::post:
      method = Method::kPost;
      return true;
    case beast_http::verb::put:
      method = Method::kPut;
      return true;
    case beast_http::verb::delete_:
      method = Method::kDelete;
      return true;
    default:
      return false;
  }
}

class Parser final : public beast_http::basic_parser<true> {
 public:
  Parser(RequestHead& head, std::string& body, std::string_view& piece)
      : head_(head), body_(body), piece_(piece) {}

  unsigned hosts() const { return hosts_; }
  bool has_transfer_encoding() const { return has_transfer_encoding_; }
  bool is_http11() const { return version_ >= 11; }
  void keep(std::size_t bytes) { kept_ = bytes; }
  std::size_t received() const { return received_; }

 private:
  void on_request_impl(beast_http::verb verb, string_view, string_view target, int version,
                       error_code&) override {
    head_.method_known = known_method(verb, head_.method);
    head_.target.assign(target.data(), target.size());
    version_ = version;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(beast_http::field name, string_view, string_view value, error_code&) override {
    const auto keep = [&](std::string& where) { where.assign(value.data(), value.size()); };
    switch (name) {
      case beast_http::field::host:
        ++hosts_;
        keep(head_.host);
        break;
      case beast_http::field::authorization:
        keep(head_.authorization);
        break;
      case beast_http::field::user_agent:
        keep(head_.user_agent);
        break;
      case beast_http::field::if_none_match:
        keep(head_.if_none_match);
        break;
      case beast_http::field::if_range:
        keep(head_.if_range);
        break;
      case beast_http::field::range:
        keep(head_.range);
        break;
      case beast_http::field::transfer_encoding:
        has_transfer_encoding_ = true;
        break;
      case beast_http::field::expect:
        head_.expects_continue = boost::beast::iequals(value, "100-continue");
        break;
      default:
        break;
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    received_ += bytes.size();
    if (bytes.size() == head_.content_length) {
      piece_ = {bytes.data(), std::min(bytes.size(), kept_)};
    } else {
      // Asked for once: a string that grows copies itself, and is larger than what it holds.
      if (body_.empty()) {
        body_.reserve(
            static_cast<std::size_t>(std::min<std::uint64_t>(head_.content_length, kept_)));
      }
      body_.append(bytes.data(), std::min(bytes.size(), kept_ - body_.size()));
    }
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  RequestHead& head_;
  std::string& body_;
  std::string_view& piece_;
  std::size_t kept_ = SIZE_MAX;
  std::size_t received_ = 0;
  unsigned hosts_ = 0;
  int version_ = 0;
  bool has_transfer_encoding_ = false;
};

}  // namespace

struct RequestParser::Impl {
  RequestHead head;
  std::string body;
  std::string_view piece;  // the body, where it came whole
  std::optional<Parser> parser;
  std::size_t header_limit = 0;
  std::size_t header_used = 0;
  bool head_done = false;
  unsigned failure = 0;
  std::string_view failure_text;

  Progress fail(unsigned status, std::string_view text) {
    failure = status;
    failure_text = text;
    return Progress::kFailed;
  }
  Progress fail(const error_code& error) {
    if (error == beast_http::error::header_limit) return header_too_large();
    if (error == beast_http::error::bad_version) {
      return fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    return fail(400, "this is not a well-formed HTTP/1.1 request");
  }
  Progress header_too_large() { return fail(431, "the request's header is too large"); }
  Progress finish_head();
};

RequestParser::Progress RequestParser::Impl::finish_head() {
  head_done = true;
  if (parser->has_transfer_encoding()) {
    return fail(411, "send the body with a Content-Length, not with a Transfer-Encoding");
  }
  // RFC 9112 section 3.2.
  if (parser->hosts() > 1 || (parser->is_http11() && parser->hosts() == 0)) {
    return fail(400, "a request has exactly one Host field");
  }
  const auto length = parser->content_length();
  head.content_length = length ? *length : 0;
  head.keep_alive = parser->keep_alive();
  head.http10 = !parser->is_http11();
  return Progress::kHead;
}

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

void RequestParser::start(std::uint32_t header_bytes) {
  Impl& impl = *impl_;
  RequestHead& head = impl.head;
  head.target.clear();
  head.if_none_match.clear();
  head.if_range.clear();
  head.range.clear();
  head.authorization.clear();
  head.host.clear();
  head.user_agent.clear();
  head.content_length = 0;
  head.method_known = head.expects_continue = head.keep_alive = false;
  impl.body.clear();
  impl.piece = {};
  impl.header_limit = header_bytes;
  impl.header_used = 0;
  impl.head_done = false;
  impl.failure = 0;
  impl.failure_text = {};
  impl.parser.emplace(head, impl.body, impl.piece);
  impl.parser->header_limit(header_bytes);
  impl.parser->body_limit(boost::none);  // the server knows the route's limit at kHead
}

void RequestParser::keep_body(std::size_t bytes) {
  impl_->parser->keep(bytes);
}

void RequestParser::give_back_memory() {
  impl_->piece = {};
  if (impl_->body.capacity() > kKeptBodyBytes) std::string().swap(impl_->body);
}

RequestParser::Progress RequestParser::feed(std::string_view bytes, std::size_t& used) {
  Impl& impl = *impl_;
  OTA_ASSERT(impl.parser.has_value());
  if (impl.failure != 0) return Progress::kFailed;
  Parser& parser = *impl.parser;
  // RFC 9112 section 2.2: empty lines before a request are skipped.
  while (!parser.got_some() && !bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) {
    bytes.remove_prefix(1);
    ++used;
  }
  while (!parser.is_done()) {
    if (bytes.empty()) return Progress::kMore;
    error_code error;
    const std::size_t taken =
        parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(taken);
    used += taken;
    // Beast's own limit counts from where the last call stopped; this one counts all of it.
    if (!impl.head_done) {
      impl.header_used += taken;
      const bool unfinished = error == beast_http::error::need_more;
      if (impl.header_used + (unfinished ? bytes.size() : 0) > impl.header_limit) {
        return impl.header_too_large();
      }
    }
    if (error == beast_http::error::need_more) return Progress::kMore;
    if (error) return impl.fail(error);
    if (!impl.head_done && parser.is_header_done()) return impl.finish_head();
  }
  return impl.head_done ? Progress::kDone : impl.finish_head();
}

bool RequestParser::started() const {
  return impl_->parser && impl_->parser->got_some();
}
bool RequestParser::head_done() const {
  return impl_->head_done;
}
const RequestHead& RequestParser::head() const {
  return impl_->head;
}
std::string_view RequestParser::body() const {
  return impl_->piece.empty() ? std::string_view(impl_->body) : impl_->piece;
}
std::size_t RequestParser::body_received() const {
  return impl_->parser ? impl_->parser->received() : 0;
}
std::size_t RequestParser::body_kept() const {
  return impl_->body.size();
}
unsigned RequestParser::failure() const {
  return impl_->failure;
}
std::string_view RequestParser::failure_text() const {
  return impl_->failure_text;
}

}  // namespace ota::http

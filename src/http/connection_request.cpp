// From bytes to a handler: what a connection does while it reads (connection.h).

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "http/connection.h"

namespace ota::http {
namespace {

// A body that arrives slower than this many bytes in each body_timeout is cut off.
constexpr std::size_t kBodyStride = 256 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

// Takes what it can of `input`, up to the end of one request; that one is then answered or waits
// for its answer. Returns how much it took.
std::size_t Connection::consume(std::string_view input) {
  if (!work_) {
    work_ = thread_.lend_work();
    work_->parser.start(thread_.limits().header_bytes);
    work_->over_rate = false;
    late_ = false;
  }
  std::size_t used = 0;
  auto progress = work_->parser.feed(input, used);
  if (progress == RequestParser::Progress::kHead) {
    if (!check_head(input.substr(used))) return used;
    progress = work_->parser.feed(input.substr(used), used);
  }
  if (work_->parser.body_kept() != body_charged_ && !charge_body()) return used;
  switch (progress) {
    case RequestParser::Progress::kMore:
    case RequestParser::Progress::kHead:
      expect_more();
      break;
    case RequestParser::Progress::kDone:
      dispatch();
      break;
    case RequestParser::Progress::kFailed:
      after_ = After::kClose;
      refuse(Response::problem(work_->parser.failure(), "malformed", work_->parser.failure_text()));
      break;
  }
  return used;
}

void Connection::expect_more() {
  needs_more_ = true;
  const RequestParser& parser = work_->parser;
  if (!parser.started()) {  // empty lines only
    give_back_work();
    return;
  }
  if (parser.head_done()) {
    // The deadline moves with the bytes, so that a large body over a slow link gets through and a
    // trickle does not.
    const std::size_t stride = parser.body_received() / kBodyStride;
    if (late_ && stride == body_stride_) return;
    body_stride_ = stride;
    late_ = true;
    set_deadline(thread_.limits().body_timeout);
  } else if (!late_) {
    late_ = true;
    set_deadline(thread_.limits().header_timeout);
  }
}

Result<void> Connection::admit() {
  const Peer& peer = request_.peer;
  if (peer.role == Role::kNone) return {};
  // The handshake checked it; a connection or a session may outlive it, and clocks are set back.
  const auto now = std::chrono::system_clock::now();
  if (now < peer_begins_) return fail(Errc::kDenied, "the client certificate is not valid yet");
  if (now >= peer_expires_) {
    const auto& ended = thread_.shared().hooks.admit_ended;
    if (peer.role == Role::kDevice && ended) {
      if (auto admitted = ended(peer.name, peer.serial, peer.address); !admitted) return admitted;
      if (asks_for_renewal()) {
        // What comes next is to show the new certificate: neither on this connection nor by its
        // session.
        after_ = After::kClose;
        tls_.forget_session();
        return {};
      }
    }
    return fail(Errc::kDenied, "the client certificate has expired");
  }
  const ServerHooks& hooks = thread_.shared().hooks;
  const auto& hook = peer.role == Role::kDevice ? hooks.admit_device : hooks.admit_operator;
  if (!hook) return {};
  return hook(peer.name, peer.serial);
}

// The route is looked for once more where the request goes on.
bool Connection::asks_for_renewal() {
  const RequestHead& head = work_->parser.head();
  if (!head.method_known || !work_->target.parse(head.target)) return false;
  const Match match = thread_.shared().router->match(head.method, work_->target.path);
  return match.route != nullptr && match.route->ended_certificate;
}

// Everything that can be said before the body is read. `rest`: what of it is here already. False
// where the request has been answered.
bool Connection::check_head(std::string_view rest) {
  const RequestHead& head = work_->parser.head();
  after_ = !head.keep_alive ? After::kClose : head.http10 ? After::kKeepOpenTold : After::kKeepOpen;
  head_only_ = head.method_known && head.method == Method::kHead;
  is_get_ = head.method_known && (head.method == Method::kGet || head_only_);
  late_ = false;  // the body has a time of its own
  if (auto admitted = admit(); !admitted) {
    after_ = After::kClose;
    tls_.forget_session();
    const bool ended = std::chrono::system_clock::now() >= peer_expires_;
    refuse(Response::problem(403, ended ? "certificate-expired" : "not-admitted",
                             admitted.error().context));
    return false;
  }
  if (bucket_ && !bucket_->take(std::chrono::steady_clock::now(),
                                thread_.limits().requests_per_second_per_device)) {
    work_->over_rate = true;  // a body is read first: closing would cost the client a handshake
  }
  if (!work_->over_rate && !route_request()) return false;
  if (!work_->over_rate && head.content_length > 0 && !ask_who_it_is()) return false;
  const std::uint64_t limit = body_limit();
  if (head.content_length > limit) {
    refuse(Response::problem(413, "body-too-large",
                             "the body has " + std::to_string(head.content_length) +
                                 " bytes; at most " + std::to_string(limit) + " are taken here"));
    return false;
  }
  if (head.expects_continue && rest.size() < head.content_length) {
    std::size_t put = 0;
    if (tls_.write(kContinue, put) != TlsStream::Outcome::kDone) {
      close();  // a fresh request over a full socket: nobody reads there
      return false;
    }
  }
  return true;
}

// Before a byte of the body is taken; false where the request has been answered.
bool Connection::ask_who_it_is() {
  const Route& route = *work_->match.route;
  if (route.check_head) {
    show_request();
    std::optional<Response> refused;
    try {
      refused = route.check_head(request_);
    } catch (const std::exception&) {  // its words are for nobody outside
      refused = Response::problem(500, "internal", "the request could not be looked at");
    }
    hide_request();
    if (refused) {
      refuse(std::move(*refused));
      return false;
    }
    if (!spoken_for_.empty() && !become_known(ConnectionPlaces::Standing::kDevice)) return false;
  }
  if (route.kept_body > 0) work_->parser.keep_body(route.kept_body);
  return true;
}

std::uint64_t Connection::body_limit() const {
  const model::ServerLimits& limits = thread_.limits();
  const bool large =
      !work_->over_rate && work_->match.route != nullptr && work_->match.route->large_body;
  const std::uint64_t limit = large ? limits.import_bytes : limits.body_bytes;
  const bool stranger = request_.peer.role == Role::kNone && spoken_for_.empty();
  return stranger ? std::min<std::uint64_t>(limit, limits.stranger_body_bytes) : limit;
}

// Bodies that are on their way share a budget; operators' imports have their own limit.
bool Connection::charge_body() {
  if (request_.peer.role == Role::kOperator) return true;
  const std::size_t kept = work_->parser.body_kept();
  if (thread_.shared().bodies.take(kept - body_charged_, thread_.limits().body_memory_bytes)) {
    body_charged_ = kept;
    return true;
  }
  after_ = After::kClose;
  Response busy = Response::problem(503, "busy", "too many bodies are on their way already");
  busy.headers.emplace_back("Retry-After", "2");
  refuse(std::move(busy));
  return false;
}

void Connection::give_back_work() {
  if (body_charged_ > 0) thread_.shared().bodies.give(std::exchange(body_charged_, 0));
  thread_.take_back(std::move(work_));
}

bool Connection::route_request() {
  const RequestHead& head = work_->parser.head();
  if (auto parsed = work_->target.parse(head.target); !parsed) {
    refuse(Response::problem(400, "bad-target", parsed.error().context));
    return false;
  }
  if (!head.method_known) {
    refuse(Response::problem(501, "unknown-method", "methods are GET, HEAD, POST, PUT, DELETE"));
    return false;
  }
  const Router& router = *thread_.shared().router;
  work_->match = router.match(head.method, work_->target.path);
  if (work_->match.route == nullptr) {
    if (!work_->match.path_known) {
      refuse(Response::problem(404, "no-route", "there is nothing at this path"));
      return false;
    }
    Response response = Response::problem(405, "wrong-method", "not with this method");
    response.headers.emplace_back("Allow", router.allowed_methods(work_->target.path));
    refuse(std::move(response));
    return false;
  }
  if (auto allowed = authorize(work_->match.route->access, request_.peer); !allowed) {
    const bool nobody = request_.peer.role == Role::kNone;
    if (nobody) {
      thread_.shared().refused(thread_.counters(), request_.peer.address, "no client certificate",
                               std::chrono::steady_clock::now());
    }
    refuse(Response::problem(nobody ? 401 : 403, nobody ? "no-certificate" : "wrong-role",
                             allowed.error().context));
    return false;
  }
  return true;
}

void Connection::dispatch() {
  if (work_->over_rate) {
    give_back_work();
    begin_answer(Response::too_many(
        "rate-limited", "more than " +
                            std::to_string(thread_.limits().requests_per_second_per_device) +
                            " requests a second"));
    return;
  }
  Counters::add(thread_.counters().requests);
  hand_over();
}

// What is valid while a handler or a route's head check runs.
void Connection::show_request() {
  const RequestHead& head = work_->parser.head();
  request_.method = head.method;
  request_.path = work_->target.path;
  request_.params.swap(work_->match.params);
  request_.query.swap(work_->target.query);
  request_.if_none_match = head.if_none_match;
  request_.range = head.range;
  request_.authorization = head.authorization;
  // RFC 9112 section 3.2.2: the target's own authority goes before Host.
  request_.host = work_->target.authority.empty() ? head.host : work_->target.authority;
  request_.user_agent = head.user_agent;
}

void Connection::hide_request() {
  request_.params.swap(work_->match.params);
  request_.query.swap(work_->target.query);
  request_.path = request_.body = request_.if_none_match = request_.range = {};
  request_.authorization = request_.host = request_.user_agent = {};
}

void Connection::hand_over() {
  const RequestHead& head = work_->parser.head();
  show_request();
  request_.body = work_->parser.body();
  if (is_get_ && (!head.if_none_match.empty() || !head.range.empty())) {
    wish_ = std::make_unique<FileWish>(FileWish{head.if_none_match, head.if_range, head.range});
  }
  request_number_ = thread_.next_request();
  if (!room_) room_ = std::make_shared<ExchangeRoom>();
  const auto exchange = make_exchange(room_, thread_.mailbox(), weak_from_this(), request_number_);
  try {
    work_->match.route->handler(request_, Responder(exchange));
  } catch (const std::exception&) {
    // What a library says of it is none of a client's business.
    exchange->send(Response::problem(500, "internal", "the server failed at this request"));
  }
  auto answered = exchange->end_dispatch();
  hide_request();
  give_back_work();
  if (!known_ && !spoken_for_.empty() && !become_known(ConnectionPlaces::Standing::kDevice)) return;
  if (answered) {
    begin_answer(std::move(*answered));
    return;
  }
  exchange_ = exchange;
  phase_ = Phase::kParked;
  parked_since_ = std::chrono::steady_clock::now();
  set_deadline(kHandlerPatience);
}

// Answers without a handler. A body that was announced is not read: the connection ends.
void Connection::refuse(Response response) {
  if (work_->parser.head_done() && work_->parser.head().content_length > 0) {
    after_ = After::kClose;
  }
  give_back_work();
  begin_answer(std::move(response));
}

}  // namespace ota::http

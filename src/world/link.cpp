#include "world/link.h"

#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "http/range.h"
#include "model/settings.h"
#include "pki/authority.h"
#include "pki/x509.h"

namespace ota::world {
namespace {

constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr std::size_t kMostFile = 64U << 20;
constexpr milliseconds kLatest{60'000};

// What a report says too: of two machines under one name a story must tell who said what.
std::string words_of(const Request& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  std::string words = request.method == http::Method::kGet   ? "GET "
                      : request.method == http::Method::kPut ? "PUT "
                                                             : "POST ";
  words += path;
  const bool report = path.ends_with("/report"), feedback = path.ends_with("/feedback");
  if (!report && !feedback) return words;
  const auto said = parse_json(request.body);
  if (said && said->contains(report ? "state" : "status"))
    words += " " + (report ? (*said)["state"] : (*said)["status"]["execution"]).dump();
  if (said && feedback) words += " " + (*said)["status"]["result"]["finished"].dump();
  return words;
}

}  // namespace

// A request between its sending and its end, whichever side knows of it.
struct Flight {
  std::shared_ptr<Fiber> waits;  // null: the client has gone
  std::optional<http::Response> answer;
  std::function<void()> close;  // tells the server
};

Link::Link(Timeline& timeline, Trace& trace, Server& server, std::string machine,
           std::string address, Random random, LinkFaults faults)
    : timeline_(timeline),
      trace_(trace),
      server_(server),
      machine_(std::move(machine)),
      address_(std::move(address)),
      random_(random),
      faults_(faults) {}

void Link::calm() {
  const std::uint64_t speed = std::max<std::uint64_t>(faults_.bytes_per_second, 64 * 1024);
  faults_ = LinkFaults{};
  faults_.bytes_per_second = speed;
  up_ = true;
}

milliseconds Link::way() {
  if (faults_.late > 0 && random_.chance(faults_.late))
    return random_.between(faults_.most, kLatest);
  return random_.between(faults_.least, faults_.most);
}

// Where it arrives, the server answers, now or later; the answer takes its way back.
void Link::send(const Request& request, const std::shared_ptr<Flight>& flight) {
  const bool answer_lost = random_.chance(faults_.unanswered);
  const milliseconds back = way();
  timeline_.after(way(), [this, request, flight, answer_lost, back] {
    if (!up_) return;
    if (!server_.up()) {
      timeline_.after(back, [this, flight] {
        if (!flight->waits) return;
        http::Response refused;
        refused.status = Server::kReset;
        flight->answer = std::move(refused);
        timeline_.wake(flight->waits);
      });
      return;
    }
    auto close =
        server_.ask(request, [this, request, flight, answer_lost, back](http::Response response) {
          flight->close = nullptr;
          if (answered) answered(request, response);
          trace_.add(machine_, words_of(request) + " -> " + std::to_string(response.status) +
                                   (answer_lost ? ", the answer is lost" : ""));
          if (answer_lost) return;
          timeline_.after(back, [this, flight, response = std::move(response)]() mutable {
            if (!up_ || !flight->waits || flight->answer) return;
            flight->answer = std::move(response);
            timeline_.wake(flight->waits);
          });
        });
    if (!flight->waits) return close();
    flight->close = std::move(close);
  });
}

Result<http::Response> Link::call(const Request& request, milliseconds patience,
                                  const std::function<bool()>& closed) {
  const auto flight = std::make_shared<Flight>();
  flight->waits = timeline_.current();
  const MonoTime until = timeline_.now() + patience;
  if (!random_.chance(faults_.lost)) send(request, flight);
  if (random_.chance(faults_.twice)) send(request, flight);
  // Whatever ends the wait, also a power cut: from then on nobody is here.
  struct Leave {
    Link& link;
    Flight& flight;
    ~Leave() {
      flight.waits = nullptr;
      if (!flight.close || flight.answer) return;
      const bool unheard = link.random_.chance(link.faults_.half_open) || !link.up_;
      auto close = std::exchange(flight.close, nullptr);
      if (!unheard) link.timeline_.after(link.way(), std::move(close));
    }
  };
  const Leave leave{*this, *flight};
  while (!flight->answer) {
    if (closed()) return fail(Errc::kUnavailable, "closed");
    if (timeline_.now() >= until) return fail(Errc::kTimeout, "no answer in time");
    timeline_.wait(until);
  }
  if (flight->answer->status == Server::kReset)
    return fail(Errc::kUnavailable, "the connection was refused or reset");
  return std::move(*flight->answer);
}

bool Link::piece(std::size_t bytes, const std::function<bool()>& closed) {
  const auto micros = bytes * 1'000'000 / std::max<std::uint64_t>(faults_.bytes_per_second, 1);
  const MonoTime until = timeline_.now() + std::chrono::microseconds(micros);
  while (timeline_.now() < until) {
    if (closed()) return false;
    timeline_.wait(until);
  }
  return up_ && server_.up() && !random_.chance(faults_.cut);
}

LinkedRequester::LinkedRequester(Timeline& timeline, Server& server, Link& link,
                                 const NodeClock& clock, http::ClientOptions options,
                                 std::function<bool()> dead)
    : timeline_(timeline),
      server_(server),
      link_(link),
      clock_(clock),
      options_(std::move(options)),
      dead_(std::move(dead)) {}

LinkedRequester::~LinkedRequester() = default;

void LinkedRequester::cancel() {
  cancelled_ = true;
  if (waiting_) timeline_.wake(waiting_);
}

void LinkedRequester::close() {
  closed_ = true;
  if (waiting_) timeline_.wake(waiting_);
}

// What TLS would find out, with the certificates that lie in the files now.
Result<void> LinkedRequester::shake_hands(Request& request) {
  if (!connected_) {
    const auto [begins, ends] = server_.certificate_term();
    const WallTime now = clock_.wall();
    if (now < begins || now >= ends)
      return fail(Errc::kDenied, "the server's certificate is not valid at this device's time");
    if (!options_.authority_fingerprint.empty()) {
      if (options_.authority_fingerprint != server_.fingerprint())
        return fail(Errc::kDenied, "the server shows another authority");
    } else {
      const auto authority = read_file(options_.authority, pki::kMaxPemBytes);
      if (!authority) return authority.error();
      if (*authority != server_.authority_pem())
        return fail(Errc::kDenied, "the server's certificate is of another authority");
    }
    peer_ = {};
    if (!options_.certificate.empty()) {
      const auto pem = read_file(options_.certificate, pki::kMaxPemBytes);
      if (!pem) return pem.error();
      const auto certificate = pki::parse_certificate(*pem);
      if (!certificate) return certificate.error();
      X509* own = certificate->get();
      peer_.role = http::Role::kDevice;
      peer_.name = pki::subject_field(own, NID_commonName);
      peer_.serial = pki::serial_hex(own);
      begins_ = pki::not_before(own);
      ends_ = pki::not_after(own);
    }
    peer_.address = link_.address();
    connected_ = true;
  }
  request.peer = peer_;
  request.certificate_begins = begins_;
  request.certificate_ends = peer_.role == http::Role::kDevice ? ends_ : WallTime::max();
  return {};
}

Result<http::Response> LinkedRequester::call(Request request, milliseconds timeout) {
  if (dead_()) timeline_.end_here();
  if (closed_) return fail(Errc::kUnavailable, "closed");
  // A server ends a connection that is silent for long.
  if (timeline_.now() - answered_at_ >= model::ServerLimits{}.idle_timeout) connected_ = false;
  if (auto shaken = shake_hands(request); !shaken) return shaken.error();
  cancelled_ = false;
  request.user_agent = options_.user_agent;
  waiting_ = timeline_.current();
  auto answer = link_.call(request, timeout == milliseconds{} ? options_.timeout : timeout,
                           [this] { return closed_ || cancelled_; });
  waiting_ = nullptr;
  answered_at_ = timeline_.now();
  if (!answer) connected_ = false;
  return answer;
}

Result<http::Reply> LinkedRequester::reply(const std::string& target, http::Response response,
                                           std::size_t max_bytes) const {
  http::Reply out;
  out.status = response.status;
  if (response.file) {
    auto body =
        read_file(std::filesystem::path(response.file->folder) / response.file->path, max_bytes);
    if (!body && body.error().code == Errc::kNotFound) {
      out.status = 404;
    } else if (!body) {
      return body.error();
    } else {
      out.body = std::move(*body);
    }
  } else {
    if (response.body.size() > max_bytes) return fail(Errc::kLimit, "the answer is too long");
    out.body = std::move(response.body);
  }
  out.content_type = response.content_type;
  for (const auto& [name, value] : response.headers) {
    if (name == "Retry-After") out.retry_after = value;
  }
  out.date = std::chrono::floor<seconds>(server_.clock().wall());
  if (Tap* tap = link_.tap()) {
    Request asked;
    asked.target = target;
    asked.peer = peer_;
    tap->heard(asked, out);
  }
  return out;
}

Result<http::Reply> LinkedRequester::do_get(const std::string& path, std::size_t max_bytes,
                                            milliseconds timeout) {
  Request request;
  request.target = path;
  auto answer = call(std::move(request), timeout);
  if (!answer) return answer.error();
  return reply(path, std::move(*answer), max_bytes);
}

Result<http::Reply> LinkedRequester::do_post(const std::string& path, std::string_view body,
                                             std::size_t max_bytes, milliseconds timeout) {
  Request request;
  request.method = http::Method::kPost;
  request.target = path;
  request.body = std::string(body);
  auto answer = call(std::move(request), timeout);
  if (!answer) return answer.error();
  return reply(path, std::move(*answer), max_bytes);
}

Result<http::Reply> LinkedRequester::download(const std::string& path, const Download& options,
                                              const Sink& sink,
                                              const std::function<void()>& restart) {
  (void)restart;  // the server honours every range
  Request request;
  request.target = path;
  const std::string range = options.range().empty() ? "" : "bytes=" + options.range();
  request.range = range;
  const MonoTime until = timeline_.now() + options.timeout;
  auto answer = call(std::move(request), milliseconds(30'000));
  if (!answer) return answer.error();
  if (!answer->file) return reply(path, std::move(*answer), 65536);
  const auto whole =
      read_file(std::filesystem::path(answer->file->folder) / answer->file->path, kMostFile);
  http::Reply out;
  out.status = 404;
  if (!whole) return out;
  const auto chosen = range.empty()
                          ? http::RangeChoice{http::RangeChoice::Kind::kWhole, 0, whole->size()}
                          : http::choose_range(range, whole->size());
  out.status = chosen.kind == http::RangeChoice::Kind::kUnsatisfiable ? 416
               : chosen.kind == http::RangeChoice::Kind::kPart        ? 206
                                                                      : 200;
  if (out.status == 416) return out;
  const auto watch = std::move(answer->file->watch);
  const auto gone = [this] { return closed_ || cancelled_; };
  std::uint64_t at = chosen.first;
  const std::uint64_t end = chosen.first + chosen.length;
  while (at < end) {
    const std::size_t size = std::min<std::uint64_t>(kPieceBytes, end - at);
    waiting_ = timeline_.current();
    const bool came = link_.piece(size, gone);
    waiting_ = nullptr;
    answered_at_ = timeline_.now();
    if (!came) {
      connected_ = false;
      return fail(Errc::kUnavailable, gone() ? "interrupted" : "the transfer was cut");
    }
    if (timeline_.now() > until) return fail(Errc::kTimeout, "the transfer took too long");
    if (at + size > options.max_bytes) return fail(Errc::kLimit, "more than was announced");
    if (watch) watch->sent(at, size);
    if (watch && link_.came) link_.came(peer_.name, size);
    std::string bytes = whole->substr(at, size);
    if (Tap* tap = link_.tap()) tap->piece(bytes);
    if (auto taken = sink(bytes); !taken) return taken.error();
    at += size;
  }
  return out;
}

}  // namespace ota::world

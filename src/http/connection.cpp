#include "http/connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "http/file_send.h"

namespace ota::http {
namespace {

// Steps in a row before other connections get their turn.
constexpr unsigned kFairTurns = 32;
// Pipelined bytes that are taken while a request waits for its answer.
constexpr std::size_t kMaxPipelined = 16 * 1024;
constexpr milliseconds kLingerPatience{2000};
constexpr std::uint64_t kLingerBytes = 1U << 20;
// A GET that has waited this long is waiting for something to happen: it may be asked again.
constexpr milliseconds kDrainPatience{500};

}  // namespace

std::shared_ptr<Connection> Connection::make(IoThread& thread, Socket socket, std::string address,
                                             const ConnectionPlaces::PlacePtr& place) {
  ServerShared& shared = thread.shared();
  // Counted before it exists: whichever way it goes, close() or here, it is counted out once.
  try {
    boost::system::error_code ignored;
    socket.native_non_blocking(true, ignored);
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);  // not for child agents
    return std::shared_ptr<Connection>(
        new Connection(thread, std::move(socket), std::move(address), place));
  } catch (const std::exception&) {
    shared.places.leave(place);
    return nullptr;
  }
}

Connection::Connection(IoThread& thread, Socket socket, std::string address,
                       ConnectionPlaces::PlacePtr place)
    : thread_(thread),
      place_(std::move(place)),
      socket_(std::move(socket)),
      tls_(thread.shared().tls()->native(), socket_.native_handle()) {
  request_.peer.address = std::move(address);
  request_.spoken_for = &spoken_for_;
  request_.connection = ++thread.shared().last_connection;
  boost::system::error_code ignored;
  const auto end = socket_.remote_endpoint(ignored);
  const auto ip = end.address();
  request_.peer.loopback = ip.is_loopback() || request_.peer.address.starts_with("127.");
}

Connection::~Connection() = default;

void Connection::start() {
  place_->connection = this;
  set_deadline(thread_.limits().handshake_timeout);
  advance();
}

bool Connection::serves(const std::string& device) const {
  return spoken_for_ == device ||
         (request_.peer.role == Role::kDevice && request_.peer.name == device);
}

void Connection::advance() {
  if (running_) return;
  running_ = true;
  Step step = Step::kGoOn;
  for (unsigned turn = 0; step == Step::kGoOn; ++turn) {
    if (turn == kFairTurns) {
      yield();
      break;
    }
    switch (phase_) {
      case Phase::kHandshake:
        step = handshake_step();
        break;
      case Phase::kReading:
        step = read_step();
        break;
      case Phase::kParked:
        step = watch_step();
        break;
      case Phase::kWriting:
        step = write_step();
        break;
      case Phase::kLinger:
        step = linger_step();
        break;
      case Phase::kFile:
      case Phase::kClosed:
        step = Step::kWait;
        break;
    }
  }
  running_ = false;
}

Connection::Step Connection::handshake_step() {
  const auto outcome = tls_.handshake();
  if (outcome == TlsStream::Outcome::kDone) {
    established();
    return Step::kGoOn;
  }
  if (outcome == TlsStream::Outcome::kWantRead || outcome == TlsStream::Outcome::kWantWrite) {
    return await(outcome);
  }
  const std::string reason = tls_.handshake_failure();
  if (reason.empty()) {
    close();
    return Step::kWait;
  }
  thread_.shared().refused(thread_.counters(), request_.peer.address, reason,
                           std::chrono::steady_clock::now());
  begin_linger();  // the alert that says why must arrive
  return Step::kGoOn;
}

void Connection::established() {
  tls_.fill_peer(request_.peer);
  peer_begins_ = tls_.peer_begins();
  peer_expires_ = tls_.peer_expires();
  if (request_.peer.role == Role::kDevice) {
    bucket_ = thread_.shared().buckets.of(request_.peer.name);
  } else if (request_.peer.role == Role::kNone) {
    bucket_ = std::make_shared<RateBucket>();
  }
  phase_ = Phase::kReading;
  set_deadline(thread_.limits().idle_timeout);
  // A device's certificate says who it was made for; whether that is still one of ours is asked.
  if (request_.peer.role == Role::kOperator) {
    become_known(ConnectionPlaces::Standing::kOperator);
  } else if (request_.peer.role == Role::kDevice && is_known_device()) {
    become_known(ConnectionPlaces::Standing::kDevice);
  }
}

// One whose certificate has ended is a stranger until it is renewed: what it asks for decides, and
// no request has been read yet.
bool Connection::is_known_device() {
  if (std::chrono::system_clock::now() >= peer_expires_ || !admit()) return false;
  const auto& hook = thread_.shared().hooks.knows_device;
  return !hook || hook(request_.peer.name, request_.peer.serial).has_value();
}

bool Connection::become_known(ConnectionPlaces::Standing standing) {
  if (known_) return true;
  known_ = thread_.shared().places.known(place_, standing, thread_.limits());
  if (known_) return true;
  Counters::add(thread_.counters().limited);
  close();
  return false;
}

Connection::Step Connection::read_step() {
  if (!pending_.empty() && !needs_more_) {
    pending_.erase(0, consume(pending_));
    return Step::kGoOn;
  }
  if (!readable_ && !tls_.has_buffered()) {
    await_read();
    return Step::kWait;
  }
  const auto buffer = thread_.read_buffer();
  std::size_t got = 0;
  const auto outcome = tls_.read(buffer, got);
  readable_ = false;
  if (outcome != TlsStream::Outcome::kDone) return await(outcome);
  const std::string_view fresh(buffer.data(), got);
  if (pending_.empty()) {
    const std::size_t used = consume(fresh);
    pending_.assign(fresh.substr(used));
  } else {
    pending_ += fresh;
    pending_.erase(0, consume(pending_));
  }
  if (pending_.empty() && pending_.capacity() > 1024) pending_ = std::string();
  return Step::kGoOn;
}

// A request waits for its answer: is the client still there?
Connection::Step Connection::watch_step() {
  if (pending_.size() >= kMaxPipelined) return Step::kWait;
  if (!readable_ && !tls_.has_buffered()) {
    await_read();
    return Step::kWait;
  }
  const auto buffer = thread_.read_buffer();
  std::size_t got = 0;
  const auto outcome = tls_.read(buffer, got);
  readable_ = false;
  if (outcome != TlsStream::Outcome::kDone) return await(outcome);
  pending_.append(buffer.data(), got);
  return Step::kGoOn;
}

Connection::Step Connection::linger_step() {
  const auto buffer = thread_.read_buffer();
  while (lingered_ < kLingerBytes) {
    const ssize_t got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      lingered_ += static_cast<std::uint64_t>(got);
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      await_read();
      return Step::kWait;
    }
    break;
  }
  close();
  return Step::kWait;
}

Connection::Step Connection::await(TlsStream::Outcome outcome) {
  switch (outcome) {
    case TlsStream::Outcome::kWantRead:
      await_read();
      break;
    case TlsStream::Outcome::kWantWrite:
      await_write();
      break;
    case TlsStream::Outcome::kDone:
      return Step::kGoOn;
    case TlsStream::Outcome::kClosed:
    case TlsStream::Outcome::kFailed:
      close();
      break;
  }
  return Step::kWait;
}

void Connection::await_read() {
  if (std::exchange(read_armed_, true)) return;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->read_armed_ = false;
                       if (error) return;
                       self->readable_ = true;
                       self->advance();
                     });
}

void Connection::await_write() {
  if (std::exchange(write_armed_, true)) return;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->write_armed_ = false;
                       if (!error) self->advance();
                     });
}

void Connection::yield() {
  boost::asio::post(thread_.context(), [self = shared_from_this()] { self->advance(); });
}

void Connection::set_deadline(milliseconds patience) {
  thread_.set_deadline(*this, std::chrono::steady_clock::now() + patience);
}

void Connection::answer(std::uint64_t request, Response response) {
  if (phase_ != Phase::kParked || request != request_number_) return;
  const auto self = shared_from_this();
  begin_answer(std::move(response));
  advance();
}

void Connection::on_deadline(MonoTime now) {
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::kHandshake:
      thread_.shared().refused(thread_.counters(), request_.peer.address,
                               "TLS handshake not finished in time", now);
      close();
      return;
    case Phase::kReading:
      if (work_ && work_->parser.started()) {
        after_ = After::kClose;
        refuse(Response::problem(408, "too-slow", "the request did not arrive in time"));
        advance();
        return;
      }
      tls_.shut_down();
      close();
      return;
    case Phase::kParked:
      after_ = After::kClose;
      begin_answer(Response::problem(504, "timeout", "the server found no answer in time"));
      advance();
      return;
    default:
      close();
  }
}

void Connection::drain(MonoTime now) {
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::kHandshake:
      close();
      return;
    case Phase::kReading:
      if (work_ != nullptr || !pending_.empty()) return;
      tls_.shut_down();
      close();
      return;
    case Phase::kParked:
      if (!is_get_ || now - parked_since_ < kDrainPatience) return;
      begin_answer(Response::problem(503, "shutting-down", "the server is shutting down"));
      advance();
      return;
    default:
      return;
  }
}

void Connection::begin_linger() {
  tls_.shut_down();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  phase_ = Phase::kLinger;
  set_deadline(kLingerPatience);
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  phase_ = Phase::kClosed;
  thread_.clear_deadline(*this);
  give_back_work();
  place_->connection = nullptr;
  file_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
  thread_.shared().places.leave(place_);
  thread_.remove(*this);
  if (const auto& hook = thread_.shared().hooks.connection_closed) hook(request_.connection);
  if (const auto exchange = exchange_.lock()) exchange->connection_closed();
}

}  // namespace ota::http

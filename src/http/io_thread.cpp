#include "http/io_thread.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "http/connection.h"
#include "http/response_head.h"

namespace ota::http {
namespace {

// Four TLS records: a telemetry post is one, an import comes in few reads.
constexpr std::size_t kReadBytes = 64 * 1024;
// Measured beside nginx: 64 KiB 0.82 of its speed with one client, 128 KiB 1.08; what telemetry
// posts wait beside 16 downloads is the same with both.
constexpr std::size_t kFileBytes = 128 * 1024;
constexpr std::size_t kIdleWork = 64;

MonoTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

IoThread::IoThread(ServerShared& shared, const model::ServerLimits& limits)
    : shared_(shared),
      limits_(limits),
      work_(boost::asio::make_work_guard(context_)),
      wheel_(now()),
      timer_(context_),
      pacing_(context_),
      read_buffer_(kReadBytes),
      file_buffer_(kFileBytes) {
  mailbox_ = std::make_shared<Mailbox>(
      [this] { boost::asio::post(context_, [this] { mailbox_->run(); }); });
}

IoThread::~IoThread() {
  stop();
  join();
}

void IoThread::start() {
  thread_ = std::thread([this] {
    // Signals belong to the main thread; a peer that goes away must not raise SIGPIPE here.
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    context_.run();
  });
}

void IoThread::stop() {
  work_.reset();
  context_.stop();
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
  close_all();
  mailbox_->close();
}

void IoThread::adopt(Socket socket, std::string address, const ConnectionPlaces::PlacePtr& place) {
  if (shared_.places.has_to_go(place)) return shared_.places.leave(place);
  auto connection = Connection::make(*this, std::move(socket), std::move(address), place);
  if (!connection) return;
  connections_.emplace(connection.get(), connection);
  connection->start();
}

void IoThread::remove(Connection& connection) {
  connections_.erase(&connection);
}

void IoThread::disconnect(const std::string& device) {
  std::vector<std::shared_ptr<Connection>> matching;
  for (const auto& [key, connection] : connections_) {
    if (connection->serves(device)) matching.push_back(connection);
  }
  for (const auto& connection : matching)
    connection->close();
}

void IoThread::drain() {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_)
    all.push_back(connection);
  for (const auto& connection : all)
    connection->drain(now());
}

void IoThread::close_all() {
  turns_.clear();
  auto all = std::exchange(connections_, {});
  for (const auto& [key, connection] : all)
    connection->close();
}

void IoThread::set_deadline(DeadlineWheel::Entry& entry, MonoTime due) {
  wheel_.set(entry, due);
  if (!armed_ || due < armed_at_) arm();
}

void IoThread::arm() {
  const auto next = wheel_.next();
  if (!next || (armed_ && *next >= armed_at_)) return;
  armed_ = true;
  armed_at_ = *next;
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // armed anew for an earlier moment
    armed_ = false;
    const MonoTime present = now();
    while (DeadlineWheel::Entry* entry = wheel_.expire(present)) {
      // The connection is alive: it takes itself off the wheel when it closes.
      static_cast<Connection*>(entry)->on_deadline(present);
    }
    arm();
  });
}

void IoThread::queue_turn(std::shared_ptr<Connection> connection) {
  turns_.push_back(std::move(connection));
  if (!turn_posted_) post_turn();
}

void IoThread::post_turn() {
  turn_posted_ = true;
  boost::asio::post(context_, [this] { give_turn(); });
}

void IoThread::give_turn() {
  turn_posted_ = false;
  if (turns_.empty()) return;
  if (const milliseconds wait = shared_.downloads.wait(now()); wait > milliseconds(0)) {
    turn_posted_ = true;
    pacing_.expires_after(wait);
    pacing_.async_wait([this](const boost::system::error_code& error) {
      if (!error) give_turn();
    });
    return;
  }
  const auto connection = std::move(turns_.front());
  turns_.pop_front();
  if (!turns_.empty()) post_turn();
  connection->take_turn();
}

std::unique_ptr<RequestWork> IoThread::lend_work() {
  if (idle_work_.empty()) return std::make_unique<RequestWork>();
  auto work = std::move(idle_work_.back());
  idle_work_.pop_back();
  return work;
}

void IoThread::take_back(std::unique_ptr<RequestWork> work) {
  if (!work || idle_work_.size() >= kIdleWork) return;
  work->parser.give_back_memory();
  idle_work_.push_back(std::move(work));
}

const std::string& IoThread::date() {
  const auto wall = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  const std::int64_t second = std::chrono::floor<seconds>(wall).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(wall);
  }
  return date_;
}

}  // namespace ota::http

// One thread that serves connections: its event loop, timer wheel, mailbox and the buffers that its
// connections share because only one of them runs at a time.
//
// Order at the end: close_all() on the thread, stop(), join(), then the mailbox is closed. Thread:
// the constructor, start(), stop() and join() from the server's; post() any; the rest its own.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http/deadline_wheel.h"
#include "http/mailbox.h"
#include "http/request_parser.h"
#include "http/router.h"
#include "http/server_shared.h"
#include "http/target.h"
#include "model/settings.h"

namespace ota::http {

class Connection;

// The executor's type is spelled out: any_io_executor costs 2,800 instructions a request.
using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>,
                                                boost::asio::io_context::executor_type>;

// What a request needs while it is read, lent to a connection from its first byte to its handler.
struct RequestWork {
  RequestParser parser;
  Target target;
  Match match;
  bool over_rate = false;
};

class IoThread {
 public:
  IoThread(ServerShared& shared, const model::ServerLimits& limits);
  ~IoThread();

  void start();
  void stop();
  void join();
  void post(Mailbox::Work work) { mailbox_->post(std::move(work)); }
  boost::asio::io_context& context() { return context_; }

  // On this thread from here on.
  void adopt(Socket socket, std::string address, const ConnectionPlaces::PlacePtr& place);
  void remove(Connection& connection);
  void disconnect(const std::string& device);
  void drain();
  void close_all();

  ServerShared& shared() { return shared_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  const model::ServerLimits& limits() const { return limits_; }
  void set_limits(const model::ServerLimits& limits) { limits_ = limits; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  void set_deadline(DeadlineWheel::Entry& entry, MonoTime due);
  void clear_deadline(DeadlineWheel::Entry& entry) { wheel_.clear(entry); }

  // Downloads take turns: one piece of one of them, then whatever else became ready, then the next.
  // A thread full of downloads so answers a small request after one piece, not after one of each.
  // Paced ones wait here as well.
  void queue_turn(std::shared_ptr<Connection> connection);

  std::unique_ptr<RequestWork> lend_work();
  void take_back(std::unique_ptr<RequestWork> work);
  std::span<char> read_buffer() { return read_buffer_; }
  std::span<char> file_buffer() { return file_buffer_; }
  std::string& write_buffer() { return write_buffer_; }
  const std::string& date();
  std::uint64_t next_request() { return ++last_request_; }

 private:
  void arm();
  void post_turn();
  void give_turn();

  ServerShared& shared_;
  model::ServerLimits limits_;
  Counters counters_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::shared_ptr<Mailbox> mailbox_;
  DeadlineWheel wheel_;
  Timer timer_;
  bool armed_ = false;
  MonoTime armed_at_{};
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::deque<std::shared_ptr<Connection>> turns_;
  bool turn_posted_ = false;  // or the pacing timer is set
  Timer pacing_;
  std::vector<std::unique_ptr<RequestWork>> idle_work_;
  std::vector<char> read_buffer_;
  std::vector<char> file_buffer_;
  std::string write_buffer_;
  std::string date_;
  std::int64_t date_second_ = -1;
  std::uint64_t last_request_ = 0;
  std::thread thread_;
};

}  // namespace ota::http

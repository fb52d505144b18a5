// One client's connection, from the TLS handshake to its end.
//
//   kHandshake ─► kReading ─► kParked ─► kWriting ─► kReading (keep-alive) …
//                    │            └► kFile ─┘ │
//                    └── a request refused ──►┴─► kLinger ─► kClosed
//
// kParked is a request whose handler answers later; the client going away is noticed there. kFile
// waits for a disk. kLinger has answered and reads on until the client hangs up, so that an answer
// is not lost to a reset (RFC 9112 section 9.6). Each phase has a deadline. One request is in work
// at a time; pipelined ones wait in the order they came.
//
// Nothing here waits: each step does what the socket allows and then asks to be called again.
//
// Thread: its io thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/io_thread.h"
#include "http/response_head.h"
#include "http/tls_stream.h"

namespace ota::http {

class Connection final : public AnswerTarget,
                         public DeadlineWheel::Entry,
                         public std::enable_shared_from_this<Connection> {
 public:
  // Null where there is no memory for it, or the client has gone already.
  static std::shared_ptr<Connection> make(IoThread& thread, Socket socket, std::string address,
                                          const ConnectionPlaces::PlacePtr& place);
  ~Connection() override;

  void start();
  void answer(std::uint64_t request, Response response) override;
  void on_deadline(MonoTime now);
  // The next piece of a file may go (IoThread::queue_turn).
  void take_turn();
  // By its certificate, or by what a route found out (Request::speaks_for).
  bool serves(const std::string& device) const;
  // Ends what may end while the server drains: idle connections, and requests that have waited for
  // something to happen. Called again and again until nothing is left.
  void drain(MonoTime now);
  // At once; a waiting request's on_close runs.
  void close();

 private:
  enum class Phase : std::uint8_t {
    kHandshake,
    kReading,
    kParked,
    kFile,
    kWriting,
    kLinger,
    kClosed
  };
  enum class Step { kGoOn, kWait };
  struct FileSend;   // a file on its way; shared with the job that reads it
  struct FileWish {  // what the request said about a file that answers it
    std::string if_none_match;
    std::string if_range;
    std::string range;
  };

  // A long poll waits for 60 s at most; a handler that takes longer than this has lost the request.
  static constexpr milliseconds kHandlerPatience{150'000};

  Connection(IoThread& thread, Socket socket, std::string address,
             ConnectionPlaces::PlacePtr place);

  void advance();
  Step handshake_step();
  Step read_step();
  Step watch_step();
  Step write_step();
  Step linger_step();
  Step await(TlsStream::Outcome outcome);
  void established();
  bool is_known_device();
  // It has said who it is; false where there is no place for it: it was closed.
  bool become_known(ConnectionPlaces::Standing standing);
  void await_read();
  void await_write();
  void yield();
  void set_deadline(milliseconds patience);

  // Reading (connection_request.cpp).
  std::size_t consume(std::string_view input);
  bool check_head(std::string_view rest);
  bool ask_who_it_is();
  std::uint64_t body_limit() const;
  bool charge_body();
  void give_back_work();
  void show_request();
  void hide_request();
  Result<void> admit();
  bool asks_for_renewal();
  bool route_request();
  void dispatch();
  void hand_over();
  void refuse(Response response);
  void expect_more();

  // Answering (connection_answer.cpp).
  void begin_answer(Response response);
  void send_head(const Response& response, std::uint64_t length);
  void send_now(std::string_view bytes);
  void begin_file(Response response);
  void file_opened(std::shared_ptr<FileSend> file, Response response, const Result<void>& opened);
  void fetch_piece();
  Step write_file_piece();
  Step piece_written(TlsStream::Outcome outcome);
  void count_download(std::size_t bytes);
  void finish_answer();
  void begin_linger();
  void count(unsigned status);

  IoThread& thread_;
  const ConnectionPlaces::PlacePtr place_;
  bool known_ = false;
  Socket socket_;
  TlsStream tls_;
  Request request_;         // its peer is the connection's; the rest is valid during a handler only
  std::string spoken_for_;  // the device that a route named
  WallTime peer_begins_{};
  WallTime peer_expires_{};
  std::shared_ptr<RateBucket> bucket_;  // a device's, or its own
  std::unique_ptr<RequestWork> work_;
  std::string pending_;  // read, not yet consumed
  std::string out_;      // answered, not yet written
  std::size_t out_at_ = 0;
  std::shared_ptr<FileSend> file_;
  std::unique_ptr<FileWish> wish_;
  std::shared_ptr<ExchangeRoom> room_;
  std::weak_ptr<Exchange> exchange_;
  std::uint64_t request_number_ = 0;
  MonoTime parked_since_{};
  std::uint64_t lingered_ = 0;
  std::size_t body_stride_ = 0;   // of the body read, when its deadline was set
  std::size_t body_charged_ = 0;  // of ServerShared::bodies
  Phase phase_ = Phase::kHandshake;
  After after_ = After::kKeepOpen;
  bool running_ = false;     // inside advance()
  bool needs_more_ = false;  // pending_ alone is no complete request
  bool readable_ = true;     // the socket may have something
  bool read_armed_ = false;  // a wait for it is under way
  bool write_armed_ = false;
  bool late_ = false;       // the deadline of the request being read is set
  bool has_turn_ = false;   // to send a piece of a file
  bool head_only_ = false;  // HEAD
  bool is_get_ = false;
};

}  // namespace ota::http

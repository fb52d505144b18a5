// TLS on a non-blocking socket's descriptor: OpenSSL reads and writes the socket itself.
//
// Each call does what can be done now and says what to wait for; the waiting is the caller's. There
// is no buffer between OpenSSL and the socket, and OpenSSL gives its own back while nothing moves,
// which is what keeps an idle connection small.
//
// Thread: one at a time. Writing to a closed socket raises SIGPIPE: the thread must have it
// blocked.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

struct ssl_st;
struct ssl_ctx_st;

namespace ota::http {

class TlsStream {
 public:
  enum class Outcome { kDone, kWantRead, kWantWrite, kClosed, kFailed };

  // The descriptor stays the caller's and must outlive the stream.
  TlsStream(ssl_ctx_st* context, int descriptor);

  Outcome handshake();
  // After a handshake that failed: why, in an operator's words. Empty where the other side just
  // went away.
  std::string handshake_failure();

  // kDone with at least one byte, else `got` is 0.
  Outcome read(std::span<char> into, std::size_t& got);
  // Writes as much as the socket takes; `put` counts it, whatever the outcome.
  Outcome write(std::string_view bytes, std::size_t& put);
  // Bytes have been read from the socket that read() has not given out: do not wait for it.
  bool has_buffered() const;
  // Says goodbye as far as the socket takes it.
  void shut_down();

  // After the handshake: role, name and serial by the client's certificate.
  void fill_peer(Peer& peer) const;
  // When the client's certificate ends; the epoch without one.
  WallTime peer_begins() const;
  WallTime peer_expires() const;
  // The session cannot be resumed: the next handshake shows the client's certificate of then.
  void forget_session();

 private:
  struct Free {
    void operator()(ssl_st* stream) const;
  };
  Outcome outcome_of(int result) const;
  std::unique_ptr<ssl_st, Free> stream_;
};

}  // namespace ota::http

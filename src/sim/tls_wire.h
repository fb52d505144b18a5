// One kept-alive HTTPS connection of a virtual device: non-blocking, driven by whoever polls it.
//
//   open -> (handshake) -> idle -> send() -> ... -> answered -> idle -> ...
//
// It knows the answers of our own server only: a status line and Content-Length, no chunks. Thread:
// one.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"

struct ssl_session_st;

namespace ota::sim {

// What all virtual devices share: the trusted authority and the device key.
struct TlsMaterial {
  SSL_CTX* context = nullptr;
  EVP_PKEY* key = nullptr;
  TlsMaterial() = default;
  TlsMaterial(const TlsMaterial&) = delete;
  TlsMaterial& operator=(const TlsMaterial&) = delete;
  ~TlsMaterial();
  static Result<std::unique_ptr<TlsMaterial>> load(const std::string& authority_pem,
                                                   const std::string& key_pem);
};

class TlsWire {
 public:
  enum class Event { kNothing, kReady, kAnswered, kFailed };

  TlsWire() = default;
  ~TlsWire();
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  // Starts to connect to 127.0.0.1:`port` with this certificate; where `session` is given, to go on
  // with it.
  Result<void> open(const TlsMaterial& material, X509* certificate, std::uint16_t port,
                    ssl_session_st* session = nullptr);
  void close();
  bool is_open() const { return ssl_ != nullptr; }
  // What a later open() may go on with; the caller frees it. Complete once an answer was read:
  // TLS 1.3 sends it after the handshake.
  ssl_session_st* take_session() const;
  bool resumed() const;
  bool idle() const { return ready_ && out_.empty() && !waiting_; }

  // Only while idle.
  void send(std::string request);
  // Goes on as far as it goes without blocking.
  Event advance();

  int fd() const { return socket_.get(); }
  bool wants_write() const { return wants_write_; }
  unsigned status() const { return status_; }
  const std::string& body() const { return body_; }

 private:
  Event failed();
  Event read_answer();
  bool blocked(int result);

  FileDescriptor socket_;
  SSL* ssl_ = nullptr;
  bool ready_ = false;    // the handshake is over
  bool waiting_ = false;  // a request is out
  bool wants_write_ = false;
  std::string out_;
  std::string in_;
  unsigned status_ = 0;
  std::string body_;
};

}  // namespace ota::sim

// A raw TLS client for tests: presents any certificate, speaks old versions, sends bytes as slowly
// or as wrongly as a test wants. It trusts any server; that is not what it tests.
//
// Every call ends after its deadline at the latest. Thread: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace ota::test {

// What a client shows: PEM texts; empty for nothing.
struct Identity {
  std::string certificate;
  std::string key;
};

struct HttpReply {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

enum class TlsVersion { k12, k13 };
enum class Body { kWithBody, kHeadOnly };

class TlsClient {
 public:
  static constexpr std::chrono::milliseconds kPatience{10'000};

  explicit TlsClient(std::uint16_t port, const Identity& identity = {},
                     TlsVersion version = TlsVersion::k13);
  ~TlsClient();
  TlsClient(TlsClient&&) noexcept;
  TlsClient& operator=(TlsClient&&) noexcept;

  // False where the other side refused; failure() then has OpenSSL's word for it. With TLS 1.3 the
  // refusal of a certificate shows at the first read.
  bool handshake();
  bool send(std::string_view bytes);
  // Past TLS: as if somebody spoke something else on the port.
  bool send_raw(std::string_view bytes);
  // One answer; none where the connection ended before it was complete.
  std::optional<HttpReply> read_reply(Body body = Body::kWithBody,
                                      std::chrono::milliseconds patience = kPatience);
  std::optional<HttpReply> request(std::string_view method, std::string_view target,
                                   std::string_view body = {}, std::string_view fields = {});
  // True where the other side ended the connection within `patience`.
  bool closed_within(std::chrono::milliseconds patience = kPatience);
  const std::string& failure() const { return failure_; }

  // The session as it stands; resume() of another client, before its handshake, takes it.
  std::shared_ptr<ssl_session_st> session() const;
  void resume(const std::shared_ptr<ssl_session_st>& session);
  bool resumed() const;
  int descriptor() const { return descriptor_; }
  void close();

 private:
  enum class Wait { kRead, kWrite };
  bool wait(Wait direction, std::chrono::steady_clock::time_point deadline) const;
  // Reads more into received_; false at the end, on failure and after the deadline.
  bool read_more(std::chrono::steady_clock::time_point deadline);
  bool go_on(int result, std::chrono::steady_clock::time_point deadline);

  int descriptor_ = -1;
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> stream_;
  std::string received_;
  std::string failure_;
  bool ended_ = false;
};

}  // namespace ota::test

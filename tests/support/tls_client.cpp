#include "tests/support/tls_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "pki/x509.h"

namespace ota::test {
namespace {

using Clock = std::chrono::steady_clock;

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw std::runtime_error("no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor);
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return descriptor;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char sign) { return static_cast<char>(std::tolower(sign)); });
  return out;
}

HttpReply parse_head(std::string_view head) {
  HttpReply reply;
  reply.status = static_cast<unsigned>(std::stoul(std::string(head.substr(9, 3))));
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) {
      reply.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    }
    at = end + 2;
  }
  return reply;
}

}  // namespace

TlsClient::TlsClient(std::uint16_t port, const Identity& identity, TlsVersion version)
    : descriptor_(connect_to(port)),
      context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
      stream_(nullptr, SSL_free) {
  std::signal(SIGPIPE, SIG_IGN);
  const int number = version == TlsVersion::k12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_max_proto_version(context_.get(), number);
  // A session in a context's cache cannot be resumed after that context's end.
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  if (!identity.certificate.empty()) {
    const auto certificate = pki::parse_certificate(identity.certificate);
    const auto key = pki::parse_key(identity.key);
    if (!certificate || !key) throw std::runtime_error("the test's identity is damaged");
    SSL_CTX_use_certificate(context_.get(), certificate->get());
    SSL_CTX_use_PrivateKey(context_.get(), key->get());
  }
  stream_.reset(SSL_new(context_.get()));
  SSL_set_fd(stream_.get(), descriptor_);
  SSL_set_connect_state(stream_.get());
}

TlsClient::~TlsClient() {
  close();
}

TlsClient::TlsClient(TlsClient&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      context_(std::move(other.context_)),
      stream_(std::move(other.stream_)),
      received_(std::move(other.received_)),
      failure_(std::move(other.failure_)),
      ended_(other.ended_) {}

TlsClient& TlsClient::operator=(TlsClient&& other) noexcept {
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  stream_ = std::move(other.stream_);
  context_ = std::move(other.context_);
  received_ = std::move(other.received_);
  failure_ = std::move(other.failure_);
  ended_ = other.ended_;
  return *this;
}

void TlsClient::close() {
  if (descriptor_ < 0) return;
  // Keeps the session usable although nobody says goodbye.
  if (stream_) SSL_set_shutdown(stream_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ::close(std::exchange(descriptor_, -1));
  ended_ = true;
}

bool TlsClient::wait(Wait direction, Clock::time_point deadline) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  pollfd one{descriptor_, static_cast<short>(direction == Wait::kRead ? POLLIN : POLLOUT), 0};
  return ::poll(&one, 1, static_cast<int>(left)) > 0;
}

// Whether a call that did not succeed may be tried again.
bool TlsClient::go_on(int result, Clock::time_point deadline) {
  switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait(Wait::kRead, deadline);
    case SSL_ERROR_WANT_WRITE:
      return wait(Wait::kWrite, deadline);
    default:
      break;
  }
  ended_ = true;
  if (const unsigned long error = ERR_get_error(); error != 0) {
    const char* words = ERR_reason_error_string(error);
    failure_ = words == nullptr ? "unknown" : words;
  }
  ERR_clear_error();
  return false;
}

bool TlsClient::handshake() {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(stream_.get());
    if (result == 1) return true;
    if (!go_on(result, deadline)) return false;
  }
}

bool TlsClient::send(std::string_view bytes) {
  const auto deadline = Clock::now() + kPatience;
  while (!bytes.empty()) {
    ERR_clear_error();
    const int result = SSL_write(stream_.get(), bytes.data(),
                                 static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 20)));
    if (result > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(result));
    } else if (!go_on(result, deadline)) {
      return false;
    }
  }
  return true;
}

bool TlsClient::send_raw(std::string_view bytes) {
  return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

bool TlsClient::read_more(Clock::time_point deadline) {
  std::array<char, 16384> chunk{};
  while (!ended_) {
    ERR_clear_error();
    const int result = SSL_read(stream_.get(), chunk.data(), static_cast<int>(chunk.size()));
    if (result > 0) {
      received_.append(chunk.data(), static_cast<std::size_t>(result));
      return true;
    }
    if (!go_on(result, deadline)) return false;
  }
  return false;
}

std::optional<HttpReply> TlsClient::read_reply(Body body, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(deadline)) return std::nullopt;
  }
  HttpReply reply = parse_head(std::string_view(received_).substr(0, end + 2));
  received_.erase(0, end + 4);
  const std::string length = reply.header("content-length");
  const std::size_t wanted = body == Body::kHeadOnly || length.empty() ? 0 : std::stoul(length);
  while (received_.size() < wanted) {
    if (!read_more(deadline)) return std::nullopt;
  }
  reply.body = received_.substr(0, wanted);
  received_.erase(0, wanted);
  return reply;
}

std::optional<HttpReply> TlsClient::request(std::string_view method, std::string_view target,
                                            std::string_view body, std::string_view fields) {
  std::string text(method);
  text += " ";
  text += target;
  text += " HTTP/1.1\r\nHost: localhost\r\n";
  text += fields;
  if (!body.empty() || method == "POST" || method == "PUT") {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text += "\r\n";
  text += body;
  if (!send(text)) return std::nullopt;
  return read_reply(method == "HEAD" ? Body::kHeadOnly : Body::kWithBody);
}

bool TlsClient::closed_within(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (read_more(deadline)) {
  }
  return ended_;
}

std::shared_ptr<ssl_session_st> TlsClient::session() const {
  return {SSL_get1_session(stream_.get()), SSL_SESSION_free};
}

void TlsClient::resume(const std::shared_ptr<ssl_session_st>& session) {
  SSL_set_session(stream_.get(), session.get());
}

bool TlsClient::resumed() const {
  return SSL_session_reused(stream_.get()) == 1;
}

}  // namespace ota::test

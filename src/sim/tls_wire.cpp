#include "sim/tls_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace ota::sim {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio bio_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// The number after "Content-Length:" in a head; 0 where there is none.
std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = 0; at + kName.size() < head.size(); ++at) {
    bool same = true;
    for (std::size_t i = 0; same && i < kName.size(); ++i)
      same = std::tolower(static_cast<unsigned char>(head[at + i])) == kName[i];
    if (!same) continue;
    at += kName.size();
    while (at < head.size() && head[at] == ' ')
      ++at;
    std::size_t value = 0;
    std::from_chars(head.data() + at, head.data() + head.size(), value);
    return value;
  }
  return 0;
}

}  // namespace

TlsMaterial::~TlsMaterial() {
  EVP_PKEY_free(key);
  SSL_CTX_free(context);
}

Result<std::unique_ptr<TlsMaterial>> TlsMaterial::load(const std::string& authority_pem,
                                                       const std::string& key_pem) {
  auto out = std::make_unique<TlsMaterial>();
  out->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(out->context, TLS1_3_VERSION);
  SSL_CTX_set_verify(out->context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(out->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const Bio authority = bio_of(authority_pem);
  X509* root = PEM_read_bio_X509(authority.get(), nullptr, nullptr, nullptr);
  if (root == nullptr) return fail(Errc::kInvalid, "the authority's certificate");
  X509_STORE_add_cert(SSL_CTX_get_cert_store(out->context), root);
  X509_free(root);
  const Bio key = bio_of(key_pem);
  out->key = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
  if (out->key == nullptr) return fail(Errc::kInvalid, "the devices' key");
  return out;
}

TlsWire::~TlsWire() {
  close();
}

void TlsWire::close() {
  // Without a goodbye OpenSSL marks the session as not resumable.
  if (ssl_ != nullptr) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
  ssl_ = nullptr;
  socket_.reset();
  ready_ = waiting_ = wants_write_ = false;
  out_.clear();
  in_.clear();
}

ssl_session_st* TlsWire::take_session() const {
  return ssl_ == nullptr ? nullptr : SSL_get1_session(ssl_);
}

bool TlsWire::resumed() const {
  return ssl_ != nullptr && SSL_session_reused(ssl_) == 1;
}

Result<void> TlsWire::open(const TlsMaterial& material, X509* certificate, std::uint16_t port,
                           ssl_session_st* session) {
  close();
  socket_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return fail_errno(errno, "a socket");
  const int on = 1;
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    return fail_errno(errno, "connect");
  }
  ssl_ = SSL_new(material.context);
  SSL_set_fd(ssl_, socket_.get());
  SSL_use_certificate(ssl_, certificate);
  SSL_use_PrivateKey(ssl_, material.key);
  if (session != nullptr) SSL_set_session(ssl_, session);
  SSL_set_connect_state(ssl_);
  wants_write_ = true;
  return {};
}

void TlsWire::send(std::string request) {
  out_ = std::move(request);
  waiting_ = true;
  in_.clear();
}

bool TlsWire::blocked(int result) {
  const int error = SSL_get_error(ssl_, result);
  wants_write_ = error == SSL_ERROR_WANT_WRITE;
  return wants_write_ || error == SSL_ERROR_WANT_READ;
}

TlsWire::Event TlsWire::failed() {
  ERR_clear_error();
  close();
  return Event::kFailed;
}

TlsWire::Event TlsWire::advance() {
  if (ssl_ == nullptr) return Event::kNothing;
  wants_write_ = false;
  if (!ready_) {
    const int done = SSL_do_handshake(ssl_);
    if (done != 1) return blocked(done) ? Event::kNothing : failed();
    ready_ = true;
    return Event::kReady;
  }
  while (!out_.empty()) {
    const int sent = SSL_write(ssl_, out_.data(), static_cast<int>(out_.size()));
    if (sent <= 0) return blocked(sent) ? Event::kNothing : failed();
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  return read_answer();
}

TlsWire::Event TlsWire::read_answer() {
  std::array<char, 16384> bytes;
  while (true) {
    const int got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    if (got <= 0) return blocked(got) ? Event::kNothing : failed();
    if (!waiting_) return failed();  // bytes that nobody asked for
    in_.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const std::string_view head = std::string_view(in_).substr(0, end);
    const std::size_t length = content_length(head);
    if (in_.size() < end + 4 + length) continue;
    status_ = 0;
    if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status_);
    body_.assign(in_, end + 4, length);
    std::string().swap(in_);
    waiting_ = false;
    return Event::kAnswered;
  }
}

}  // namespace ota::sim

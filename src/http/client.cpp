#include "http/client.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "http/pinned_authority.h"

namespace ota::http {
namespace {

constexpr std::size_t kProblemBytes = 65536;  // of an answer that is not the asked-for body

void initialise_curl_once() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_SSL);
  OTA_ASSERT(ready == CURLE_OK);
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The value where `line` is the header `name` (given in lower case).
std::optional<std::string_view> header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = line[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (lower != name[i]) return std::nullopt;
  }
  return trimmed(line.substr(name.size() + 1));
}

// What one request has told so far.
struct Transfer {
  CURL* easy = nullptr;
  Reply reply;
  std::size_t max_body = 0;  // of reply.body
  std::optional<Error> error;
  std::optional<std::uint64_t> range_start;  // of Content-Range
  // A download's side; null for get and post.
  const Requester::Download* download = nullptr;
  const std::function<Result<void>(std::string_view)>* sink = nullptr;
  const std::function<void()>* restart = nullptr;
  std::uint64_t received = 0;
  bool begun = false;

  bool stop(Error why) {
    error = std::move(why);
    return false;
  }
  bool take(std::string_view chunk);
  bool begin_download(long status);
};

bool Transfer::begin_download(long status) {
  begun = true;
  received = 0;
  if (download->range().empty()) return true;
  if (status == 200) {
    (*restart)();
    return true;
  }
  if (range_start != download->offset) {
    return stop(fail(Errc::kInvalid, "the server answered another range than the one asked for"));
  }
  received = download->offset;
  return true;
}

bool Transfer::take(std::string_view chunk) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (download == nullptr || (status != 200 && status != 206)) {
    if (reply.body.size() + chunk.size() > max_body) {
      return stop(
          fail(Errc::kLimit, "the answer is larger than " + std::to_string(max_body) + " bytes"));
    }
    reply.body.append(chunk);
    return true;
  }
  if (!begun && !begin_download(status)) return false;
  received += chunk.size();
  if (received > download->max_bytes) {
    return stop(fail(Errc::kLimit, "the server sends more than " +
                                       std::to_string(download->max_bytes) + " bytes"));
  }
  if (auto taken = (*sink)(chunk); !taken) return stop(taken.error());
  return true;
}

// Callbacks of libcurl: no exception may leave them.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  const std::size_t bytes = size * count;
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    return transfer.take({data, bytes}) ? bytes : CURL_WRITEFUNC_ERROR;
  } catch (const std::exception& error) {
    transfer.error = Error(make_error_code(Errc::kInternal), error.what());
    return CURL_WRITEFUNC_ERROR;
  }
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  if (const auto type = header_value(line, "content-type")) transfer.reply.content_type = *type;
  if (const auto tag = header_value(line, "etag")) transfer.reply.etag = *tag;
  if (const auto after = header_value(line, "retry-after")) transfer.reply.retry_after = *after;
  if (const auto date = header_value(line, "date")) {
    const std::time_t time = curl_getdate(std::string(*date).c_str(), nullptr);
    if (time > 0) transfer.reply.date = WallTime(seconds(time));
  }
  if (auto range = header_value(line, "content-range"); range && range->starts_with("bytes ")) {
    range->remove_prefix(6);
    std::uint64_t start = 0;
    const auto [end, wrong] = std::from_chars(range->data(), range->data() + range->size(), start);
    if (wrong == std::errc{} && end != range->data()) transfer.range_start = start;
  }
  return size * count;
}

CURLcode on_ssl_context(CURL*, void* context, void* user) noexcept {
  auto* ssl = static_cast<SSL_CTX*>(context);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);  // an idle connection keeps no 32 KiB of buffers
  if (user != nullptr) static_cast<PinnedAuthority*>(user)->install(ssl);
  return CURLE_OK;
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions given)
      : options(std::move(given)), pin(options.authority_fingerprint) {
    initialise_curl_once();
    multi = curl_multi_init();
    easy = curl_easy_init();
    OTA_ASSERT(multi != nullptr && easy != nullptr);
  }
  ~Impl() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Reply> request(const std::string& path, milliseconds timeout, Transfer& transfer,
                        const std::string_view* post_body);
  void prepare(const std::string& url, milliseconds timeout, Transfer& transfer);
  void prepare_tls();
  Result<CURLcode> run();
  Error failure(CURLcode code) const;

  ClientOptions options;
  PinnedAuthority pin;
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::array<char, CURL_ERROR_SIZE> problem{};
  std::atomic<bool> cancelled{false};
  std::atomic<bool> closed{false};
};

void Client::Impl::prepare_tls() {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  // The system's authorities are no authorities here: only ours, or the pinned one out of the
  // server's chain.
  const bool pinned = !options.authority_fingerprint.empty();
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAINFO, pinned ? nullptr : options.authority.c_str());
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &on_ssl_context);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, pinned ? &pin : nullptr);
  if (!options.certificate.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, options.certificate.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, options.key.c_str());
  }
}

void Client::Impl::prepare(const std::string& url, milliseconds timeout, Transfer& transfer) {
  curl_easy_reset(easy);
  problem[0] = '\0';
  if (timeout == milliseconds{}) timeout = options.timeout;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, options.allow_plain_http ? "https,http" : "https");
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // not even one from the environment
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  prepare_tls();
}

// Runs the prepared handle to its end; kUnavailable where cancel() or close() came first.
Result<CURLcode> Client::Impl::run() {
  constexpr int kWaitMs =
      10000;  // an upper bound only: wake-ups and libcurl's own timers come earlier
  if (curl_multi_add_handle(multi, easy) != CURLM_OK)
    return fail(Errc::kInternal, "libcurl takes no request");
  CURLcode code = CURLE_OK;
  bool stopped = false;
  cancelled = false;
  while (true) {
    int running = 0;
    if (closed || cancelled.exchange(false)) {
      stopped = true;
      break;
    }
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      code = CURLE_FAILED_INIT;
      break;
    }
    if (running == 0) break;
    curl_multi_poll(multi, nullptr, 0, kWaitMs, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE && message->easy_handle == easy) code = message->data.result;
  }
  curl_multi_remove_handle(multi, easy);
  if (stopped) return fail(Errc::kUnavailable, "the request was cancelled");
  return code;
}

Error Client::Impl::failure(CURLcode code) const {
  std::string words = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
  words = options.base_url + ": " + printable(words, 300);
  // TLS 1.3 tells a client that its certificate is refused only when it reads: as an alert.
  const bool alert =
      words.find("alert") != std::string::npos && words.find("close notify") == std::string::npos;
  if (code == CURLE_PEER_FAILED_VERIFICATION && !pin.refusal().empty())
    words = options.base_url + ": " + pin.refusal();
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(Errc::kDenied, "the server is not trusted: " + words);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Errc::kDenied, "own certificate, key or authority file: " + words);
    case CURLE_SSL_CONNECT_ERROR:
      if (!alert) return fail(Errc::kUnavailable, "TLS: " + words);
      return fail(Errc::kDenied, "the server refused the connection: " + words);
    case CURLE_FILESIZE_EXCEEDED:
      return fail(Errc::kLimit, words);
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
      return fail(connected == 0 ? Errc::kUnavailable : Errc::kTimeout, words);
    }
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return fail(Errc::kInvalid, words);
    default:
      if (alert) return fail(Errc::kDenied, "the server refused the connection: " + words);
      return fail(Errc::kUnavailable, words);
  }
}

Result<Reply> Client::Impl::request(const std::string& path, milliseconds timeout,
                                    Transfer& transfer, const std::string_view* post_body) {
  const std::string url = options.base_url + path;
  prepare(url, timeout, transfer);
  transfer.easy = easy;
  HeaderList headers;
  std::string range;
  if (post_body != nullptr) {
    headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    headers.reset(curl_slist_append(headers.release(), "Expect:"));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post_body->data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post_body->size()));
  }
  if (const Download* download = transfer.download; download != nullptr) {
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(download->max_bytes));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT,
                     static_cast<long>(download->min_bytes_per_second));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(download->slow_after.count()));
    range = download->range();
    if (!range.empty()) curl_easy_setopt(easy, CURLOPT_RANGE, range.c_str());
  } else {
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(transfer.max_body));
  }
  const auto code = run();
  if (transfer.error) return *transfer.error;
  if (!code) return code.error();
  if (*code != CURLE_OK) return failure(*code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<unsigned>(status);
  return std::move(transfer.reply);
}

seconds Reply::wait() const {
  constexpr std::uint32_t kMost = 300;
  std::uint32_t asked = 0;
  const auto [end, wrong] =
      std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), asked);
  if (end != retry_after.data() + retry_after.size()) return seconds(0);  // a date, or nonsense
  if (wrong == std::errc::result_out_of_range) return seconds(kMost);
  return seconds(wrong == std::errc{} ? std::min(asked, kMost) : 0U);
}

std::string Requester::Download::range() const {
  if (end > 0) return std::to_string(offset) + "-" + std::to_string(end - 1);
  return offset > 0 ? std::to_string(offset) + "-" : "";
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Reply> Client::do_get(const std::string& path, std::size_t max_bytes, milliseconds timeout) {
  Transfer transfer;
  transfer.max_body = max_bytes;
  return impl_->request(path, timeout, transfer, nullptr);
}

Result<Reply> Client::do_post(const std::string& path, std::string_view body, std::size_t max_bytes,
                              milliseconds timeout) {
  Transfer transfer;
  transfer.max_body = max_bytes;
  return impl_->request(path, timeout, transfer, &body);
}

Result<Reply> Client::download(const std::string& path, const Download& options,
                               const std::function<Result<void>(std::string_view)>& sink,
                               const std::function<void()>& restart) {
  Transfer transfer;
  transfer.max_body = kProblemBytes;
  transfer.download = &options;
  transfer.sink = &sink;
  transfer.restart = &restart;
  return impl_->request(path, options.timeout, transfer, nullptr);
}

void Client::cancel() {
  impl_->cancelled = true;
  curl_multi_wakeup(impl_->multi);
}

void Client::close() {
  impl_->closed = true;
  curl_multi_wakeup(impl_->multi);
}

std::string Client::presented_authority() const {
  return impl_->pin.authority_pem();
}

}  // namespace ota::http

#include "tests/tuf_client/fetcher.h"

#include <curl/curl.h>

#include <stdexcept>

namespace ota::tuf_client {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kWholeSeconds = 60;
constexpr long kSlowBytesPerSecond = 64;
constexpr long kSlowSeconds = 15;

struct Sink {
  std::string body;
  std::uint64_t max_bytes = 0;
  bool overflowed = false;
};

std::size_t take(char* data, std::size_t, std::size_t count, void* user) {
  auto* sink = static_cast<Sink*>(user);
  if (sink->body.size() + count > sink->max_bytes) {
    sink->overflowed = true;
    return 0;  // ends the transfer
  }
  sink->body.append(data, count);
  return count;
}

}  // namespace

struct Fetcher::Impl {
  CURL* curl = nullptr;
};

Fetcher::Fetcher(Scheme scheme) : impl_(std::make_unique<Impl>()) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* curl = curl_easy_init();
  if (curl == nullptr) throw std::runtime_error("libcurl does not start");
  impl_->curl = curl;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                   scheme == Scheme::kHttpsOnly ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // "../x" of a name is not ours to resolve
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kWholeSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "tuf-client");
}

Fetcher::~Fetcher() {
  curl_easy_cleanup(impl_->curl);
}

tuf::Fetched Fetcher::get(const std::string& url, std::uint64_t max_bytes) {
  using Status = tuf::Fetched::Status;
  Sink sink;
  sink.max_bytes = max_bytes;
  curl_easy_setopt(impl_->curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(impl_->curl, CURLOPT_WRITEDATA, &sink);
  const CURLcode code = curl_easy_perform(impl_->curl);
  long http = 0;
  curl_easy_getinfo(impl_->curl, CURLINFO_RESPONSE_CODE, &http);
  // The status comes before the body: an error page may be of any size.
  if (http == 404 || http == 403) return {Status::kNotFound, {}, "HTTP " + std::to_string(http)};
  if (http != 0 && http != 200) {
    return {Status::kTransportError, {}, "HTTP " + std::to_string(http)};
  }
  if (sink.overflowed) {
    return {Status::kTooLarge, {}, "more than " + std::to_string(max_bytes) + " bytes"};
  }
  if (code == CURLE_OPERATION_TIMEDOUT) return {Status::kTooSlow, {}, curl_easy_strerror(code)};
  if (code != CURLE_OK) return {Status::kTransportError, {}, curl_easy_strerror(code)};
  return {Status::kOk, std::move(sink.body), {}};
}

}  // namespace ota::tuf_client

// The admin API over mutual TLS (see api.h).
#include <algorithm>

#include "base/file.h"
#include "base/host_port.h"
#include "base/serving.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/api_over.h"
#include "config/config.h"
#include "http/client.h"

namespace ota::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxAnswer = 64U << 20;   // a page of any list
constexpr std::size_t kMaxState = 1024U << 20;  // an export of a big fleet

Errc code_of_status(unsigned status) {
  switch (status) {
    case 400:
    case 422:
      return Errc::kInvalid;
    case 401:
    case 403:
      return Errc::kDenied;
    case 404:
      return Errc::kNotFound;
    case 409:
    case 503:
      return Errc::kConflict;
    case 413:
    case 429:
      return Errc::kLimit;
    case 504:
      return Errc::kTimeout;
    default:
      return Errc::kInternal;
  }
}

// RFC 9457: the detail is for people.
Error error_of(const http::Reply& reply) {
  std::string words = "HTTP status " + std::to_string(reply.status);
  if (const auto problem = parse_json(reply.body); problem && problem->is_object()) {
    const std::string detail = text_at(*problem, "detail", text_at(*problem, "title"));
    if (!detail.empty()) words = detail;
    for (const Json& further : list_at(*problem, "errors")) {
      words += "; " + (further.is_string() ? further.get<std::string>() : dump_json(further));
    }
  }
  return fail(code_of_status(reply.status), "the server says: " + printable(words));
}

class HttpsApi final : public Api {
 public:
  HttpsApi(fs::path root, std::string server)
      : root_(std::move(root)), server_(std::move(server)) {}
  HttpsApi(std::unique_ptr<http::Requester> client, std::string server)
      : server_(std::move(server)), client_(std::move(client)) {}

  Result<Json> get(const std::string& path, milliseconds timeout) override {
    auto body = fetch(path, nullptr, kMaxAnswer, timeout);
    if (!body) return body.error();
    return document(*body);
  }

  Result<Json> post(const std::string& path, const Json& body, milliseconds timeout) override {
    const std::string text = dump_json(body);
    auto answer = fetch(path, &text, kMaxAnswer, timeout);
    if (!answer) return answer.error();
    return document(*answer);
  }

  Result<std::string> get_text(const std::string& path, milliseconds timeout) override {
    return fetch(path, nullptr, kMaxState, timeout);
  }

  Result<void> post_text(const std::string& path, const std::string& body,
                         milliseconds timeout) override {
    const auto answer = fetch(path, &body, kMaxAnswer, timeout);
    if (!answer) return answer.error();
    return {};
  }

  std::string where() const override { return server_; }

 private:
  static Result<Json> document(const std::string& body) {
    if (body.empty()) return Json();
    auto parsed = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 64});
    if (!parsed) return parsed.error().within("the server's answer");
    return parsed;
  }

  // Where the console of this root listens: what runs says where; console.json only where a start
  // would.
  Result<std::string> local_server() const {
    const auto serving = serving_at(root_);
    if (serving && !serving->url.empty()) return serving->url;
    const fs::path file = root_ / "config" / "console.json";
    auto text = read_file(file, config::kMaxFileBytes);
    if (!text && text.error().code == Errc::kNotFound) {
      return fail(Errc::kNotFound, file.string() +
                                       ": not there; is this the right folder? Name it with --root "
                                       "DIR, or the server with --server URL");
    }
    if (!text) return text.error();
    const auto parsed = config::parse_console(*text, file.string());
    if (!parsed.ok()) return fail(Errc::kInvalid, parsed.problems.front().text());
    return "https://" +
           host_and_port(reachable_here(parsed.value.listen_address), parsed.value.port);
  }

  Result<void> open() {
    if (client_) return {};
    if (server_.empty()) {
      auto local = local_server();
      if (!local) return local.error();
      server_ = std::move(*local);
    }
    if (server_.find("://") == std::string::npos) server_ = "https://" + server_;
    while (server_.ends_with('/'))
      server_.pop_back();
    const fs::path pki = root_ / "state" / "pki";
    http::ClientOptions options;
    options.base_url = server_;
    options.authority = pki / "authority.crt";
    options.certificate = pki / "operator.crt";
    options.key = pki / "operator.key";
    options.user_agent = "otactl";
    for (const fs::path& file : {options.authority, options.certificate, options.key}) {
      std::error_code ignored;
      if (!fs::exists(file, ignored)) {
        return fail(Errc::kNotFound,
                    file.string() +
                        ": not there or not readable; the console makes it at its first "
                        "run (ota-console --root " +
                        root_.string() + "). Is this the right folder, and the right user?");
      }
    }
    client_ = std::make_unique<http::Client>(std::move(options));
    return {};
  }

  Result<std::string> fetch(const std::string& path, const std::string* body, std::size_t max_bytes,
                            milliseconds timeout) {
    if (auto opened = open(); !opened) return opened.error();
    auto reply = body != nullptr ? client_->post(path, *body, max_bytes, timeout)
                                 : client_->get(path, max_bytes, timeout);
    if (!reply) {
      if (reply.error().code == Errc::kUnavailable) {
        return fail(Errc::kUnavailable, "no server answers at " + server_);
      }
      return reply.error().within(server_);
    }
    if (reply->status >= 200 && reply->status < 300) return std::move(reply->body);
    return error_of(*reply);
  }

  fs::path root_;
  std::string server_;
  std::unique_ptr<http::Requester> client_;
};

}  // namespace

std::unique_ptr<Api> open_api(const std::string& root, const std::string& server) {
  return std::make_unique<HttpsApi>(root, server);
}

std::unique_ptr<Api> api_over(std::unique_ptr<http::Requester> requester, std::string where) {
  return std::make_unique<HttpsApi>(std::move(requester), std::move(where));
}

}  // namespace ota::cli

#include "world/otactl.h"

#include <sstream>
#include <utility>

#include "cli/api_over.h"
#include "cli/run.h"

namespace ota::world {
namespace {

constexpr milliseconds kPatience{30'000};
constexpr const char* kServer = "https://server:8443";

class DeskRequester final : public http::Requester {
 public:
  explicit DeskRequester(Link& desk) : desk_(desk) {}
  Result<http::Reply> download(const std::string&, const Download&, const Sink&,
                               const std::function<void()>&) override {
    return fail(Errc::kUnavailable, "otactl downloads nothing here");
  }
  void cancel() override {}
  void close() override {}

 private:
  Result<http::Reply> do_get(const std::string& path, std::size_t max_bytes,
                             milliseconds timeout) override {
    return call(http::Method::kGet, path, {}, max_bytes, timeout);
  }
  Result<http::Reply> do_post(const std::string& path, std::string_view body, std::size_t max_bytes,
                              milliseconds timeout) override {
    return call(http::Method::kPost, path, std::string(body), max_bytes, timeout);
  }
  Result<http::Reply> call(http::Method method, const std::string& path, std::string body,
                           std::size_t max_bytes, milliseconds timeout) {
    const Request request = operator_request(method, path, std::move(body), desk_.address());
    auto answer =
        desk_.call(request, timeout == milliseconds{} ? kPatience : timeout, [] { return false; });
    if (!answer) return answer.error();
    if (answer->body.size() > max_bytes) return fail(Errc::kLimit, "the answer is too long");
    http::Reply reply;
    reply.status = answer->status;
    reply.body = std::move(answer->body);
    reply.content_type = answer->content_type;
    return reply;
  }

  Link& desk_;
};

}  // namespace

Typed type_otactl(Timeline& timeline, Link& desk, const Clock& clock,
                  std::vector<std::string> words) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  const cli::World world{.out = out,
                         .err = err,
                         .in = in,
                         .colour = cli::Colour::kPlain,
                         .clock = clock,
                         .environment = {.root = std::nullopt, .server = kServer},
                         .ask = [](const std::string&) { return cli::Answer::kYes; },
                         .interrupted = [] { return false; },
                         .wait = [&timeline](milliseconds time) { timeline.sleep(time); },
                         .open_api =
                             [&desk](const std::string&, const std::string& server) {
                               return cli::api_over(std::make_unique<DeskRequester>(desk), server);
                             }};
  Typed typed{std::move(words), 0, {}, {}};
  typed.exit = cli::run(typed.words, world);
  typed.out = out.str();
  typed.err = err.str();
  return typed;
}

}  // namespace ota::world

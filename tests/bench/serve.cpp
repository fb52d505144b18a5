// The servers that the benchmark runs in a process of their own, so that CPU time and memory are
// theirs alone. The bound port goes to standard output; each byte on standard input answers what
// waits.
#include <openssl/crypto.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <new>

#include "http/server.h"
#include "pki/authority.h"
#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

http::Route route(http::Method method, std::string pattern, http::Handler handler) {
  http::Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  made.access = http::Access::kAnyone;
  made.handler = std::move(handler);
  return made;
}

int serve_http(const std::filesystem::path& root, std::uint32_t threads) {
  const SystemClock clock;
  const auto authority = pki::Authority::open_or_create(root / "state", {}, clock);
  if (!authority) return 1;
  std::mutex mutex;
  std::vector<http::Responder> waiting;
  auto router = std::make_shared<http::Router>();
  const auto accept = [](const http::Request&, const http::Responder& respond) {
    respond(http::Response::no_content());
  };
  router->add(route(http::Method::kPost, "/v1/telemetry", accept));
  router->add(route(http::Method::kGet, "/healthz", accept));
  router->add(
      route(http::Method::kGet, "/v1/wait", [&](const http::Request&, http::Responder respond) {
        const std::lock_guard lock(mutex);
        waiting.push_back(std::move(respond));
      }));
  router->add(route(http::Method::kGet, "/image",
                    [&](const http::Request&, const http::Responder& respond) {
                      http::Response response;
                      http::FileBody file;
                      file.folder = root.string();
                      file.path = "image";
                      response.file = std::move(file);
                      respond(std::move(response));
                    }));
  http::ServerOptions options;
  options.threads = threads;
  options.limits.requests_per_second_per_device = 0;
  options.limits.idle_timeout = std::chrono::seconds(600);
  http::Server server(options, authority->server_identity(), router, {});
  if (!server.start()) return 1;
  std::cout << server.port() << std::endl;
  std::array<char, 1> command{};
  while (::read(STDIN_FILENO, command.data(), command.size()) > 0) {
    std::vector<http::Responder> answered;
    {
      const std::lock_guard lock(mutex);
      answered.swap(waiting);
    }
    for (const auto& responder : answered)
      responder(http::Response::no_content());
  }
  return 0;
}

}  // namespace

int serve(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return 2;
  const auto threads = static_cast<std::uint32_t>(std::strtoul(arguments[2].c_str(), nullptr, 10));
  return arguments[0] == "floor" ? serve_floor(arguments[1]) : serve_http(arguments[1], threads);
}

}  // namespace ota::bench

#include "api/context.h"

#include <utility>

namespace ota::api {

Context::Context(Ports p)
    : ports(std::move(p)),
      commands(ports.fleet, ports.clock, ports.direct),
      followers(
          ports.store, [&fleet = ports.fleet] { return fleet.snapshot()->last_event; }, ports.clock,
          worker) {}

void Context::on_worker(const http::Responder& respond, std::function<void()> work) {
  if (worker.post(std::move(work))) return;
  respond(http::Response::problem(503, "busy", "the server is busy; try again in a few seconds"));
}

std::optional<Json> body_object(const Context& context, const http::Request& request,
                                const http::Responder& respond) {
  const auto settings = context.ports.fleet.settings();
  const model::ServerLimits& limits = settings->console.limits;
  auto body =
      parse_json(request.body, {.max_bytes = limits.body_bytes, .max_depth = limits.json_depth});
  if (!body) {
    respond(http::Response::error(body.error()));
    return std::nullopt;
  }
  if (!body->is_object()) {
    respond(http::Response::problem(400, "not-an-object", "the body must be a JSON object"));
    return std::nullopt;
  }
  return std::move(*body);
}

std::uint64_t number_of(const http::Request& request, const std::string& name,
                        std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return fallback;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return fallback;
  return std::clamp(value, least, most);
}

std::string text_of(const http::Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

std::string actor_of(const http::Request& request) {
  return "operator:" + request.peer.name;
}

std::function<void(Result<void>)> no_content_or_problem(const http::Responder& respond) {
  return [respond](const Result<void>& done) {
    respond(done ? http::Response::no_content() : http::Response::error(done.error()));
  };
}

}  // namespace ota::api

#include "api/context.h"

#include <utility>

namespace ota::api {

Context::Context(Ports p)
    : ports(std::move(p)),
      commands(ports.fleet, ports.clock, ports.direct),
      followers(
          ports.store, [&fleet = ports.fleet] { return fleet.snapshot()->last_event; }, ports.clock,
          worker),
      sent(std::make_shared<http::SentBytes>(
          ports.clock,
          [&fleet = ports.fleet](const std::string& device, std::uint64_t bytes) {
            fleet.data_sent(device, bytes);
          })),
      worker(ports.worker == nullptr ? Worker() : Worker(*ports.worker)) {}

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

std::optional<std::uint64_t> number_of(const http::Request& request, const http::Responder& respond,
                                       const std::string& name, const NumberRange& range) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return range.fallback;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool digits = !text.empty() && end == text.data() + text.size();
  if (!digits || error != std::errc{} || value < range.least) {
    respond(http::Response::problem(
        400, "bad-number", name + " is a whole number from " + std::to_string(range.least)));
    return std::nullopt;
  }
  return std::min(value, range.most);
}

std::string text_of(const http::Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

bool write_budget_spent(const Context& context, const http::Request& request,
                        const http::Responder& respond) {
  const auto wait = context.ports.fleet.write_wait(request.peer.name);
  if (!wait) return false;
  respond(http::Response::too_many("write-budget-spent",
                                   "as much has been written for this device as may be in an hour",
                                   *wait));
  return true;
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

// What operators decide about devices that speak hawkBit's DDI: tokens, the waiting list,
// force-quit. The devices' own side is ddi/service's, on a listener of its own.
#include "api/context.h"
#include "api/routes.h"
#include "base/digest.h"
#include "ddi/wire.h"
#include "fleet/fleet.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

// Answers 201 with the token, which is nowhere else from then on.
fleet::Done token_answer(const http::Responder& respond, Json answer) {
  return [respond, answer = std::move(answer)](const Result<void>& stored) {
    respond(stored ? http::Response::json(answer, 201) : http::Response::error(stored.error()));
  };
}

void make_token(const Context& context, const http::Request& request,
                const http::Responder& respond) {
  const std::string device(request.params.at(0));
  const std::string token = ddi::make_token();
  context.ports.fleet.ddi_set_token(
      device, sha256_hex(token), actor_of(request),
      token_answer(respond, Json{{"device", device}, {"token", token}}));
}

void set_gateway(const Context& context, const http::Request& request,
                 const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const auto on = body->find("on");
  if (on == body->end() || !on->is_boolean()) {
    return respond(http::Response::problem(400, "missing-member", "on must be true or false"));
  }
  if (!on->get<bool>()) {
    return context.ports.fleet.ddi_set_gateway("", actor_of(request),
                                               no_content_or_problem(respond));
  }
  const std::string token = ddi::make_token();
  context.ports.fleet.ddi_set_gateway(sha256_hex(token), actor_of(request),
                                      token_answer(respond, Json{{"token", token}}));
}

void choose_client(const Context& context, const http::Request& request,
                   const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const Json said = body->value("by", Json());
  const auto by = said.is_string() ? model::parse_updates_by(said.get<std::string>())
                                   : std::optional<model::UpdatesBy>();
  if (!by) {
    return respond(http::Response::problem(400, "bad-member",
                                           "by must be \"who-asks\", \"agent\" or \"ddi\""));
  }
  context.ports.fleet.ddi_use(std::string(request.params.at(0)), *by, actor_of(request),
                              no_content_or_problem(respond));
}

Json overview(const Context& context) {
  return Json{{"listen", context.ports.server_status().ddi_listen},
              {"gateway_token", context.ports.fleet.ddi_gateway_is_on()},
              {"waiting", context.ports.fleet.snapshot()->ddi_waiting}};
}

}  // namespace

void add_ddi_routes(http::Router& router, Context& context) {
  fleet::Fleet& fleet = context.ports.fleet;
  router.add({Method::kGet, "/v1/ddi", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                respond(http::Response::json(overview(context)));
              }});
  router.add({Method::kPost, "/v1/ddi/gateway-token", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                set_gateway(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/ddi/waiting/{id}/accept", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                fleet.ddi_accept(std::string(request.params.at(0)), actor_of(request),
                                 no_content_or_problem(respond));
              }});
  router.add({Method::kPost, "/v1/devices/{id}/ddi-token", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                make_token(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/devices/{id}/ddi-use", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                choose_client(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/devices/{id}/ddi-attributes", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                fleet.ddi_ask_attributes(std::string(request.params.at(0)), actor_of(request),
                                         no_content_or_problem(respond));
              }});
  router.add({Method::kPost, "/v1/jobs/{id}/force-quit", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                fleet.force_quit(std::string(request.params.at(0)), actor_of(request),
                                 no_content_or_problem(respond));
              }});
}

}  // namespace ota::api

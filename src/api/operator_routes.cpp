// Operators' certificates: which of them rule, and the end of all of them.
#include "api/context.h"
#include "api/routes.h"

namespace ota::api {

using http::Access;
using http::Method;

void add_operator_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/v1/operators", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                const auto& list = context.ports.operators;
                respond(http::Response::json({{"operators", list ? list() : Json::array()}}));
              }});
  router.add({Method::kPost, "/v1/operators/{id}/revoke", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                if (!context.ports.revoke_operator) {
                  return respond(http::Response::problem(404, "not-found", "no such operator"));
                }
                // Makes a key and writes it.
                context.on_worker(
                    respond, [&context, respond, name = std::string(request.params.at(0)),
                              actor = actor_of(request)] {
                      context.ports.revoke_operator(name, actor, no_content_or_problem(respond));
                    });
              }});
}

}  // namespace ota::api

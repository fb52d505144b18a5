// What operators ask of the system: its status, the log, firmware, state, local agents.
#include "api/context.h"
#include "api/json_views.h"
#include "api/routes.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "model/time_json.h"
#include "pki/authority.h"
#include "store/log_import.h"
#include "store/store.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::uint64_t kEventPage = 1000;

Json status_json(const Context& context) {
  const auto snapshot = context.ports.fleet.snapshot();
  Json out{{"counts", counts_json(snapshot->counts)},
           {"store",
            {{"writable", snapshot->store_writable},
             {"problem", snapshot->store_problem},
             {"since", model::time_json(snapshot->store_problem_since)}}},
           {"stop", stop_json(snapshot->stop.get())},
           {"updates",
            {{"sent_bytes", snapshot->job_counts.sent_bytes},
             {"saved_bytes", snapshot->job_counts.saved_bytes}}},
           {"config_problems", problems_json(snapshot->config_problems)},
           {"last_event", snapshot->last_event}};
  if (context.ports.server_status) out["server"] = server_json(context.ports.server_status());
  out["agents"] = context.ports.agents ? agents_json(*context.ports.agents()) : Json::array();
  return out;
}

void read_events(Context& context, const http::Request& request, const http::Responder& respond) {
  constexpr std::uint64_t kLongestWait = 60;
  store::EventQuery query;
  const auto after = number_of(request, respond, "after", {.most = UINT64_MAX});
  if (!after) return;
  const auto before = number_of(request, respond, "before", {UINT64_MAX, 1, UINT64_MAX});
  if (!before) return;
  const auto limit = number_of(request, respond, "limit", {kEventPage, 1, kEventPage});
  if (!limit) return;
  const auto wait = number_of(request, respond, "wait", {.most = kLongestWait});
  if (!wait) return;
  query.after = *after;
  query.before = *before;
  query.limit = static_cast<std::size_t>(*limit);
  query.source = text_of(request, "source");
  query.kind_prefix = text_of(request, "kind");
  if (const std::string severity = text_of(request, "severity"); !severity.empty()) {
    const auto parsed = model::parse_severity(severity);
    if (!parsed) {
      return respond(http::Response::problem(400, "bad-severity",
                                             "severity must be info, notice, warning or error"));
    }
    query.at_least = *parsed;
  }
  query.newest_first = text_of(request, "order") == "newest";
  context.followers.read(query, seconds(static_cast<std::int64_t>(*wait)), respond);
}

void order_agent(const Context& context, const http::Request& request,
                 const http::Responder& respond, AgentOrder order) {
  if (!context.ports.order_agent) {
    return respond(http::Response::problem(404, "no-agents", "this server supervises no agents"));
  }
  no_content_or_problem(respond)(
      context.ports.order_agent(std::string(request.params.at(0)), order));
}

void add_state_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/v1/state/export", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                context.on_worker(respond, [&context, respond] {
                  auto document = context.ports.store.export_state();
                  if (!document) return respond(http::Response::error(document.error()));
                  http::Response response;
                  response.body = std::move(*document);
                  respond(std::move(response));
                });
              }});
  http::Route import{
      Method::kPost, "/v1/state/import", Access::kOperator,
      [&context](const http::Request& request, const http::Responder& respond) {
        context.on_worker(respond, [&context, respond, document = std::string(request.body),
                                    actor = actor_of(request)] {
          // Who asks stands in the log before anything is replaced.
          store::Store& store = context.ports.store;
          auto word = store::announcement(store, document, actor, context.ports.clock.wall());
          if (word) context.ports.fleet.record(std::move(*word));
          const auto told = store.flush();
          const auto imported = told ? store.import_state(document) : told;
          if (imported && context.ports.state_replaced) context.ports.state_replaced();
          no_content_or_problem(respond)(imported);
        });
      }};
  import.large_body = true;
  router.add(std::move(import));
}

void add_agent_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/v1/agents", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                respond(http::Response::json(
                    {{"agents", context.ports.agents ? agents_json(*context.ports.agents())
                                                     : Json::array()}}));
              }});
  for (const auto& [word, order] :
       {std::pair{"start", AgentOrder::kStart}, std::pair{"stop", AgentOrder::kStop},
        std::pair{"restart", AgentOrder::kRestart}}) {
    router.add(
        {Method::kPost, std::string("/v1/agents/{id}/") + word, Access::kOperator,
         [&context, order = order](const http::Request& request, const http::Responder& respond) {
           order_agent(context, request, respond, order);
         }});
  }
}

}  // namespace

void add_system_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/v1/status", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                respond(http::Response::json(status_json(context)));
              }});
  router.add({Method::kGet, "/v1/events", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                read_events(context, request, respond);
              }});
  router.add({Method::kGet, "/v1/firmware", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                context.on_worker(respond, [&context, respond] {
                  Json out{{"releases", *context.ports.fleet.snapshot()->releases},
                           {"roles", Json::array()}};
                  if (context.ports.tuf_roles) {
                    auto roles = context.ports.tuf_roles();
                    if (!roles) return respond(http::Response::error(roles.error()));
                    out["roles"] = std::move(*roles);
                  }
                  respond(http::Response::json(out));
                });
              }});
  router.add({Method::kGet, "/v1/config", Access::kOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                const auto snapshot = context.ports.fleet.snapshot();
                const bool good = snapshot->config_problems.empty();
                respond(http::Response::json(
                    {{"ok", good}, {"problems", problems_json(snapshot->config_problems)}}));
              }});
  add_state_routes(router, context);
  add_agent_routes(router, context);
}

}  // namespace ota::api

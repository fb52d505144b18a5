// What operators ask of the fleet: devices, updates, jobs.
#include "api/context.h"
#include "api/json_views.h"
#include "api/routes.h"
#include "base/text.h"
#include "fleet/device_filter.h"
#include "fleet/fleet.h"
#include "fleet/minutes.h"
#include "model/time_json.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::uint64_t kPage = 1000;
constexpr std::size_t kMostDevices = 10000;  // of one push
constexpr std::size_t kLongestReason = 500;

void list_devices(const Context& context, const http::Request& request,
                  const http::Responder& respond) {
  const std::string after = text_of(request, "after");
  const auto limit = number_of(request, respond, "limit", {kPage, 1, kPage});
  if (!limit) return;
  const std::string words = text_of(request, "filter");
  const auto filter = fleet::DeviceFilter::parse(words);
  if (!filter) return respond(http::Response::problem(400, "bad-filter", filter.error().context));
  const WallTime now = context.ports.clock.wall();
  Json devices = Json::array();
  const auto snapshot = context.ports.fleet.snapshot();
  for (const auto& chunk : snapshot->rows) {
    if (chunk->empty() || chunk->back()->id <= after) continue;
    for (const auto& row : *chunk) {
      if (row->id <= after) continue;
      if (devices.size() == *limit) break;
      if (!filter->matches(*row, now)) continue;
      devices.push_back(row_json(*row));
    }
  }
  Json page{{"devices", std::move(devices)}};
  // So that whoever acts on them knows that they were filtered.
  if (!words.empty()) page["filter"] = words;
  respond(http::Response::json(page));
}

Result<fleet::PushRequest> push_request(const Json& body, std::string actor) {
  fleet::PushRequest push;
  push.actor = std::move(actor);
  const auto devices = body.find("devices");
  if (devices == body.end() || !devices->is_array() || devices->empty() ||
      devices->size() > kMostDevices) {
    return fail(Errc::kInvalid, "devices must be a list of 1 to 10000 ids");
  }
  for (const Json& device : *devices) {
    if (!device.is_string()) return fail(Errc::kInvalid, "a device id is no text");
    push.devices.push_back(printable(device.get_ref<const std::string&>(), 63));
  }
  if (const auto version = body.find("version"); version != body.end() && !version->is_null()) {
    if (!version->is_string()) return fail(Errc::kInvalid, "version is no text");
    auto parsed = model::Version::parse(version->get_ref<const std::string&>());
    if (!parsed) return parsed.error();
    push.version = *parsed;
  }
  if (const auto reason = body.find("override"); reason != body.end() && !reason->is_null()) {
    if (!reason->is_string()) return fail(Errc::kInvalid, "override is no text");
    push.override_reason = printable(reason->get_ref<const std::string&>(), kLongestReason);
  }
  for (const auto& [key, member] :
       {std::pair{"again", &push.again}, std::pair{"dry_run", &push.dry_run}}) {
    const auto found = body.find(key);
    if (found == body.end()) continue;
    if (!found->is_boolean())
      return fail(Errc::kInvalid, std::string(key) + " is neither true nor false");
    *member = found->get<bool>();
  }
  return push;
}

void stop(Context& context, const http::Request& request, const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const Json said = body->value("reason", Json());
  const std::string reason =
      said.is_string() ? printable(said.get_ref<const std::string&>(), model::kMaxStopReason) : "";
  if (reason.find_first_not_of(' ') == std::string::npos) {
    return respond(http::Response::problem(400, "missing-member", "reason must say why"));
  }
  context.ports.fleet.stop(reason, actor_of(request),
                           [respond](const Result<fleet::StopOutcome>& stopped) {
                             if (!stopped) return respond(http::Response::error(stopped.error()));
                             respond(http::Response::json({{"stop", stop_json(&stopped->stop)},
                                                           {"was_stopped", stopped->was_stopped},
                                                           {"cancelled", stopped->cancelled},
                                                           {"saved", stopped->unsaved.empty()},
                                                           {"problem", stopped->unsaved}}));
                           });
}

void push(Context& context, const http::Request& request, const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const auto wanted = push_request(*body, actor_of(request));
  if (!wanted) return respond(http::Response::error(wanted.error()));
  using Outcomes = std::vector<fleet::PushOutcome>;
  context.ports.fleet.push(*wanted, [&context, respond](Result<Outcomes> outcomes) {
    if (!outcomes) return respond(http::Response::error(outcomes.error()));
    // Of a whole fleet that is megabytes: not the strand's work.
    const auto decided = std::make_shared<const Outcomes>(std::move(*outcomes));
    context.on_worker(respond, [respond, decided] {
      Json results = Json::array();
      for (const fleet::PushOutcome& outcome : *decided) {
        Json entry{{"decision", outcome.decision}};
        if (!outcome.job_id.empty()) entry["job"] = outcome.job_id;
        if (outcome.fetch) entry["fetch"] = *outcome.fetch;
        results.push_back(std::move(entry));
      }
      respond(http::Response::json(
          {{"results", std::move(results)}, {"fetch", fleet::fetch_sum(*decided)}}));
    });
  });
}

// The stored minutes of a device, a page at a time: `next` is where the following one begins.
void read_history(Context& context, const http::Request& request, const http::Responder& respond) {
  constexpr std::uint64_t kDay = 1440;
  const std::string device(request.params.at(0));
  const auto time_of = [&](const char* name, WallTime fallback) -> Result<WallTime> {
    const std::string text = text_of(request, name);
    return text.empty() ? fallback : parse_rfc3339(text);
  };
  const auto from = time_of("from", WallTime{});
  const auto to = time_of("to", WallTime(std::chrono::hours(24 * 365 * 200)));
  if (!from || !to) {
    return respond(http::Response::problem(400, "bad-time", "from and to are RFC 3339 times"));
  }
  if (!model::valid_device_id(device)) {
    return respond(http::Response::problem(404, "unknown-device", "no such device"));
  }
  const auto limit = number_of(request, respond, "limit", {kDay, 1, kDay});
  if (!limit) return;
  context.on_worker(respond, [&context, respond, device, from = *from, to = *to,
                              limit = static_cast<std::size_t>(*limit)] {
    const auto page = fleet::read_minutes(context.ports.store, device, from, to, limit);
    if (!page) return respond(http::Response::error(page.error()));
    Json out{{"minutes", Json::array()}};
    for (const fleet::Minute& minute : page->minutes) {
      Json entry = fleet::minute_document(minute);
      entry["at"] = model::time_json(minute.at);
      out["minutes"].push_back(std::move(entry));
    }
    if (page->next) out["next"] = model::time_json(*page->next);
    respond(http::Response::json(out));
  });
}

// A route that names one thing in its path and answers 204: {id} and who asks, handed to `order`.
template <class Order>
void add_order(http::Router& router, std::string pattern, Order order) {
  router.add({Method::kPost, std::move(pattern), Access::kOperator,
              [order](const http::Request& request, const http::Responder& respond) {
                order(std::string(request.params.at(0)), actor_of(request),
                      no_content_or_problem(respond));
              }});
}

}  // namespace

void add_fleet_routes(http::Router& router, Context& context) {
  fleet::Fleet& fleet = context.ports.fleet;
  router.add({Method::kGet, "/v1/devices", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                list_devices(context, request, respond);
              }});
  router.add({Method::kGet, "/v1/devices/{id}", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                const auto detail = fleet.detail(std::string(request.params.at(0)));
                if (detail == nullptr) {
                  return respond(http::Response::problem(404, "unknown-device", "no such device"));
                }
                respond(http::Response::json(detail_json(*detail)));
              }});
  router.add({Method::kGet, "/v1/devices/{id}/minutes", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                read_history(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/push", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                push(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/stop", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                stop(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/resume", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                fleet.resume(actor_of(request), no_content_or_problem(respond));
              }});
  add_order(router, "/v1/devices/{id}/rollback",
            [&fleet](const std::string& id, const std::string& actor, fleet::Done done) {
              fleet.rollback(id, actor, std::move(done));
            });
  add_order(router, "/v1/devices/{id}/revoke",
            [&fleet](const std::string& id, const std::string& actor, fleet::Done done) {
              fleet.revoke(id, actor, std::move(done));
            });
  add_order(router, "/v1/devices/{id}/acknowledge",
            [&fleet](const std::string& id, const std::string& actor, fleet::Done done) {
              fleet.acknowledge(id, actor, std::move(done));
            });
  add_order(router, "/v1/jobs/{id}/cancel",
            [&fleet](const std::string& id, const std::string& actor, fleet::Done done) {
              fleet.cancel(id, actor, std::move(done));
            });
  router.add(
      {Method::kGet, "/v1/jobs", Access::kOperator,
       [&fleet](const http::Request& request, const http::Responder& respond) {
         const auto limit = number_of(request, respond, "limit", {100, 1, kPage});
         if (!limit) return;
         respond(http::Response::json(
             {{"jobs", fleet.jobs(text_of(request, "device"), static_cast<std::size_t>(*limit))}}));
       }});
  router.add({Method::kGet, "/v1/jobs/{id}", Access::kOperator,
              [&fleet](const http::Request& request, const http::Responder& respond) {
                const auto job = fleet.job(std::string(request.params.at(0)));
                if (!job)
                  return respond(http::Response::problem(404, "unknown-job", "no such job"));
                respond(http::Response::json(*job));
              }});
}

}  // namespace ota::api

// Open routes: is it alive, how is it doing, what can it be asked.
#include <array>
#include <cstdio>

#include "api/context.h"
#include "api/routes.h"
#include "fleet/fleet.h"
#include "gen/api/openapi_json.h"
#include "pki/authority.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

std::string number_text(double value) {
  std::array<char, 64> number{};
  std::snprintf(number.data(), number.size(), "%.17g", value);
  return number.data();
}

void add_head(std::string& out, const char* name, const char* type, const char* help) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

// What a listener counts, and the words for it.
struct ListenerMetric {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t http::ServerStats::*value;
};
constexpr std::array<ListenerMetric, 8> kListenerMetrics{{
    {"ota_http_requests_total", "counter", "requests answered", &http::ServerStats::requests},
    {"ota_http_errors_4xx_total", "counter", "answers of 400 to 499",
     &http::ServerStats::errors_4xx},
    {"ota_http_errors_5xx_total", "counter", "answers of 500 and above",
     &http::ServerStats::errors_5xx},
    {"ota_http_limited_total", "counter", "requests and connections refused by a limit",
     &http::ServerStats::limited},
    {"ota_tls_refused_total", "counter", "handshakes refused",
     &http::ServerStats::refused_handshakes},
    {"ota_http_connections", "gauge", "connections open now", &http::ServerStats::connections},
    {"ota_http_strangers", "gauge", "of these, that have not said who they are",
     &http::ServerStats::strangers},
    {"ota_http_body_bytes", "gauge", "memory of request bodies that are on their way",
     &http::ServerStats::body_bytes},
}};

void add_listeners(std::string& out, const std::vector<ListenerStats>& listeners) {
  for (const ListenerMetric& metric : kListenerMetrics) {
    add_head(out, metric.name, metric.type, metric.help);
    for (const ListenerStats& listener : listeners) {
      out += std::string(metric.name) + "{listener=\"" + std::string(listener.listener) + "\"} " +
             number_text(static_cast<double>(listener.stats.*metric.value)) + "\n";
    }
  }
}

void add_budget(std::string& out, const fleet::BudgetUse& use) {
  const auto add = [&](const char* name, const char* type, const char* help, double value) {
    add_head(out, name, type, help);
    out += std::string(name) + " " + number_text(value) + "\n";
  };
  add("ota_budget_strangers_events", "gauge",
      "part of the events that strangers may cause in an hour that is used", use.strangers_events);
  add("ota_budget_strangers_bytes", "gauge", "the same of the bytes", use.strangers_bytes);
  add("ota_budget_busiest_device", "gauge",
      "the largest part of its hourly budget of writes that one device has used",
      use.busiest_device);
  add("ota_budget_devices_spent", "gauge", "devices whose budget of writes is used up",
      static_cast<double>(use.devices_spent));
  add("ota_budget_refused_total", "counter", "requests refused for a budget that is used up",
      static_cast<double>(use.refused));
  const char* left_out = "ota_events_suppressed_total";
  add_head(out, left_out, "counter", "events left out past a budget, or as repeats");
  out += std::string(left_out) + "{of=\"devices\"} " +
         number_text(static_cast<double>(use.left_out_devices)) + "\n" + left_out +
         "{of=\"strangers\"} " + number_text(static_cast<double>(use.left_out_strangers)) + "\n";
}

void add_sent(std::string& out, const fleet::JobCounts& counts) {
  const auto add = [&](const char* name, const char* help, std::uint64_t value) {
    add_head(out, name, "counter", help);
    out += std::string(name) + " " + number_text(static_cast<double>(value)) + "\n";
  };
  add("ota_updates_sent_bytes_total", "bytes of images, patches and packed images sent to devices",
      counts.sent_bytes);
  add("ota_updates_saved_bytes_total",
      "bytes of images that patches and packed images spared devices", counts.saved_bytes);
}

void add_certificates(std::string& out, const std::vector<pki::CertificateTerm>& terms) {
  const char* name = "ota_certificate_ends_seconds";
  add_head(out, name, "gauge", "when the server's own certificates end, as Unix time");
  for (const pki::CertificateTerm& term : terms) {
    out += std::string(name) + "{certificate=\"" + term.name + "\"} " +
           number_text(static_cast<double>(
               std::chrono::floor<seconds>(term.ends).time_since_epoch().count())) +
           "\n";
  }
}

// Prometheus text exposition format 0.0.4.
std::string metrics_text(const Context& context) {
  const auto snapshot = context.ports.fleet.snapshot();
  const fleet::Counts& counts = snapshot->counts;
  std::string out;
  const auto gauge = [&](const char* name, const char* help, std::size_t value) {
    add_head(out, name, "gauge", help);
    out += std::string(name) + " " + number_text(static_cast<double>(value)) + "\n";
  };
  gauge("ota_devices", "devices in the whitelist or ever enrolled", counts.devices);
  gauge("ota_devices_online", "devices with recent telemetry", counts.online);
  gauge("ota_devices_stable", "devices whose verdict is stable", counts.stable);
  gauge("ota_devices_watch", "devices on watch", counts.watch);
  gauge("ota_devices_critical", "devices whose verdict is critical", counts.critical);
  gauge("ota_devices_unknown", "devices without a verdict", counts.unknown);
  gauge("ota_devices_updating", "devices with a running update", counts.updating);
  gauge("ota_devices_failed", "devices whose last update failed", counts.failed);
  gauge("ota_device_certificates_ending", "devices whose certificate ends within 14 days",
        counts.certificates_ending);
  gauge("ota_device_certificates_ended", "devices whose certificate has ended",
        counts.certificates_ended);
  add_certificates(out, context.ports.authority.terms());
  gauge("ota_events_last", "sequence number of the newest event", snapshot->last_event);
  gauge("ota_updates_stopped", "1 where an operator has stopped all updates",
        snapshot->stop != nullptr ? 1 : 0);
  add_sent(out, snapshot->job_counts);
  gauge("ota_store_writable", "1 where the state can be saved", snapshot->store_writable ? 1 : 0);
  add_budget(out, context.ports.fleet.budget_use());
  if (context.ports.server_stats) add_listeners(out, context.ports.server_stats());
  return out;
}

}  // namespace

void add_public_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/healthz", Access::kAnyone,
              [&context](const http::Request&, const http::Responder& respond) {
                const auto snapshot = context.ports.fleet.snapshot();
                respond(http::Response::json(
                    {{"status", snapshot->store_writable ? "ok" : "state-not-saved"}},
                    snapshot->store_writable ? 200 : 503));
              }});
  router.add({Method::kGet, "/openapi.json", Access::kAnyone,
              [](const http::Request&, const http::Responder& respond) {
                http::Response response;
                response.body = kOpenApiJson;
                respond(std::move(response));
              }});
  router.add({Method::kGet, "/metrics", Access::kLoopbackOrOperator,
              [&context](const http::Request&, const http::Responder& respond) {
                http::Response response;
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = metrics_text(context);
                respond(std::move(response));
              }});
}

}  // namespace ota::api

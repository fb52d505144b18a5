// What devices call: status, telemetry, commands, reports. The device is always the certificate's
// name.
#include <algorithm>

#include "api/context.h"
#include "api/routes.h"
#include "api/telemetry_decode.h"
#include "base/bytes.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "model/job.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kLongestSentence = 500;

// A text member of a device's message, safe to show and store.
std::string word_of(const Json& body, const char* key, std::size_t longest) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string()) return {};
  return printable(found->get_ref<const std::string&>(), longest);
}

// Digests are compared as text: in one case.
std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return text;
}

Result<std::optional<model::Image>> image_of(const Json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return std::optional<model::Image>();
  auto image = json_as<model::Image>(*found, key);
  if (!image) return image.error();
  if (!image->sha256.empty() && (image->sha256.size() != 64 || !from_hex(image->sha256))) {
    return fail(Errc::kInvalid, std::string(key) + ": sha256 is not 64 hex digits");
  }
  image->sha256 = lower_case(image->sha256);
  return std::optional<model::Image>(std::move(*image));
}

Result<fleet::DeviceStatus> status_of(const Json& body) {
  fleet::DeviceStatus status;
  status.agent = word_of(body, "agent", kLongestWord);
  status.hardware = word_of(body, "hardware", kLongestWord);
  status.slot = word_of(body, "slot", 8);
  status.fallback = word_of(body, "fallback", kLongestSentence);
  status.fallback_sha256 = lower_case(word_of(body, "fallback_sha256", 64));
  status.rollback_refused = lower_case(word_of(body, "rollback_refused", 64));
  status.rollback_why = word_of(body, "rollback_why", kLongestSentence);
  if (const auto floor = model::Version::parse(word_of(body, "version_floor", kLongestWord)); floor)
    status.version_floor = floor->text();
  if (const auto format = body.find("patch_format");
      format != body.end() && format->is_number_unsigned()) {
    constexpr std::uint64_t kMostFormat = 1000;
    status.patch_format =
        static_cast<std::uint32_t>(std::min(format->get<std::uint64_t>(), kMostFormat));
  }
  if (const auto off = body.find("clock_off_s"); off != body.end() && off->is_number_integer()) {
    constexpr std::int64_t kDecade = 10LL * 365 * 24 * 3600;
    status.clock_off = seconds(std::clamp(off->get<std::int64_t>(), -kDecade, kDecade));
  }
  const auto boot = model::BootId::parse(word_of(body, "boot_id", 32));
  if (!boot) return boot.error();
  status.boot = *boot;
  auto running = image_of(body, "running");
  if (!running) return running.error();
  auto confirmed = image_of(body, "confirmed");
  if (!confirmed) return confirmed.error();
  auto written = image_of(body, "written");
  if (!written) return written.error();
  auto previous = image_of(body, "previous");
  if (!previous) return previous.error();
  status.previous = std::move(*previous);
  status.running = std::move(*running);
  status.confirmed = std::move(*confirmed);
  status.written = std::move(*written);
  return status;
}

void take_telemetry(Context& context, const http::Request& request,
                    const http::Responder& respond) {
  static thread_local std::vector<model::Sample> samples;
  const TelemetryLimits limits{context.ports.fleet.samples_per_request(),
                               context.ports.fleet.json_depth()};
  if (auto decoded = decode_telemetry(request.body, limits, samples); !decoded) {
    // What cannot be read, such as NaN, is as little healthy as a value that cannot be.
    context.ports.fleet.refuse_telemetry(request.peer.name);
    return respond(http::Response::error(decoded.error()));
  }
  const fleet::IngestResult result =
      context.ports.fleet.ingest(request.peer.name, samples, request.peer.address);
  if (result.refused.empty()) return respond(http::Response::no_content());
  // Counts alone: which limit a sample missed would tell a forger how to stay within it.
  respond(
      http::Response::json({{"accepted", result.accepted}, {"refused", result.refused.size()}}));
}

void take_report(Context& context, const http::Request& request, const http::Responder& respond) {
  if (write_budget_spent(context, request, respond)) return;
  const auto body = body_object(context, request, respond);
  if (!body) return;
  auto report = json_as<model::JobReport>(*body, "report");
  if (!report) return respond(http::Response::error(report.error()));
  report->percent = std::clamp(report->percent, 0, 100);
  report->error_code = printable(report->error_code, kLongestWord);
  report->detail = printable(report->detail, kLongestSentence);
  context.ports.fleet.report_job(
      request.peer.name, std::string(request.params.at(0)), *report,
      [respond](const Result<void>& done) {
        // The fleet's word for the conflict is the stable code: "job-final", "job-not-sent".
        if (!done && done.error().code == Errc::kConflict) {
          return respond(http::Response::problem(409, done.error().context,
                                                 "the job takes no such report any more"));
        }
        no_content_or_problem(respond)(done);
      });
}

}  // namespace

void add_device_routes(http::Router& router, Context& context) {
  router.add({Method::kPost, "/v1/status", Access::kDevice,
              [&context](const http::Request& request, const http::Responder& respond) {
                if (write_budget_spent(context, request, respond)) return;
                const auto body = body_object(context, request, respond);
                if (!body) return;
                auto status = status_of(*body);
                if (!status) return respond(http::Response::error(status.error()));
                status->address = request.peer.address;
                context.ports.fleet.report_status(request.peer.name, *status,
                                                  no_content_or_problem(respond));
              }});
  router.add({Method::kPost, "/v1/telemetry", Access::kDevice,
              [&context](const http::Request& request, const http::Responder& respond) {
                take_telemetry(context, request, respond);
              }});
  router.add({Method::kGet, "/v1/commands", Access::kDevice,
              [&context](const http::Request& request, const http::Responder& respond) {
                constexpr std::uint64_t kLongestWait = 60;
                const auto wait = number_of(request, respond, "wait", {.most = kLongestWait});
                if (!wait) return;
                std::optional<model::BootId> boot;
                if (const auto said = model::BootId::parse(text_of(request, "boot"))) boot = *said;
                context.ports.fleet.polled(request.peer.name, boot, request.peer.address);
                context.commands.poll(request.peer.name, seconds(static_cast<std::int64_t>(*wait)),
                                      respond);
              }});
  router.add({Method::kPost, "/v1/jobs/{id}/report", Access::kDevice,
              [&context](const http::Request& request, const http::Responder& respond) {
                take_report(context, request, respond);
              }});
}

}  // namespace ota::api

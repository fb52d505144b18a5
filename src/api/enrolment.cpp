// How a device gets its certificate: a one-time token, a request signed by its own key, and later
// renewal.
#include <memory>

#include "api/context.h"
#include "api/routes.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "fleet/fleet.h"
#include "model/time_json.h"
#include "pki/authority.h"
#include "pki/join_code.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::uint64_t kDefaultTtl = 3600;  // seconds
constexpr std::uint64_t kLongestTtl = 30ULL * 24 * 3600;

seconds certificate_lifetime(const fleet::Fleet& fleet) {
  return std::chrono::duration_cast<seconds>(fleet.settings()->console.certificate_lifetime);
}

Result<seconds> ttl_of(const Json& body, std::uint64_t fallback) {
  const Json ttl = body.value("ttl_s", Json(fallback));
  if (!ttl.is_number_unsigned() || ttl.get<std::uint64_t>() == 0 ||
      ttl.get<std::uint64_t>() > kLongestTtl) {
    return fail(Errc::kInvalid, "ttl_s must be from 1 to 2592000 (30 days)");
  }
  return seconds(ttl.get<std::int64_t>());
}

// On the worker: the request's key, the token, the certificate, then the answer after the commit.
void enrol(Context& context, const std::string& token, const std::string& csr,
           const std::string& address, const http::Responder& respond) {
  const pki::Authority& authority = context.ports.authority;
  const auto key = authority.csr_key_fingerprint(csr);
  if (!key) return respond(http::Response::error(key.error()));
  const auto admission = context.ports.fleet.redeem_token(sha256_hex(token), *key, address);
  if (!admission) return respond(http::Response::error(admission.error()));
  const auto root = context.ports.tuf_root ? context.ports.tuf_root() : Result<std::string>("");
  if (!root) return respond(http::Response::error(root.error()));
  const auto issued =
      authority.issue_device(admission->device, csr, certificate_lifetime(context.ports.fleet));
  if (!issued) return respond(http::Response::error(issued.error()));
  Json answer{{"device", admission->device},
              {"certificate", issued->pem},
              {"authority", authority.certificate_pem()},
              {"root", *root}};
  context.ports.fleet.enrolled(
      *admission, issued->serial, issued->key_fingerprint, issued->expires,
      [respond, answer = std::move(answer)](const Result<void>& stored) {
        respond(stored ? http::Response::json(answer, 201) : http::Response::error(stored.error()));
      });
}

void renew(Context& context, const std::string& device, const std::string& serial,
           const std::string& csr, const http::Responder& respond) {
  const auto detail = context.ports.fleet.detail(device);
  const auto key = context.ports.authority.csr_key_fingerprint(csr);
  if (!key) return respond(http::Response::error(key.error()));
  if (detail == nullptr || !detail->record || detail->record->key_fingerprint != *key) {
    return respond(
        http::Response::problem(403, "another-key", "renewal is for the key that enrolled"));
  }
  const auto issued =
      context.ports.authority.issue_device(device, csr, certificate_lifetime(context.ports.fleet));
  if (!issued) return respond(http::Response::error(issued.error()));
  context.ports.fleet.renewed(device, serial, issued->serial, issued->expires,
                              [respond, pem = issued->pem](const Result<void>& stored) {
                                respond(stored ? http::Response::json({{"certificate", pem}})
                                               : http::Response::error(stored.error()));
                              });
}

void ask_renewal(Context& context, const http::Request& request, const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const Json csr = body->value("csr", Json());
  if (!csr.is_string()) {
    return respond(http::Response::problem(400, "missing-member", "csr is required"));
  }
  context.on_worker(
      respond, [&context, respond, csr = csr.get<std::string>(), device = request.peer.name,
                serial = request.peer.serial] { renew(context, device, serial, csr, respond); });
}

// A certificate that has ended may be renewed for so long: an operator's word.
void allow_renewal(Context& context, const http::Request& request, const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  constexpr std::uint64_t kWeek = 7ULL * 24 * 3600;
  const auto ttl = ttl_of(*body, kWeek);
  if (!ttl) return respond(http::Response::problem(400, "bad-ttl", ttl.error().context));
  context.ports.fleet.allow_renewal(std::string(request.params.at(0)),
                                    context.ports.clock.wall() + *ttl, actor_of(request),
                                    no_content_or_problem(respond));
}

void open_enrolment(Context& context, const http::Request& request,
                    const http::Responder& respond) {
  const auto body = body_object(context, request, respond);
  if (!body) return;
  const Json device = body->value("device", Json());
  if (!device.is_string()) {
    return respond(http::Response::problem(400, "missing-member", "device is required"));
  }
  const auto ttl = ttl_of(*body, kDefaultTtl);
  if (!ttl) return respond(http::Response::problem(400, "bad-ttl", ttl.error().context));
  const WallTime expires = context.ports.clock.wall() + *ttl;
  const pki::JoinCode code{to_base64url(random_bytes(32)), context.ports.authority.fingerprint()};
  Json answer{{"device", device}, {"code", code.text()}, {"expires", model::time_json(expires)}};
  context.ports.fleet.open_enrolment(
      device, sha256_hex(code.token), expires, actor_of(request),
      [respond, answer = std::move(answer)](const Result<void>& stored) {
        respond(stored ? http::Response::json(answer, 201) : http::Response::error(stored.error()));
      });
}

}  // namespace

void add_enrolment_routes(http::Router& router, Context& context) {
  router.add({Method::kPost, "/v1/enroll", Access::kAnyone,
              [&context](const http::Request& request, const http::Responder& respond) {
                const auto body = body_object(context, request, respond);
                if (!body) return;
                const Json token = body->value("token", Json());
                const Json csr = body->value("csr", Json());
                if (!token.is_string() || !csr.is_string()) {
                  return respond(
                      http::Response::problem(400, "missing-member", "token and csr are required"));
                }
                // Here, so that wrong ones take no place on the worker from a good one.
                const auto check = context.ports.fleet.check_token(
                    sha256_hex(token.get_ref<const std::string&>()), request.peer.address);
                if (check.wait) {
                  return respond(http::Response::too_many(
                      "too-many-attempts", "too many wrong tokens from this address", *check.wait));
                }
                if (!check.good) return respond(http::Response::error(check.refusal));
                context.on_worker(respond,
                                  [&context, respond, token = token.get<std::string>(),
                                   csr = csr.get<std::string>(), address = request.peer.address] {
                                    enrol(context, token, csr, address, respond);
                                  });
              }});
  http::Route renewal{Method::kPost, "/v1/renew", Access::kDevice,
                      [&context](const http::Request& request, const http::Responder& respond) {
                        ask_renewal(context, request, respond);
                      }};
  renewal.ended_certificate = true;
  router.add(std::move(renewal));
  router.add({Method::kPost, "/v1/devices/{id}/allow-renewal", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                allow_renewal(context, request, respond);
              }});
  router.add({Method::kPost, "/v1/enrolments", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                open_enrolment(context, request, respond);
              }});
}

}  // namespace ota::api

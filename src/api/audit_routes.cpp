// The log of events as others verify it (c2sp.org/tlog-tiles): its checkpoint, tiles and entries,
// and its verification by this server. For operators: entries hold the fleet's affairs.
#include "api/context.h"
#include "api/routes.h"
#include "audit/log_key.h"
#include "audit/tile_path.h"
#include "audit/tile_tree.h"
#include "base/file.h"
#include "store/log_import.h"
#include "store/log_signer.h"
#include "store/log_verify.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::size_t kMaxNote = 65536;

http::Response bytes_response(std::string body, std::string_view type) {
  http::Response response;
  response.body = std::move(body);
  response.content_type = type;
  return response;
}

http::Response verify_response(const Ports& ports) {
  const auto report = store::verify_log(ports.store, store::read_checkpoint(ports.state));
  if (!report) return http::Response::error(report.error());
  const auto imports = store::imports_of(ports.store);
  if (!imports) return http::Response::error(imports.error());
  Json out = store::log_json(*report);
  out["imports"] = store::imports_json(*imports);
  return http::Response::json(out);
}

void acknowledge_import(const Ports& ports, const std::string& number, const std::string& actor,
                        const http::Responder& respond) {
  std::uint64_t seq = 0;
  const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), seq);
  if (wrong != std::errc{} || end != number.data() + number.size())
    return respond(http::Response::problem(400, "bad-number", "an event's number is asked for"));
  const auto begun = store::acknowledge_import(
      ports.store, seq, actor, ports.clock.wall(),
      [respond](const Result<store::Committed>& saved) {
        respond(saved ? http::Response::no_content() : http::Response::error(saved.error()));
      });
  if (!begun) respond(http::Response::error(begun.error()));
}

http::Response file_response(const std::filesystem::path& file) {
  auto text = read_file(file, kMaxNote);
  if (!text) return http::Response::error(text.error());
  return bytes_response(std::move(*text), "text/plain; charset=utf-8");
}

http::Response tile_response(store::Store& store, const std::string& name) {
  const auto path = audit::TilePath::parse("tile/" + name);
  if (!path) return http::Response::error(fail(Errc::kNotFound, "no such tile"));
  auto bytes = path->level ? store::tile_bytes(store, *path) : store::bundle_bytes(store, *path);
  if (!bytes) return http::Response::error(bytes.error());
  return bytes_response(std::move(*bytes), "application/octet-stream");
}

}  // namespace

void add_audit_routes(http::Router& router, Context& context) {
  const auto on_worker = [&](const char* pattern, auto answer) {
    router.add({Method::kGet, pattern, Access::kOperator,
                [&context, answer](const http::Request& request, const http::Responder& respond) {
                  const std::string name(request.params.empty() ? "" : request.params.at(0));
                  context.on_worker(respond, [&context, respond, answer, name] {
                    respond(answer(context.ports, name));
                  });
                }});
  };
  on_worker("/v1/audit/verify",
            [](const Ports& ports, const std::string&) { return verify_response(ports); });
  router.add({Method::kPost, "/v1/audit/imports/{id}/acknowledge", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                context.on_worker(respond,
                                  [&context, respond, number = std::string(request.params.at(0)),
                                   actor = actor_of(request)] {
                                    acknowledge_import(context.ports, number, actor, respond);
                                  });
              }});
  on_worker("/v1/audit/checkpoint", [](const Ports& ports, const std::string&) {
    return file_response(ports.state / store::kCheckpointFile);
  });
  on_worker("/v1/audit/vkey", [](const Ports& ports, const std::string&) {
    return file_response(ports.state / audit::kLogVerifierFile);
  });
  on_worker("/v1/audit/tile/{path...}", [](const Ports& ports, const std::string& name) {
    return tile_response(ports.store, name);
  });
}

}  // namespace ota::api

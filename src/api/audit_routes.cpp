// The log of events as others verify it (c2sp.org/tlog-tiles): its checkpoint, tiles and entries,
// and its verification by this server. For operators: entries hold the fleet's affairs.
#include <charconv>
#include <optional>

#include "api/context.h"
#include "api/routes.h"
#include "audit/log_key.h"
#include "audit/tile_path.h"
#include "audit/tile_tree.h"
#include "base/beneath.h"
#include "fleet/fleet.h"
#include "store/log_import.h"
#include "store/log_signer.h"
#include "store/log_verify.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

constexpr std::size_t kMaxNote = 65536;
constexpr const char* kNoNumber = "an event's or a log's number is asked for";

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

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void acknowledge_import(const Ports& ports, const std::string& number, const std::string& actor,
                        const http::Responder& respond) {
  const auto seq = number_of(number);
  if (!seq) return respond(http::Response::problem(400, "bad-number", kNoNumber));
  auto word = store::acknowledgement(ports.store, *seq, actor, ports.clock.wall());
  if (!word) return respond(http::Response::error(word.error()));
  ports.fleet.record(std::move(*word), [respond](const Result<void>& saved) {
    respond(saved ? http::Response::no_content() : http::Response::error(saved.error()));
  });
}

http::Response imports_response(const Ports& ports) {
  const auto imports = store::imports_of(ports.store);
  if (!imports) return http::Response::error(imports.error());
  return http::Response::json(Json{{"imports", store::imports_json(*imports)}});
}

// Entries of a log that came with an import, behind event `after` of it. None: that was the last.
http::Response closed_response(store::Store& store, std::string_view log, std::string_view after) {
  constexpr std::size_t kPage = 128;  // of 60 KiB each at most
  const auto which = number_of(log);
  const auto from = number_of(after);
  if (!which || !from) return http::Response::problem(400, "bad-number", kNoNumber);
  const auto entries = store.closed_entries(*which, *from, kPage);
  if (!entries) return http::Response::error(entries.error());
  Json out = Json::array();
  for (const store::LogEntry& entry : *entries)
    out.push_back({{"seq", entry.seq}, {"document", entry.document}});
  return http::Response::json(Json{{"entries", std::move(out)}});
}

http::Response file_response(const std::filesystem::path& state, std::string_view name) {
  auto text = read_beneath(state, name, kMaxNote);
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
  on_worker("/v1/audit/imports",
            [](const Ports& ports, const std::string&) { return imports_response(ports); });
  router.add({Method::kGet, "/v1/audit/closed/{id}/{after}", Access::kOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                context.on_worker(respond,
                                  [&context, respond, log = std::string(request.params.at(0)),
                                   after = std::string(request.params.at(1))] {
                                    respond(closed_response(context.ports.store, log, after));
                                  });
              }});
  on_worker("/v1/audit/checkpoint", [](const Ports& ports, const std::string&) {
    return file_response(ports.state, store::kCheckpointFile);
  });
  on_worker("/v1/audit/vkey", [](const Ports& ports, const std::string&) {
    return file_response(ports.state, audit::kLogVerifierFile);
  });
  on_worker("/v1/audit/tile/{path...}", [](const Ports& ports, const std::string& name) {
    return tile_response(ports.store, name);
  });
}

}  // namespace ota::api

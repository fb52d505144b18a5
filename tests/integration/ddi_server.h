// The DDI listener on a free port beside the ordinary one, and a client that speaks for a device
// and holds every answer to what the strictest of the real clients demands: status 200, a
// Content-Length that is right, no chunks, a JSON body on every GET.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "ddi/service.h"
#include "tests/integration/api_server.h"
#include "tests/support/tls_client.h"

namespace ota::test {

class DdiServer {
 public:
  DdiServer() {
    api.apply([](model::Settings& settings) {
      settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
      settings.console.ddi.on = true;
      settings.console.ddi.port = 0;
      settings.console.ddi.listen_address = "127.0.0.1";
    });
    start();
  }
  ~DdiServer() { stop(); }

  void start() {
    service = std::make_unique<ddi::Service>(*api.fleet, clock_, api.root() / "firmware");
    authority_.emplace(pki::Authority::open_or_create(api.root() / "state", {}, clock_).value());
    http::ServerHooks hooks;
    hooks.connection_closed = [this](std::uint64_t number) { service->connection_closed(number); };
    server = std::make_unique<http::Server>(
        ddi::Service::server_options(api.fleet->settings()->console), authority_->server_identity(),
        service->router(), std::move(hooks));
    REQUIRE(server->start().has_value());
    api.further = server.get();
  }
  void stop() {
    api.further = nullptr;
    service->close();
    server->drain(milliseconds(0));
    server.reset();
    service.reset();
  }

  // As an operator.
  Json post(const std::string& path, const Json& body = Json::object(), unsigned expected = 204) {
    auto operators = api.client("operator");
    const auto reply = operators.post(path, dump_json(body), ApiServer::kMost);
    REQUIRE(reply.has_value());
    INFO(path << " -> " << reply->body);
    REQUIRE(reply->status == expected);
    return reply->body.empty() ? Json() : *parse_json(reply->body);
  }
  std::string token(const std::string& device) {
    return post("/v1/devices/" + device + "/ddi-token", {}, 201).at("token");
  }
  // Pushes v2.1.5; the job's id, or the headline where the gate refuses.
  std::string push(const std::string& device) {
    const Json result =
        post("/v1/push", {{"devices", {device}}, {"version", "2.1.5"}}, 200).at("results").at(0);
    return result.contains("job") ? result["job"].get<std::string>()
                                  : result["decision"]["headline"].get<std::string>();
  }
  model::Job job(const std::string& id) const { return api.fleet->job(id).value(); }
  // Events show with the next publication.
  bool told(const std::string& kind) const {
    return wait_until([&] {
      const auto snapshot = api.fleet->snapshot();
      const auto& events = *snapshot->events;
      return std::any_of(events.begin(), events.end(),
                         [&](const auto& event) { return event->kind == kind; });
    });
  }

  ApiServer api;
  std::unique_ptr<ddi::Service> service;
  std::unique_ptr<http::Server> server;

 private:
  SystemClock clock_;
  std::optional<pki::Authority> authority_;
};

// Links of one poll.
struct DdiLinks {
  std::string deployment;
  std::string cancel;
  std::string attributes;
  std::string sleep;
};

class DdiDevice {
 public:
  static constexpr const char* kRauc = "rauc-hawkbit-c-agent/1.0";
  static constexpr const char* kSwupdate = "libcurl-agent/1.0";

  DdiDevice(const DdiServer& server, std::string id, const std::string& token,
            std::string agent = kRauc)
      : server_(server), id_(std::move(id)), agent_(std::move(agent)) {
    if (!token.empty()) authorization = "TargetToken " + token;
    connect();
  }
  void connect(const Identity& identity = {}, TlsVersion version = TlsVersion::k12) {
    client_.emplace(server_.server->port(), identity, version);
  }

  HttpReply send(const std::string& method, const std::string& path, const std::string& body = {},
                 const std::string& fields = {}) {
    std::string all = "User-Agent: " + agent_ + "\r\n" + fields;
    if (!authorization.empty()) all += "Authorization: " + authorization + "\r\n";
    const auto reply = client_->request(method, path, body, all);
    INFO(method << " " << path);
    REQUIRE(reply.has_value());
    CHECK(reply->header("transfer-encoding").empty());
    if (method != "HEAD") {
      CHECK(reply->header("content-length") == std::to_string(reply->body.size()));
    }
    return *reply;
  }
  Json document(const std::string& path) {
    const HttpReply reply = send("GET", path);
    INFO(path << " -> " << reply.status << " " << reply.body);
    REQUIRE(reply.status == 200);
    const auto json = parse_json(reply.body);
    REQUIRE(json.has_value());
    return *json;
  }

  bool closed_within(milliseconds patience) { return client_->closed_within(patience); }

  std::string base() const { return "/" + tenant + "/controller/v1/" + id_; }
  // Zephyr's way with a link: scheme and host are dropped.
  static std::string path_of(const std::string& href) {
    CHECK(href.starts_with("https://localhost/"));
    return href.substr(href.find('/', 8));
  }

  DdiLinks poll() {
    const Json root = document(base());
    DdiLinks links;
    links.sleep = root.at("config").at("polling").at("sleep");
    CHECK(links.sleep.size() == 8);
    const auto take = [&](const char* name, std::string& into) {
      if (!root.contains("_links") || !root["_links"].contains(name)) return;
      into = path_of(root["_links"][name]["href"]);
      CHECK(into.starts_with(base() + "/"));
    };
    take("deploymentBase", links.deployment);
    take("cancelAction", links.cancel);
    take("configData", links.attributes);
    CHECK((links.deployment.empty() || links.cancel.empty()));
    return links;
  }
  unsigned put_attributes(const Json& data, const std::string& mode = "merge") {
    return send("PUT", base() + "/configData", dump_json({{"mode", mode}, {"data", data}})).status;
  }
  // Of the link that a poll showed, with or without its query.
  static std::string feedback_path(const std::string& link) {
    return link.substr(0, link.find('?')) + "/feedback";
  }
  unsigned feedback(const std::string& link, const std::string& execution,
                    const std::string& finished, const std::vector<std::string>& details = {}) {
    return send("POST", feedback_path(link),
                dump_json({{"id", "1"},
                           {"time", ""},
                           {"status",
                            {{"execution", execution},
                             {"result", {{"finished", finished}}},
                             {"details", details}}}}))
        .status;
  }
  Json artifact_of(const std::string& link) {
    return document(link).at("deployment").at("chunks").at(0).at("artifacts").at(0);
  }
  static std::string image_path(const Json& artifact) {
    return path_of(artifact.at("_links").at("download-http").at("href"));
  }
  // Fetches the image behind a deployment's link; its bytes.
  std::string fetch(const std::string& link) {
    const Json artifact = artifact_of(link);
    const HttpReply reply = send("GET", image_path(artifact));
    REQUIRE(reply.status == 200);
    CHECK(reply.body.size() == artifact.at("size").get<std::size_t>());
    CHECK(sha256_hex(reply.body) == artifact.at("hashes").at("sha256"));
    return reply.body;
  }

  std::string authorization;
  std::string tenant = "DEFAULT";

 private:
  const DdiServer& server_;
  std::string id_;
  std::string agent_;
  std::optional<TlsClient> client_;
};

}  // namespace ota::test

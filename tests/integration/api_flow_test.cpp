// Devices over real TLS: joining, being updated, being cut off, and a server that restarts midway.
#include <future>

#include "tests/integration/api_server.h"
#include "tuf/names.h"

using namespace ota;
using model::JobState;
using test::ApiServer;
using test::ScriptedDevice;
using test::wait_until;

namespace {

void be_stable(ApiServer& server, ScriptedDevice& device, const std::string& id) {
  REQUIRE(device.status(server.release(0)) == 204);
  REQUIRE(wait_until([&] {
    CHECK(device.sample(10) == 204);
    return server.fleet->detail(id)->verdict.level == model::Level::kStable;
  }));
}

Json push(const ApiServer& server, const std::string& id) {
  auto operators = server.client("operator");
  const auto reply = operators.post("/v1/push", dump_json({{"devices", {id}}}), ApiServer::kMost);
  REQUIRE(reply.has_value());
  REQUIRE(reply->status == 200);
  return parse_json(reply->body)->at("results").at(0);
}

std::string headline(const Json& result) {
  return result.at("decision").at("headline");
}

Json events(const ApiServer& server, const std::string& kind) {
  auto operators = server.client("operator");
  const auto reply = operators.get("/v1/events?kind=" + kind, ApiServer::kMost);
  REQUIRE(reply.has_value());
  return parse_json(reply->body)->at("events");
}

}  // namespace

TEST_CASE("a device joins with a code that works once", "[api][threads]") {
  ApiServer server;
  const std::string code = server.code_for("iot-001");
  CHECK(server.join_as("iot-001", code, "iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  CHECK(device.sample(10) == 204);
  CHECK(server.join_as("iot-001", code, "again").status == 403);
  CHECK(server.code_for("stranger").empty());
  CHECK(events(server, "enrol.ok").size() == 1);
}

TEST_CASE("the list of devices is filtered by the server, page by page, and says so", "[api]") {
  ApiServer server;
  auto operators = server.client("operator");
  const auto list = [&](const std::string& query) {
    const auto reply = operators.get("/v1/devices" + query, ApiServer::kMost);
    REQUIRE(reply.has_value());
    REQUIRE(reply->status == 200);
    return *parse_json(reply->body);
  };
  const Json all = list("");
  CHECK_FALSE(all.contains("filter"));
  REQUIRE(all.at("devices").size() >= 2);
  const Json one = list("?filter=id:iot-001%20seen:never");
  CHECK(one.at("filter") == "id:iot-001 seen:never");
  REQUIRE(one.at("devices").size() == 1);
  CHECK(one.at("devices").at(0).at("id") == "iot-001");
  // What a page holds is counted after the filter, or a page would look like the last one.
  const Json page = list("?filter=!id:iot-001&limit=1");
  REQUIRE(page.at("devices").size() == 1);
  CHECK(page.at("devices").at(0).at("id") != "iot-001");
  const auto odd = operators.get("/v1/devices?filter=verison:2", ApiServer::kMost);
  REQUIRE(odd.has_value());
  CHECK(odd->status == 400);
  CHECK(odd->body.find("version:") != std::string::npos);
}

TEST_CASE("a copied operator's key is out at once where its certificates are withdrawn", "[api]") {
  ApiServer server;
  auto thief = server.client("operator");  // the files, as they were copied
  REQUIRE(thief.get("/v1/operators", ApiServer::kMost)->status == 200);
  std::filesystem::copy(server.root() / "state/pki/operator.crt", server.root() / "stolen.crt");
  std::filesystem::copy(server.root() / "state/pki/operator.key", server.root() / "stolen.key");
  auto owner = server.client("operator");
  REQUIRE(owner.post("/v1/operators/operator/revoke", "{}", ApiServer::kMost)->status == 204);
  // On the connection that is open, on a new one, and after a restart.
  CHECK(thief.get("/v1/status", ApiServer::kMost)->status == 403);
  CHECK(server.client("stolen").get("/v1/status", ApiServer::kMost)->status == 403);
  CHECK(server.client("operator").get("/v1/status", ApiServer::kMost)->status == 200);
  server.restart();
  CHECK(server.client("stolen").get("/v1/status", ApiServer::kMost)->status == 403);
  CHECK(server.client("operator").get("/v1/status", ApiServer::kMost)->status == 200);
  CHECK(events(server, "operator.revoked").size() == 1);
}

TEST_CASE("images of other models are served where nobody has chosen otherwise", "[api]") {
  ApiServer server;
  CHECK(server.join("iot-001").status == 201);
  const std::string image =
      "/tuf/targets/" + tuf::target_url_path(server.release(0).target, server.release(0).sha256);
  const auto status = [&](const std::string& who) {
    return server.client(who).get(image, ApiServer::kMost)->status;
  };
  CHECK(status("iot-001") == 200);
  server.apply([](model::Settings& settings) { settings.whitelist.devices[0].hardware = "sim-b"; });
  CHECK(status("iot-001") == 200);
  server.apply([](model::Settings& settings) {
    settings.console.serve_images = model::ServeImages::kByModel;
  });
  CHECK(status("iot-001") == 404);
  CHECK(status("operator") == 200);
  server.apply([](model::Settings& settings) { settings.whitelist.devices[0].hardware = "sim-a"; });
  CHECK(status("iot-001") == 200);
}

TEST_CASE("what a device is sent of an image counts for it, an operator's copy for nobody",
          "[api][threads]") {
  ApiServer server;
  CHECK(server.join("iot-001").status == 201);
  const model::Release& release = server.release(0);
  const std::string image = "/tuf/targets/" + tuf::target_url_path(release.target, release.sha256);
  const auto sent = [&] {
    server.fleet->catch_up();
    return server.fleet->snapshot()->job_counts.sent_bytes;
  };
  CHECK(server.client("operator").get(image, ApiServer::kMost)->status == 200);
  CHECK(server.client("iot-001").get("/tuf/metadata/timestamp.json", ApiServer::kMost)->status ==
        200);
  auto device = server.client("iot-001");
  CHECK(device.get(image, ApiServer::kMost)->status == 200);
  CHECK(test::wait_until([&] { return sent() == release.length; }));
  const auto detail = server.fleet->detail("iot-001");
  REQUIRE(detail->record->fetched.size() == 1);
  CHECK(detail->record->fetched[0].bytes == release.length);
  const auto status = server.client("operator").get("/v1/status", ApiServer::kMost);
  CHECK(parse_json(status->body)->at("updates") ==
        Json{{"sent_bytes", release.length}, {"saved_bytes", 0}});
  const auto metrics = server.client("operator").get("/metrics", ApiServer::kMost);
  CHECK(metrics->body.find("\nota_updates_sent_bytes_total " + std::to_string(release.length) +
                           "\n") != std::string::npos);

  // A second copy is more than its budget has room for: it counts from its end on.
  server.apply([&](model::Settings& settings) {
    settings.ota.data_budget.bytes_per_day = release.length * 3 / 2;
  });
  auto operators = server.client("operator");
  const auto push = [&] {
    const auto reply = operators.post(
        "/v1/push", dump_json({{"devices", {"iot-001"}}, {"version", "2.1.5"}, {"dry_run", true}}),
        ApiServer::kMost);
    return *parse_json(reply->body);
  };
  const Json answer = push();
  CHECK(answer.at("results").at(0).at("fetch").at("way") == "whole");
  CHECK(answer.at("fetch").at("devices") == 0);  // it is not stable yet
  bool told = false;
  for (const Json& check : answer.at("results").at(0).at("decision").at("checks"))
    told = told || (check.at("check") == "data-budget" && check.at("result") == "block");
  CHECK(told);
}

TEST_CASE("the log is paged back by number, and another value than a number is refused", "[api]") {
  ApiServer server;
  auto operators = server.client("operator");
  for (const char* id : {"iot-001", "iot-002"})
    CHECK(server.join_as(id, server.code_for(id), id).status == 201);
  const auto page = [&](const std::string& query) {
    const auto reply =
        operators.get("/v1/events?kind=enrol.ok&order=newest&limit=1" + query, ApiServer::kMost);
    REQUIRE(reply.has_value());
    return *reply;
  };
  const Json newest = parse_json(page("").body)->at("events").at(0);
  const Json older =
      parse_json(page("&before=" + dump_json(newest.at("seq"))).body)->at("events").at(0);
  CHECK(older.at("seq") < newest.at("seq"));
  CHECK(parse_json(page("&before=" + dump_json(older.at("seq"))).body)->at("events").empty());
  for (const char* wrong : {"abc", "", "-1", "99999999999999999999"})
    CHECK(page(std::string("&before=") + wrong).status == 400);
}

TEST_CASE("an enrolment without a device that is text is the caller's error", "[api][threads]") {
  ApiServer server;
  auto operators = server.client("operator");
  for (const char* body : {"{}", R"({"device":5})", R"({"device":null})", R"({"device":["x"]})"}) {
    const auto reply = operators.post("/v1/enrolments", body, ApiServer::kMost);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 400);
  }
}

TEST_CASE("an address that tries to enrol too often is told when to come back", "[api][threads]") {
  ApiServer server;
  auto stranger = server.client("");
  http::Reply reply;
  for (int i = 0; i < 40 && reply.status != 429; ++i) {
    const auto answer =
        stranger.post("/v1/enroll", R"({"token":"wrong","csr":"none"})", ApiServer::kMost);
    REQUIRE(answer.has_value());
    reply = *answer;
  }
  CHECK(reply.status == 429);
  const int wait = std::atoi(reply.retry_after.c_str());
  CHECK(wait > 0);
  CHECK(wait <= 61);
  // A good code of the same address is not kept waiting for it.
  CHECK(server.join("iot-001").status == 201);
}

TEST_CASE("a second key is refused over the wire and the first goes on", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  const auto reply = server.join_as("iot-001", server.code_for("iot-001"), "thief");
  CHECK(reply.status == 409);
  ScriptedDevice device(server, "iot-001");
  CHECK(device.sample(10) == 204);
  CHECK(server.fleet->detail("iot-001")->row.second_key_seen());
  CHECK(events(server, "enrol.second-key").size() == 1);
}

TEST_CASE("a certificate is renewed for the key that enrolled, and for no other",
          "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  const auto stranger = pki::DeviceKey::make_csr(server.key_of("stranger"), "iot-001");
  CHECK(device.post("/v1/renew", {{"csr", *stranger}}) == 403);
  const auto csr = pki::DeviceKey::make_csr(server.key_of("iot-001"), "iot-001");
  REQUIRE(device.post("/v1/renew", {{"csr", *csr}}) == 200);
  const std::string renewed = parse_json(device.last)->at("certificate");
  CHECK(device.sample(10) == 204);  // the old one holds until the new one is used
  ScriptedDevice old(server, "iot-001");
  std::ofstream(server.certificate_of("iot-001")) << renewed;
  device.reconnect(server);
  CHECK(device.sample(10) == 204);
  CHECK(
      wait_until([&] { return server.fleet->detail("iot-001")->record->previous_serial.empty(); }));
}

TEST_CASE("a revoked device loses its open connection within a second, parked poll included",
          "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  REQUIRE(device.sample(10) == 204);
  auto parked = std::async(std::launch::async, [client = server.client("iot-001")]() mutable {
    const auto reply = client.get("/v1/commands?wait=30", ApiServer::kMost, seconds(40));
    return reply.has_value() && reply->status != 403;  // 403: it came just too late to be parked
  });
  REQUIRE(wait_until([&] { return server.server->stats().connections >= 2; }));
  const auto begin = std::chrono::steady_clock::now();
  auto operators = server.client("operator");
  REQUIRE(operators.post("/v1/devices/iot-001/revoke", "{}", ApiServer::kMost)->status == 204);
  CHECK_FALSE(parked.get());
  CHECK(std::chrono::steady_clock::now() - begin < seconds(1));
  const auto refused = device.client().post("/v1/telemetry", "{}", ApiServer::kMost);
  REQUIRE(refused.has_value());
  CHECK(refused->status == 403);
  CHECK(refused->body.find("revoked") != std::string::npos);
}

TEST_CASE("a device that leaves the whitelist is cut off within a second", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  auto parked = std::async(std::launch::async, [client = server.client("iot-001")]() mutable {
    const auto reply = client.get("/v1/commands?wait=30", ApiServer::kMost, seconds(40));
    return reply.has_value() && reply->status != 403;  // 403: it came just too late to be parked
  });
  REQUIRE(wait_until([&] { return server.server->stats().connections >= 1; }));
  const auto begin = std::chrono::steady_clock::now();
  server.apply([](model::Settings& settings) {
    settings.whitelist.devices.erase(settings.whitelist.devices.begin());
  });
  CHECK_FALSE(parked.get());
  CHECK(std::chrono::steady_clock::now() - begin < seconds(1));
}

TEST_CASE("an update goes from the operator's word to the confirmed version", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  be_stable(server, device, "iot-001");

  // The poll is parked before the operator speaks, and answered the moment that he does.
  auto polled = std::async(std::launch::async, [client = server.client("iot-001")]() mutable {
    return client.get("/v1/commands?wait=30", ApiServer::kMost, seconds(40));
  });
  REQUIRE(wait_until([&] { return server.server->stats().connections >= 2; }));
  const Json result = push(server, "iot-001");
  CHECK(headline(result) == "SUCCESS: Update to v2.1.5 initiated");
  const std::string job = result.at("job");
  const auto answered = polled.get();
  REQUIRE(answered.has_value());
  REQUIRE(answered->status == 200);
  const Json commands = parse_json(answered->body)->at("commands");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].at("type") == "update");
  CHECK(commands[0].at("job") == job);
  CHECK(commands[0].at("release").at("sha256") == server.release(1).sha256);

  std::uint64_t seq = 0;
  for (const JobState state : {JobState::kDownloading, JobState::kVerifying, JobState::kInstalling,
                               JobState::kBooting, JobState::kConfirming}) {
    CHECK(device.report(job, ++seq, state) == 204);
    CHECK(server.fleet->detail("iot-001")->record->facts.confirmed->version ==
          model::Version(2, 1, 4));
  }
  device.start_anew();
  CHECK(device.status(server.release(1)) == 204);
  CHECK(device.report(job, ++seq, JobState::kSucceeded) == 204);
  CHECK(device.report(job, seq, JobState::kSucceeded) == 204);  // repeated: acknowledged again
  CHECK(device.report(job, ++seq, JobState::kFailed) == 409);
  CHECK(parse_json(device.last)->at("code") == "job-final");
  CHECK(server.fleet->detail("iot-001")->record->facts.confirmed->version ==
        model::Version(2, 1, 5));
  CHECK(headline(push(server, "iot-001")) == "SKIPPED: Device already on v2.1.5");
}

TEST_CASE("a sick device is refused with the words that users know", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-002").status == 201);
  ScriptedDevice device(server, "iot-002");
  REQUIRE(device.status(server.release(0)) == 204);
  REQUIRE(wait_until([&] {
    CHECK(device.sample(98) == 204);
    return server.fleet->detail("iot-002")->verdict.level == model::Level::kCritical;
  }));
  CHECK(headline(push(server, "iot-002")) == "BLOCKED: Anomaly Detected");
  const Json blocked = events(server, "gate.block");
  REQUIRE(blocked.size() == 1);
  CHECK(blocked[0].at("message") == "BLOCKED → OTA for iot-002 rejected (Risk: High Load)");
}

TEST_CASE("an update that is under way survives a restart of the server", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  be_stable(server, device, "iot-001");
  const std::string job = push(server, "iot-001").at("job");
  REQUIRE(device.commands(5).size() == 1);
  REQUIRE(device.report(job, 1, JobState::kDownloading) == 204);
  server.restart();
  device.reconnect(server);
  CHECK(server.fleet->job(job)->state == JobState::kDownloading);
  CHECK(device.report(job, 1, JobState::kDownloading) == 204);
  device.start_anew();
  CHECK(device.status(server.release(1)) == 204);
  CHECK(device.report(job, 2, JobState::kSucceeded) == 204);
  server.restart();
  device.reconnect(server);
  CHECK(server.fleet->detail("iot-001")->record->facts.confirmed->version ==
        model::Version(2, 1, 5));
  REQUIRE(server.sign_audit());
  auto operators = server.client("operator");
  const auto verified = operators.get("/v1/audit/verify", ApiServer::kMost);
  REQUIRE(verified.has_value());
  CAPTURE(verified->body);
  CHECK(parse_json(verified->body)->at("ok") == true);
}

TEST_CASE("the state that is exported is the state that an import brings back", "[api][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  auto operators = server.client("operator");
  const auto before = operators.get("/v1/state/export", ApiServer::kMost);
  REQUIRE(before.has_value());
  REQUIRE(before->status == 200);
  REQUIRE(operators.post("/v1/devices/iot-001/revoke", "{}", ApiServer::kMost)->status == 204);
  REQUIRE(operators.post("/v1/state/import", before->body, ApiServer::kMost)->status == 204);
  REQUIRE(server.fleet->load());
  CHECK(server.fleet->detail("iot-001")->record->enrolled);
}

TEST_CASE(
    "a stop and its end over the API: said in the status, a reason is needed, two ends are a "
    "conflict",
    "[api]") {
  ApiServer server;
  CHECK(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  be_stable(server, device, "iot-001");
  const auto post = [&](const char* path, const Json& body) {
    return server.client("operator").post(path, dump_json(body), ApiServer::kMost).value();
  };
  const auto status = [&] {
    return parse_json(server.client("operator").get("/v1/status", ApiServer::kMost)->body)
        ->at("stop");
  };
  CHECK(status().is_null());
  for (const Json& body : {Json::object(), Json{{"reason", ""}}, Json{{"reason", " "}},
                           Json{{"reason", 7}}, Json{{"reason", nullptr}}})
    CHECK(post("/v1/stop", body).status == 400);
  const auto stopped = post("/v1/stop", {{"reason", "it drains \u001b[2Jbatteries"}});
  REQUIRE(stopped.status == 200);
  const Json answer = *parse_json(stopped.body);
  CHECK(answer.at("saved") == true);
  CHECK(answer.at("was_stopped") == false);
  CHECK(answer.at("cancelled") == 0);
  const std::string reason = answer.at("stop").at("reason");
  CHECK(reason.find('\x1b') == std::string::npos);
  CHECK(status() == answer.at("stop"));
  CHECK(headline(push(server, "iot-001")) == "BLOCKED: Updates Stopped");
  CHECK(parse_json(post("/v1/stop", {{"reason", "again"}}).body)->at("was_stopped") == true);
  CHECK(status().at("reason") == reason);
  server.restart();
  CHECK(status().at("reason") == reason);
  CHECK(post("/v1/resume", Json::object()).status == 204);
  CHECK(post("/v1/resume", Json::object()).status == 409);
  CHECK(status().is_null());
  CHECK(events(server, "updates.stopped").size() == 1);
  CHECK(events(server, "updates.resumed").size() == 1);
}

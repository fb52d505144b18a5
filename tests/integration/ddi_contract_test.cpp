// hawkBit's DDI as devices see it: one test for each row of what the real clients were seen to
// need.
#include "base/digest.h"
#include "tests/integration/ddi_server.h"
#include "tests/support/text.h"

using namespace ota;
using model::JobState;
using test::DdiDevice;
using test::DdiServer;
using test::has;
using test::Identity;
using test::TlsVersion;

namespace {

// A device of its own with a running update that it has seen.
struct Updating {
  Updating() : device(server, "iot-001", server.token("iot-001")) {
    device.put_attributes({{"hwRev", "1.0"}});
    job = server.push("iot-001");
    link = device.poll().deployment;
    REQUIRE_FALSE(link.empty());
  }
  JobState state() const { return server.job(job).state; }

  DdiServer server;
  DdiDevice device;
  std::string job;
  std::string link;
};

}  // namespace

TEST_CASE("a DDI device is told who it is not by 401 alone", "[ddi]") {
  DdiServer server;
  const std::string token = server.token("iot-001");
  DdiDevice good(server, "iot-001", token);
  CHECK(good.send("GET", good.base()).status == 200);
  for (const std::string& wrong :
       {std::string(), "TargetToken " + std::string(32, 'x'), "targettoken " + token,
        "Bearer " + token, "GatewayToken " + token}) {
    CAPTURE(wrong);
    good.authorization = wrong;
    CHECK(good.send("GET", good.base()).status == 401);
    CHECK(good.send("PUT", good.base() + "/configData", R"({"data":{}})").status == 401);
    good.connect();  // a body that nobody asked for is not read: the connection ended with it
    CHECK(good.send("GET", good.base() + "/softwaremodules/1001/artifacts/x").status == 401);
  }
  // Another device's token, an id that nobody listed, and one that no file could have.
  CHECK(DdiDevice(server, "iot-002", token).send("GET", "/DEFAULT/controller/v1/iot-002").status ==
        401);
  CHECK(good.send("GET", "/DEFAULT/controller/v1/stranger").status == 401);
  CHECK(good.send("GET", "/DEFAULT/controller/v1/%20").status == 401);
  CHECK(server.told("auth.fail"));
}

TEST_CASE("who is no device is told so before its body is read", "[ddi]") {
  DdiServer server;
  const std::string token = server.token("iot-001");
  const std::string path = "/DEFAULT/controller/v1/iot-001/configData";
  for (const std::string& authorization :
       {std::string(), std::string("Authorization: TargetToken wrong\r\n")}) {
    test::TlsClient stranger(server.server->port());
    REQUIRE(stranger.handshake());
    REQUIRE(stranger.send("PUT " + path + " HTTP/1.1\r\nHost: localhost\r\n" + authorization +
                          "Content-Length: 8000000\r\n\r\n{"));
    CHECK(stranger.read_reply().value().status == 401);
    CHECK(stranger.closed_within());
  }
  // A device's long body costs no more memory than what is looked at of it.
  test::TlsClient device(server.server->port());
  REQUIRE(device.handshake());
  REQUIRE(device.send("PUT " + path +
                      " HTTP/1.1\r\nHost: localhost\r\nAuthorization: TargetToken " + token +
                      "\r\nContent-Length: 8000000\r\n\r\n" + std::string(4'000'000, ' ')));
  CHECK(test::wait_until([&] { return server.server->stats().body_bytes > 0; }));
  CHECK(server.server->stats().body_bytes <= 256 * 1024 + 1);
  CHECK(server.server->stats().strangers == 0);
  REQUIRE(device.send(std::string(4'000'000, ' ')));
  CHECK(device.read_reply().value().status == 413);
  CHECK(server.server->stats().body_bytes == 0);
}

TEST_CASE("a new DDI token voids the one before, and a revoked device has none", "[ddi]") {
  DdiServer server;
  const std::string first = server.token("iot-001");
  const std::string second = server.token("iot-001");
  CHECK(first != second);
  DdiDevice device(server, "iot-001", first);
  CHECK(device.send("GET", device.base()).status == 401);
  device.authorization = "TargetToken " + second;
  CHECK(device.send("GET", device.base()).status == 200);
  server.post("/v1/devices/iot-001/revoke");
  device.connect();  // the open connection ends
  CHECK(device.send("GET", device.base()).status == 401);
  // Only ids of the whitelist get one.
  server.post("/v1/devices/stranger/ddi-token", {}, 403);
}

TEST_CASE("each listener's requests are counted in its own metrics", "[ddi]") {
  DdiServer server;
  DdiDevice stranger(server, "iot-001", "TargetToken none");
  CHECK(stranger.send("GET", stranger.base()).status == 401);
  auto client = server.api.client("operator");
  const auto reply = client.get("/metrics", test::ApiServer::kMost);
  REQUIRE(reply.has_value());
  const std::string& text = reply->body;
  CHECK(has(text, "\nota_http_errors_4xx_total{listener=\"ddi\"} 1\n"));
  CHECK(has(text, "\nota_http_errors_4xx_total{listener=\"api\"} 0\n"));
  CHECK(has(text, "\nota_http_connections{listener=\"ddi\"} 1\n"));
  // One head for each metric, whatever number of listeners.
  const auto head = text.find("# TYPE ota_http_requests_total counter\n");
  REQUIRE(head != std::string::npos);
  CHECK(text.find("# TYPE ota_http_requests_total", head + 1) == std::string::npos);
}

TEST_CASE("a revoked DDI device loses its open connections within a second, a download included",
          "[ddi]") {
  Updating update;
  DdiServer& server = update.server;
  server.api.apply(
      [](model::Settings& settings) { settings.console.limits.download_kib_per_second = 1; });
  server.server->apply_limits(
      ddi::Service::server_options(server.api.fleet->settings()->console).limits);
  // It goes out at once and is paid for afterwards: the next one waits for a minute.
  CHECK_FALSE(update.device.fetch(update.link).empty());
  const std::string path = DdiDevice::image_path(update.device.artifact_of(update.link));
  test::TlsClient loading(server.server->port());
  REQUIRE(loading.handshake());
  REQUIRE(loading.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: " +
                       update.device.authorization + "\r\n\r\n"));
  REQUIRE(loading.read_reply(test::Body::kHeadOnly).value().status == 200);
  DdiDevice unlisted(server, "iot-002", server.token("iot-002"));
  DdiDevice other(server, "iot-003", server.token("iot-003"));
  CHECK(unlisted.send("GET", unlisted.base()).status == 200);
  CHECK(other.send("GET", other.base()).status == 200);

  server.post("/v1/devices/iot-001/revoke");
  CHECK(loading.closed_within(milliseconds(1000)));
  CHECK(update.device.closed_within(milliseconds(1000)));
  CHECK_FALSE(unlisted.closed_within(milliseconds(0)));
  server.api.apply([](model::Settings& settings) {
    std::erase_if(settings.whitelist.devices,
                  [](const auto& spec) { return spec.id == "iot-002"; });
  });
  CHECK(unlisted.closed_within(milliseconds(1000)));
  CHECK(other.send("GET", other.base()).status == 200);
}

TEST_CASE("a DDI token is stored as its hash alone", "[ddi]") {
  DdiServer server;
  const std::string token = server.token("iot-001");
  const auto state = server.api.store->export_state();
  REQUIRE(state.has_value());
  CHECK(state->find(token) == std::string::npos);
  CHECK(state->find(sha256_hex(token)) != std::string::npos);
}

TEST_CASE("DDI is spoken over TLS 1.2 and 1.3, with and without a client certificate", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    device.connect({}, version);
    CHECK(device.send("GET", device.base()).status == 200);
  }
}

TEST_CASE("a client certificate speaks for the device that it names, and for no other", "[ddi]") {
  DdiServer server;
  REQUIRE(server.api.join("iot-001").status == 201);
  const auto read = [](const std::filesystem::path& file) {
    return read_file(file, 1U << 16).value();
  };
  const Identity identity{read(server.api.certificate_of("iot-001")),
                          read(server.api.key_of("iot-001"))};
  DdiDevice device(server, "iot-001", "");
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    device.connect(identity, version);
    CHECK(device.send("GET", device.base()).status == 200);
    CHECK(device.send("GET", "/DEFAULT/controller/v1/iot-002").status == 401);
  }
  server.post("/v1/devices/iot-001/revoke");
  device.connect(identity);  // the open connection ends
  CHECK(device.send("GET", device.base()).status == 401);
}

TEST_CASE("a gateway token is off, then puts unknown ids on a list and never further", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-003", "");
  device.authorization = "GatewayToken " + std::string(32, 'a');
  CHECK(device.send("GET", device.base()).status == 401);
  const std::string token = server.post("/v1/ddi/gateway-token", {{"on", true}}, 201).at("token");
  device.authorization = "GatewayToken " + token;
  const auto links = device.poll();
  CHECK((links.deployment + links.cancel + links.attributes).empty());
  // Answered, lest it installs nothing later; kept is nothing.
  CHECK(device.put_attributes({{"hwRev", "1.0"}}) == 200);
  CHECK(device.send("GET", device.base() + "/deploymentBase/1001").status == 404);
  REQUIRE(test::wait_until([&] { return !server.api.fleet->snapshot()->ddi_waiting.empty(); }));
  const auto waiting = server.api.fleet->snapshot()->ddi_waiting.front();
  CHECK(waiting.id == "iot-003");
  CHECK(waiting.client == "rauc-hawkbit-updater");
  CHECK(waiting.listed);
  CHECK(server.push("iot-003") == "BLOCKED: Not Enrolled");
  server.post("/v1/ddi/waiting/iot-003/accept");
  CHECK_FALSE(device.poll().attributes.empty());
  // An id off the whitelist waits, and cannot be accepted before it is listed.
  DdiDevice stranger(server, "stranger", "");
  stranger.authorization = device.authorization;
  stranger.poll();
  server.post("/v1/ddi/waiting/stranger/accept", {}, 403);
  server.post("/v1/ddi/gateway-token", {{"on", false}});
  CHECK(device.send("GET", device.base()).status == 401);
}

TEST_CASE("tenant and id stand in links as the device spells them, also after two slashes",
          "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "IoT-001", server.token("iot-001"));
  for (const char* tenant : {"DEFAULT", "default", "Plant_7"}) {
    device.tenant = tenant;
    CHECK_FALSE(device.poll().attributes.empty());
  }
  device.tenant = "DEFAULT";
  CHECK(device.send("GET", "/" + device.base()).status == 200);
  CHECK(device.send("GET", "/DEFAULT/controller/v1/iot%2D001").status == 200);
}

TEST_CASE("links start with the configured public URL where there is one", "[ddi]") {
  DdiServer server;
  server.api.apply([](model::Settings& settings) {
    settings.console.ddi.public_url = "https://ota.example:8444";
  });
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  const std::string href = device.document(device.base())["_links"]["configData"]["href"];
  CHECK(href == "https://ota.example:8444/DEFAULT/controller/v1/iot-001/configData");
}

TEST_CASE("attributes are asked for at first contact, after a success and on request, never always",
          "[ddi]") {
  Updating update;
  DdiDevice& device = update.device;
  CHECK(device.poll().attributes.empty());  // sent at first contact
  update.server.post("/v1/devices/iot-001/ddi-attributes");
  CHECK_FALSE(device.poll().attributes.empty());
  CHECK(device.put_attributes({{"hwRev", "1.1"}, {"serialNo", "42"}}) == 200);
  CHECK(device.poll().attributes.empty());  // gone in the very next poll
  device.fetch(update.link);
  CHECK(device.feedback(update.link, "closed", "success") == 200);
  CHECK_FALSE(device.poll().attributes.empty());
  const auto detail = update.server.api.fleet->detail("iot-001");
  CHECK(detail->record->ddi->attributes ==
        std::map<std::string, std::string>{{"hwRev", "1.1"}, {"serialNo", "42"}});
}

TEST_CASE("attributes are merged, replaced and removed, and bounded", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  const auto held = [&] { return server.api.fleet->detail("iot-001")->record->ddi->attributes; };
  CHECK(device.put_attributes({{"a", "1"}, {"b", "2"}}) == 200);
  CHECK(device.put_attributes({{"b", "3"}}) == 200);
  CHECK(held() == std::map<std::string, std::string>{{"a", "1"}, {"b", "3"}});
  CHECK(device.put_attributes({{"a", ""}}, "remove") == 200);
  CHECK(device.put_attributes({{"c", "4"}}, "replace") == 200);
  CHECK(held() == std::map<std::string, std::string>{{"c", "4"}});
  Json many = Json::object();
  for (int i = 0; i < 300; ++i)
    many["key" + std::to_string(i)] = std::string(500, 'v');
  CHECK(device.put_attributes(many) == 200);  // not 200 would keep SWUpdate from installing
  CHECK(held().size() == 100);
  CHECK(held().rbegin()->second.size() == 128);
  CHECK(device.send("PUT", device.base() + "/configData", "no json").status == 400);
}

TEST_CASE("the answer to an idle device tells it to come back late, to a busy one soon", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  CHECK(device.poll().sleep < "00:00:30");
  device.put_attributes({{"hwRev", "1.0"}});
  CHECK(device.poll().sleep >= "00:04:30");
  server.push("iot-001");
  CHECK(device.poll().sleep < "00:00:30");
}

TEST_CASE("an action is shown to its device while it is open, and to nobody else", "[ddi]") {
  Updating update;
  const std::string action = update.link.substr(0, update.link.find('?'));
  CHECK(action == update.device.base() + "/deploymentBase/1001");
  for (int i = 0; i < 3; ++i)
    CHECK(update.device.document(update.link).at("id") == "1001");
  DdiDevice other(update.server, "iot-002", update.server.token("iot-002"));
  CHECK(other.poll().deployment.empty());
  CHECK(other.send("GET", other.base() + "/deploymentBase/1001").status == 404);
  CHECK(other
            .send("POST", other.base() + "/deploymentBase/1001/feedback",
                  R"({"status":{"execution":"closed","result":{"finished":"success"}}})")
            .status == 404);
  CHECK(update.device.send("GET", update.device.base() + "/deploymentBase/1002").status == 404);
  CHECK(update.device.send("GET", update.device.base() + "/deploymentBase/x").status == 404);
  CHECK(update.device.send("GET", update.device.base() + "/cancelAction/1001").status == 404);
  update.device.fetch(update.link);
  CHECK(update.device.feedback(update.link, "closed", "success") == 200);
  CHECK(update.device.send("GET", action).status == 404);
  CHECK(update.device.poll().deployment.empty());
}

TEST_CASE("an image is served whole, in parts and past its end as clients resume it", "[ddi]") {
  Updating update;
  const Json artifact =
      update.device.document(update.link)["deployment"]["chunks"][0]["artifacts"][0];
  const std::string path = DdiDevice::path_of(artifact["_links"]["download"]["href"]);
  const auto size = artifact["size"].get<std::size_t>();
  const auto head = update.device.send("HEAD", path);
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == std::to_string(size));
  CHECK(head.header("accept-ranges") == "bytes");
  CHECK(update.state() == JobState::kSent);  // a HEAD fetches nothing
  const auto part = update.device.send("GET", path, "", "Range: bytes=100-\r\n");
  CHECK(part.status == 206);
  CHECK(part.header("content-range") ==
        "bytes 100-" + std::to_string(size - 1) + "/" + std::to_string(size));
  CHECK(part.body.size() == size - 100);
  CHECK(update.server.job(update.job).ddi->downloads == 0);  // the first bytes are missing
  CHECK(test::wait_until([&] { return update.server.job(update.job).sent_bytes == size - 100; }));
  const auto past =
      update.device.send("GET", path, "", "Range: bytes=" + std::to_string(size) + "-\r\n");
  CHECK(past.status == 416);
  CHECK(past.header("content-range") == "bytes */" + std::to_string(size));
  CHECK(update.device.send("GET", path, "", "Range: bytes=0-99\r\n").status == 206);
  CHECK(test::wait_until([&] { return update.server.job(update.job).ddi->downloads == 1; }));
  CHECK(update.device.send("GET", path + ".other").status == 404);
  DdiDevice other(update.server, "iot-002", update.server.token("iot-002"));
  CHECK(other
            .send("GET", other.base() + "/softwaremodules/1001/artifacts/" +
                             artifact["filename"].get<std::string>())
            .status == 404);
}

TEST_CASE("an image whose stored bytes are not the signed ones is never offered", "[ddi]") {
  DdiServer server;
  const model::Release& release = server.api.release(1);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(server.api.root() / "firmware/targets")) {
    if (entry.path().filename().string().starts_with(release.sha256)) {
      std::ofstream(entry.path(), std::ios::binary | std::ios::app) << "x";
    }
  }
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  device.poll();
  const std::string job = server.push("iot-001");
  CHECK(device.poll().deployment.empty());
  CHECK(server.job(job).state == JobState::kQueued);
  CHECK(server.job(job).detail.find("not the signed ones") != std::string::npos);
}

TEST_CASE("SWUpdate is not offered what it would not take by its name", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-001", server.token("iot-001"), DdiDevice::kSwupdate);
  device.poll();
  const std::string job = server.push("iot-001");
  CHECK(device.poll().deployment.empty());
  CHECK(server.job(job).detail.find("--ddi") != std::string::npos);
}

TEST_CASE("each feedback is taken by its path, broken JSON included", "[ddi]") {
  Updating update;
  const std::string path = DdiDevice::feedback_path(update.link);
  CHECK(update.device.feedback(update.link, "proceeding", "none", {"at work"}) == 200);
  CHECK(update.device
            .send("POST", path,
                  "{\"id\":77,\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
                  "\"failure\"},\"details\":[\"two\nlines\"]}}")
            .status == 200);
  CHECK(update.state() == JobState::kFailed);
  CHECK(update.device.feedback(update.link, "closed", "failure") == 200);  // came again
  CHECK(update.device.feedback(update.link, "proceeding", "none") == 410);
  CHECK(update.device.send("POST", path, "nothing of it").status == 400);
}

TEST_CASE("a closing report is never refused for its length", "[ddi]") {
  Updating update;
  const std::string body =
      R"({"status":{"execution":"closed","result":{"finished":"failure"},"details":[")" +
      std::string(1U << 20, 'x') + R"("]}})";
  CHECK(update.device.send("POST", DdiDevice::feedback_path(update.link), body).status == 200);
  CHECK(update.state() == JobState::kFailed);
  CHECK(update.server.job(update.job).ddi->log.size() <= 50);
}

TEST_CASE("a DDI update ends with the device's own word, and events and chain are whole", "[ddi]") {
  Updating update;
  update.device.fetch(update.link);
  CHECK(test::wait_until([&] { return update.state() == JobState::kInstalling; }));
  CHECK(update.device.feedback(update.link, "proceeding", "none", {"All Chunks Installed."}) ==
        200);
  CHECK(update.state() == JobState::kConfirming);
  CHECK(update.device.poll().deployment == update.link);  // a restarted client finds its action
  CHECK(update.device.feedback(update.link, "closed", "success", {"Update Installed."}) == 200);
  CHECK(update.state() == JobState::kSucceeded);
  const auto detail = update.server.api.fleet->detail("iot-001");
  CHECK(detail->record->facts.confirmed->version == model::Version(2, 1, 5));
  CHECK(update.server.push("iot-001") == "SKIPPED: Device already on v2.1.5");
  REQUIRE(update.server.api.sign_audit());
  const auto verified = update.server.api.client("operator").get("/v1/audit/verify", 4096);
  REQUIRE(verified.has_value());
  INFO(verified->body);
  CHECK(parse_json(verified->body)->at("ok") == true);
}

TEST_CASE("a device that names its version is believed when it names the new one", "[ddi]") {
  DdiServer server;
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  device.put_attributes({{"version", "2.1.4"}});
  const std::string job = server.push("iot-001");
  const std::string link = device.poll().deployment;
  device.fetch(link);
  CHECK(device.feedback(link, "closed", "success") == 200);
  CHECK(server.job(job).state == JobState::kConfirming);
  CHECK_FALSE(device.poll().attributes.empty());
  CHECK(device.put_attributes({{"version", "2.1.4"}}) == 200);
  CHECK(server.job(job).state == JobState::kConfirming);
  CHECK(server.api.fleet->detail("iot-001")->record->facts.confirmed->version ==
        model::Version(2, 1, 4));
  CHECK(device.put_attributes({{"version", "2.1.5"}}) == 200);
  CHECK(server.job(job).state == JobState::kSucceeded);
}

TEST_CASE("success for what was never downloaded is shown as such and not counted", "[ddi]") {
  Updating update;
  CHECK(update.device.feedback(update.link, "closed", "success", {"Update Installed."}) == 200);
  CHECK(update.state() == JobState::kFailed);
  CHECK(update.server.job(update.job).error_code == "never-downloaded");
  CHECK(update.server.told("ddi.success-without-download"));
  CHECK_FALSE(update.server.api.fleet->detail("iot-001")->record->facts.confirmed.has_value());
}

TEST_CASE("a cancel takes the deployment's place until the device has answered it", "[ddi]") {
  Updating update;
  update.server.post("/v1/jobs/" + update.job + "/cancel");
  const auto links = update.device.poll();
  CHECK(links.deployment.empty());
  CHECK(links.cancel == update.device.base() + "/cancelAction/1001");
  CHECK(update.device.document(links.cancel) ==
        Json{{"id", "1001"}, {"cancelAction", {{"stopId", "1001"}}}});
  CHECK(update.device.feedback(links.cancel, "closed", "success") == 200);
  CHECK(update.state() == JobState::kCancelled);
  const auto after = update.device.poll();
  CHECK((after.deployment + after.cancel).empty());
  CHECK(update.device.feedback(links.cancel, "closed", "success") == 200);  // came again
}

TEST_CASE("a refused cancel is taken away at once and the update goes on", "[ddi]") {
  Updating update;
  update.server.post("/v1/jobs/" + update.job + "/cancel");
  const std::string cancel = update.device.poll().cancel;
  // rauc's way to refuse.
  CHECK(update.device.feedback(cancel, "rejected", "success") == 200);
  const auto links = update.device.poll();
  CHECK(links.cancel.empty());
  CHECK(links.deployment == update.link);
  CHECK(update.server.told("ddi.cancel-refused"));
}

TEST_CASE("an operator's force-quit ends an action without its device", "[ddi]") {
  Updating update;
  update.device.fetch(update.link);
  update.device.feedback(update.link, "proceeding", "none", {"All Chunks Installed."});
  update.server.post("/v1/jobs/" + update.job + "/cancel", {}, 409);  // past the point of no return
  update.server.post("/v1/jobs/" + update.job + "/force-quit");
  CHECK(update.state() == JobState::kCancelled);
  CHECK(update.device.poll().deployment.empty());
  CHECK(update.device.feedback(update.link, "closed", "success") == 200);  // written down
  CHECK(update.state() == JobState::kCancelled);
}

TEST_CASE("what the gate refuses is withheld without a word to the device, then offered", "[ddi]") {
  DdiServer server;
  REQUIRE(server.api.join("iot-001").status == 201);
  test::ScriptedDevice agent(server.api, "iot-001");
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  device.put_attributes({{"hwRev", "1.0"}});
  CHECK(agent.status(server.api.release(0)) == 204);
  const auto level = [&] { return server.api.fleet->detail("iot-001")->verdict.level; };
  REQUIRE(test::wait_until([&] {
    agent.sample(10.0);
    return level() == model::Level::kStable;
  }));
  const std::string job = server.push("iot-001");
  REQUIRE(job.starts_with("job-"));
  REQUIRE(test::wait_until([&] {
    agent.sample(97.0);
    return level() == model::Level::kCritical;
  }));
  server.post("/v1/devices/iot-001/ddi-use", {{"by", "ddi"}});
  CHECK(agent.commands(0).empty());  // the agent beside it gets no update of its own
  const auto sick = device.poll();
  CHECK(sick.deployment.empty());
  CHECK(server.job(job).state == JobState::kQueued);
  CHECK(server.job(job).detail.find("Anomaly Detected") != std::string::npos);
  CHECK(device.send("GET", device.base() + "/deploymentBase/1001").status == 404);
  CHECK(server.told("ddi.withheld"));
  server.api.apply(
      [](model::Settings& settings) { settings.thresholds.clear_after = milliseconds(1); });
  REQUIRE(test::wait_until([&] {
    agent.sample(10.0);
    return level() == model::Level::kStable;
  }));
  CHECK_FALSE(device.poll().deployment.empty());
}

TEST_CASE("without telemetry the shipped policy blocks and says how to change that", "[ddi]") {
  DdiServer server;
  server.api.apply([](model::Settings& settings) {
    settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kBlock;
  });
  DdiDevice device(server, "iot-001", server.token("iot-001"));
  device.poll();
  CHECK(server.push("iot-001") == "BLOCKED: No Telemetry Over DDI");
}

TEST_CASE("what a device has fetched and said outlives a restart of the server", "[ddi]") {
  Updating update;
  const Json artifact =
      update.device.document(update.link)["deployment"]["chunks"][0]["artifacts"][0];
  const std::string path = DdiDevice::path_of(artifact["_links"]["download"]["href"]);
  CHECK(update.device.send("GET", path, "", "Range: bytes=0-999\r\n").status == 206);
  REQUIRE(test::wait_until([&] { return update.server.job(update.job).ddi->fetched == 1000; }));
  update.device.feedback(update.link, "proceeding", "none", {"a line"});
  update.server.stop();
  update.server.api.restart();
  update.server.start();
  update.device.connect();
  CHECK(update.device.poll().deployment == update.link);
  CHECK(update.device.send("GET", path, "", "Range: bytes=1000-\r\n").status == 206);
  CHECK(test::wait_until([&] { return update.server.job(update.job).ddi->downloads == 1; }));
  CHECK(update.server.job(update.job).ddi->log == std::vector<std::string>{"a line"});
}

TEST_CASE("a device that polls without pause is told so, and may go on with its update", "[ddi]") {
  Updating update;
  update.server.api.apply([](model::Settings& settings) {
    settings.console.limits.requests_per_second_per_device = 5;
  });
  std::optional<test::HttpReply> told;
  for (int i = 0; i < 100 && !told; ++i) {
    auto reply = update.device.send("GET", update.device.base());
    if (reply.status == 429) told = std::move(reply);
  }
  REQUIRE(told.has_value());
  CHECK(told->header("retry-after") == "1");
  CHECK_FALSE(update.device.fetch(update.link).empty());
  CHECK(update.device.feedback(update.link, "closed", "success") == 200);
}

TEST_CASE("a device holds so many connections and no more, and polls alone are refused for it",
          "[ddi]") {
  DdiServer server;
  const std::string token = server.token("iot-001");
  const auto most = server.api.fleet->settings()->console.ddi.connections_per_device;
  std::vector<std::unique_ptr<DdiDevice>> held;
  for (std::uint32_t i = 0; i < most; ++i) {
    held.push_back(std::make_unique<DdiDevice>(server, "iot-001", token));
    CHECK(held.back()->send("GET", held.back()->base()).status == 200);
  }
  DdiDevice more(server, "iot-001", token);
  const auto refused = more.send("GET", more.base());
  CHECK(refused.status == 429);
  CHECK(refused.header("retry-after") == "1");
  CHECK(server.server->stats().limited == 1);
  CHECK(more.send("GET", more.base() + "/softwaremodules/1001/artifacts/x").status == 404);
  held.pop_back();
  CHECK(test::wait_until([&] { return more.send("GET", more.base()).status == 200; }));
}

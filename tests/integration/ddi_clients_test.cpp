// Stand-ins for two clients that no distribution has: what rauc-hawkbit-updater 1.4 and Zephyr's
// hawkBit subsystem check, in the order in which they ask, and how they give up.
#include <algorithm>

#include "base/digest.h"
#include "tests/integration/ddi_server.h"

using namespace ota;
using model::JobState;
using test::DdiDevice;
using test::DdiServer;

namespace {

bool is_hex(const std::string& text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;  // upper case fails
}

// rauc: json_contains(), then typed reads; every status but 200 (206, 416) is an error.
struct Rauc {
  explicit Rauc(DdiServer& server)
      : device(server, "iot-001", server.token("iot-001"), DdiDevice::kRauc) {}

  // Its loop: attributes, deployment and cancel in one poll.
  void poll() {
    const auto links = device.poll();
    REQUIRE(links.sleep.find_first_not_of("0123456789:") == std::string::npos);
    if (!links.attributes.empty()) {
      REQUIRE(device.put_attributes({{"product", "press"}}) == 200);
      ++attributes_sent;
    }
    deployment = links.deployment;
    cancel = links.cancel;
  }

  void install() {
    const Json document = device.document(deployment);
    REQUIRE(document.at("id").is_string());  // a number: no feedback, endless retry
    id = document["id"];
    REQUIRE(document.at("deployment").at("download").is_string());
    REQUIRE(document["deployment"].at("update").is_string());
    const Json& chunks = document["deployment"].at("chunks");
    REQUIRE(chunks.size() == 1);
    REQUIRE(chunks[0].at("artifacts").size() == 1);  // two: closed/failure
    const Json& artifact = chunks[0]["artifacts"][0];
    REQUIRE(artifact.at("size").is_number_integer());
    const std::string sha1 = artifact.at("hashes").at("sha1");
    REQUIRE(is_hex(sha1, 40));
    const std::string path = DdiDevice::path_of(artifact.at("_links").at("download").at("href"));
    // With resume_downloads: a first part, the rest, and a look whether that was all.
    const auto size = artifact["size"].get<std::size_t>();
    const auto first = device.send("GET", path, "", "Range: bytes=0-1023\r\n");
    REQUIRE(first.status == 206);
    const auto rest = device.send("GET", path, "", "Range: bytes=1024-\r\n");
    REQUIRE(rest.status == 206);
    REQUIRE(first.body.size() + rest.body.size() == size);
    REQUIRE(device.send("GET", path, "", "Range: bytes=" + std::to_string(size) + "-\r\n").status ==
            416);
    REQUIRE(sha256_hex(first.body + rest.body) == artifact["hashes"]["sha256"]);
    for (const char* line : {"Download complete. 12.00 MB/s", "File checksum OK.",
                             "  0% Installing", " 50% Copying image", "100% Installing"}) {
      REQUIRE(device.feedback(deployment, "proceeding", "none", {line}) == 200);
    }
  }

  DdiDevice device;
  std::string id;
  std::string deployment;
  std::string cancel;
  int attributes_sent = 0;
};

// Zephyr: small buffers, its own connection for every link, Content-Length compared, sha256 of the
// written slot, no failure report ever.
struct Zephyr {
  explicit Zephyr(DdiServer& s) : server(s), token(s.token("iot-001")) { connect(); }
  void connect() {
    device.emplace(server, "iot-001", token, "");
    device->tenant = "DEFAULT";
  }
  // Cancel first, then attributes, then the deployment, polling again after each without sleeping.
  void run() {
    for (int step = 0; step < 8; ++step) {
      const auto links = device->poll();
      if (!links.cancel.empty()) {
        const Json document = device->document(links.cancel);
        REQUIRE(document.at("cancelAction").at("stopId") == document.at("id"));
        REQUIRE(device->feedback(links.cancel, "closed", "success") == 200);
        ++cancelled;
        continue;
      }
      if (!links.attributes.empty()) {
        REQUIRE(++attributes_sent < 3);  // a link that stays loops for ever
        REQUIRE(device->send("PUT", links.attributes, R"({"mode":"merge","data":{"VIN":"42"}})")
                    .status == 200);
        continue;
      }
      if (links.deployment.empty()) return;
      install(links.deployment);
      return;
    }
    FAIL("it never came to rest");
  }
  void install(const std::string& link) {
    const Json document = device->document(link);
    action = link;
    const Json& chunks = document.at("deployment").at("chunks");
    REQUIRE(chunks.size() == 1);
    REQUIRE(chunks[0].at("part") == "bApp");
    REQUIRE(chunks[0]["artifacts"].size() == 1);
    const Json& artifact = chunks[0]["artifacts"][0];
    const std::string href = artifact.at("_links").at("download-http").at("href");
    REQUIRE(href.find("/DEFAULT/controller/v1") != std::string::npos);
    REQUIRE(is_hex(artifact.at("hashes").at("sha256"), 64));
    connect();
    const auto reply = device->send("GET", DdiDevice::path_of(href));
    REQUIRE(reply.status == 200);
    REQUIRE(sha256_hex(reply.body) == artifact["hashes"]["sha256"]);
    ++installed;
  }
  // After its reboot: one report, without id, time and details.
  void confirm() {
    connect();
    REQUIRE(device
                ->send("POST", DdiDevice::feedback_path(action),
                       R"({"status":{"execution":"closed","result":{"finished":"success"}}})")
                .status == 200);
  }

  DdiServer& server;
  std::string token;
  std::optional<DdiDevice> device;
  std::string action;
  int attributes_sent = 0;
  int cancelled = 0;
  int installed = 0;
};

}  // namespace

TEST_CASE("rauc-hawkbit-updater's demands are met from poll to closing report", "[ddi]") {
  DdiServer server;
  Rauc rauc(server);
  rauc.poll();
  CHECK(rauc.attributes_sent == 1);
  const std::string job = server.push("iot-001");
  rauc.poll();
  CHECK(rauc.attributes_sent == 1);
  REQUIRE_FALSE(rauc.deployment.empty());
  rauc.install();
  CHECK(rauc.id == "1001");
  REQUIRE(rauc.device.feedback(rauc.deployment, "closed", "success",
                               {"Software bundle installed successfully."}) == 200);
  CHECK(server.job(job).state == JobState::kSucceeded);
  rauc.poll();
  CHECK(rauc.deployment.empty());
  CHECK(rauc.attributes_sent == 2);
}

TEST_CASE("rauc-hawkbit-updater's refusal to cancel is not asked for again", "[ddi]") {
  DdiServer server;
  Rauc rauc(server);
  rauc.poll();
  const std::string job = server.push("iot-001");
  rauc.poll();
  server.post("/v1/jobs/" + job + "/cancel");
  rauc.poll();
  REQUIRE_FALSE(rauc.cancel.empty());
  // It answers to cancelAction/{stopId}, with success where it refuses.
  const std::string stop = rauc.device.document(rauc.cancel).at("cancelAction").at("stopId");
  REQUIRE(rauc.device.feedback(rauc.device.base() + "/cancelAction/" + stop, "rejected",
                               "success") == 200);
  rauc.poll();
  CHECK(rauc.cancel.empty());
  rauc.install();
  REQUIRE(rauc.device.feedback(rauc.deployment, "closed", "success") == 200);
  CHECK(server.job(job).state == JobState::kSucceeded);
}

TEST_CASE("Zephyr's demands are met from poll to closing report", "[ddi]") {
  DdiServer server;
  Zephyr zephyr(server);
  zephyr.run();
  CHECK(zephyr.attributes_sent == 1);
  const std::string job = server.push("iot-001");
  zephyr.run();
  CHECK(zephyr.installed == 1);
  zephyr.confirm();
  CHECK(server.job(job).state == JobState::kSucceeded);
  zephyr.attributes_sent = 0;
  zephyr.run();
  CHECK(zephyr.installed == 1);
}

TEST_CASE("Zephyr sees a cancel first and comes to rest after it", "[ddi]") {
  DdiServer server;
  Zephyr zephyr(server);
  zephyr.run();
  const std::string job = server.push("iot-001");
  zephyr.device->poll();
  server.post("/v1/jobs/" + job + "/cancel");
  zephyr.run();
  CHECK(zephyr.cancelled == 1);
  CHECK(zephyr.installed == 0);
  CHECK(server.job(job).state == JobState::kCancelled);
}

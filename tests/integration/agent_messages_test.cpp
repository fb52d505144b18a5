// What an agent of the first release says, as it was recorded, to this server: an agent is updated
// by what it fetches, so that every later server must understand every earlier agent.
#include <fstream>
#include <string>

#include "base/digest.h"
#include "tests/integration/api_server.h"
#include "tuf/names.h"

using namespace ota;
using model::JobState;
using test::ApiServer;

namespace {

Json recorded_messages() {
  const auto text = read_file("tests/fixtures/released-1/messages.json", 1U << 20);
  if (!text) FAIL(text.error().text());
  return *parse_json(*text);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// One device that repeats a recording: the times of its samples are today's, and what it installs
// is what this server has (the recording's second update brought another image).
class Replay {
 public:
  explicit Replay(ApiServer& server) : server_(server), client_(server.client("iot-001")) {}

  void run(const Json& messages) {
    for (const Json& message : messages) {
      const std::string path = with(message.at("path"), "{job}", job_);
      INFO(message.dump());
      if (message.at("method") == "GET") {
        ask(path, message.at("answer"));
      } else {
        const std::string body = message.at("body");
        CHECK(post(path, path == "/v1/telemetry" ? as_of_now(body) : as_of_here(body)) ==
              message.at("answer").get<unsigned>());
        if (path == "/v1/telemetry") sample_ = body;
      }
    }
  }
  const std::string& job() const { return job_; }

 private:
  // The poll of the recording got its command: so there is one, once readings have shown the device
  // to be stable.
  void ask(const std::string& path, unsigned answer) {
    REQUIRE(test::wait_until([&] {
      CHECK(post("/v1/telemetry", as_of_now(sample_)) == 204);
      return server_.fleet->detail("iot-001")->verdict.level == model::Level::kStable;
    }));
    auto operators = server_.client("operator");
    const auto pushed = operators.post(
        "/v1/push", dump_json({{"devices", {"iot-001"}}, {"version", "2.1.5"}}), ApiServer::kMost);
    REQUIRE(pushed.has_value());
    job_ = parse_json(pushed->body)->at("results").at(0).at("job");
    const auto reply = client_.get(path, ApiServer::kMost);
    REQUIRE(reply.has_value());
    CHECK(reply->status == answer);
    const Json command = parse_json(reply->body)->at("commands").at(0);
    CHECK(command.at("type") == "update");
    CHECK(command.at("job") == job_);
  }

  std::string as_of_now(const std::string& body) {
    Json samples = *parse_json(body);
    for (Json& sample : samples) {
      sample["seq"] = ++seq_;
      sample["time"] = format_rfc3339(SystemClock().wall());
    }
    return dump_json(samples);
  }
  std::string as_of_here(const std::string& body) const {
    constexpr const char* kTheirs =
        "57ca76003f63c22f4ab1ced624221773f9458b5423668f3b92bb968210e81450";
    return with(with(body, kTheirs, server_.release(1).sha256), "2.1.6", "2.1.5");
  }
  unsigned post(const std::string& path, const std::string& body) {
    const auto reply = client_.post(path, body, ApiServer::kMost);
    REQUIRE(reply.has_value());
    INFO(reply->body);
    return reply->status;
  }

  ApiServer& server_;
  http::Client client_;
  std::string job_;
  std::string sample_;
  std::uint64_t seq_ = 0;
};

}  // namespace

TEST_CASE("an agent of the first release is updated by this server, message by message",
          "[api][upgrade][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  Replay replay(server);
  replay.run(recorded_messages().at("updated"));
  const auto job = server.fleet->job(replay.job());
  REQUIRE(job);
  CHECK(job->state == JobState::kSucceeded);
  CHECK(server.fleet->detail("iot-001")->record->facts.confirmed->version ==
        model::Version(2, 1, 5));
}

TEST_CASE("an agent of the first release takes an image as such that has patches too",
          "[api][upgrade][threads]") {
  ApiServer server;
  const model::Release& release = server.release(1);
  const auto file = server.root() / "patch";
  std::ofstream(file, std::ios::binary) << "not for it";
  const std::string digest = sha256_hex("not for it");
  const std::vector<tuf::PatchFile> patches{
      {{"", {}, 10, digest, digest}, file, release.sha256},
      {{server.release(0).sha256, server.release(0).version, 10, digest, digest},
       file,
       release.sha256}};
  model::Release again = release;
  again.target = release.file_name();
  REQUIRE(
      server.repository->add(server.repository->image_of(release), again, {}, patches).has_value());
  REQUIRE(server.join("iot-001").status == 201);
  Replay replay(server);
  replay.run(recorded_messages().at("updated"));
  const auto job = server.fleet->job(replay.job());
  REQUIRE(job);
  CHECK(job->state == JobState::kSucceeded);
  // From where it has always been, whole and in parts.
  auto device = server.client("iot-001");
  const std::string path = "/tuf/targets/" + tuf::target_url_path(release.target, release.sha256);
  const auto image = device.get(path, 1U << 20);
  REQUIRE(image.has_value());
  CHECK(image->status == 200);
  CHECK(sha256_hex(image->body) == release.sha256);
}

TEST_CASE("an agent of the first release that falls back is understood, message by message",
          "[api][upgrade][threads]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  Replay replay(server);
  replay.run(recorded_messages().at("fell back"));
  const auto job = server.fleet->job(replay.job());
  REQUIRE(job);
  CHECK(job->state == JobState::kRolledBack);
  CHECK(job->error_code == "health.failed");
  CHECK(server.fleet->detail("iot-001")->record->facts.confirmed->version ==
        model::Version(2, 1, 4));
}

TEST_CASE("an agent of the first release asks to join as this server expects", "[api][upgrade]") {
  ApiServer server;
  const Json enroll = recorded_messages().at("enroll");
  Json body = *parse_json(enroll.at("body").get<std::string>());
  body["token"] = pki::JoinCode::parse(server.code_for("iot-001"))->token;
  auto nobody = server.client("");
  const auto reply = nobody.post(enroll.at("path"), dump_json(body), ApiServer::kMost);
  REQUIRE(reply.has_value());
  CHECK(reply->status == enroll.at("answer").get<unsigned>());
  const Json answer = *parse_json(reply->body);
  for (const char* member : {"device", "certificate", "authority", "root"})
    CHECK(answer.at(member).is_string());
}

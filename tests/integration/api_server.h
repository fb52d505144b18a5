// The server side on a free port of 127.0.0.1: real TLS, real certificates, real SQLite, a real
// repository with v2.1.4 and v2.1.5, and devices that a test speaks for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "api/service.h"
#include "audit/log_key.h"
#include "base/file.h"
#include "base/json.h"
#include "fleet/fleet.h"
#include "fleet/operator_registry.h"
#include "http/client.h"
#include "http/server.h"
#include "model/sample_image.h"
#include "pki/authority.h"
#include "pki/device_key.h"
#include "pki/join_code.h"
#include "store/log_signer.h"
#include "store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"
#include "tuf/published_releases.h"
#include "tuf/repository.h"

namespace ota::test {

class ApiServer {
 public:
  ApiServer() : folder_(TempFolder::fast_parent()) {
    settings_.whitelist.devices = {{"iot-001", "sim-a", "default", ""},
                                   {"iot-002", "sim-a", "default", ""},
                                   {"iot-003", "sim-a", "default", ""}};
    settings_.thresholds.raise_after = milliseconds(100);
    settings_.console.limits.requests_per_second_per_device = 1000;
    auto created = tuf::Repository::create(root() / "firmware", root() / "state/keys", clock_);
    REQUIRE(created.has_value());
    repository.emplace(std::move(*created));
    for (const model::Version& version : {model::Version(2, 1, 4), model::Version(2, 1, 5)})
      releases_.push_back(publish(version));
    tuf_root_ = repository->root().value();
    start();
  }

  // As otactl firmware add does, beside the server.
  model::Release publish(const model::Version& version) {
    const auto image = root() / ("image-" + version.text());
    std::ofstream(image, std::ios::binary) << model::sample_image(version);
    model::Release release;
    release.version = version;
    release.hardware = {"sim-a"};
    const auto added = repository->add(image, release);
    REQUIRE(added.has_value());
    return *added;
  }
  ~ApiServer() { stop(); }

  void start() {
    auto opened = store::open_store("sqlite:state/ota.db", root().string(), clock_);
    REQUIRE(opened.has_value());
    store = std::move(*opened);
    fleet = std::make_unique<fleet::Fleet>(*store, clock_, strand_,
                                           std::make_shared<const model::Settings>(settings_));
    REQUIRE(fleet->load());
    published_.emplace(*repository, root() / "firmware");
    catch_up();
    auto authority = pki::Authority::open_or_create(root() / "state", {}, clock_);
    REQUIRE(authority.has_value());
    authority_.emplace(std::move(*authority));
    operators = std::make_unique<fleet::OperatorRegistry>(
        *store, *authority_, clock_,
        [this](model::Event event) { fleet->record(std::move(event)); });
    REQUIRE(operators->open().has_value());
    service = std::make_unique<api::Service>(
        api::Ports{.fleet = *fleet,
                   .store = *store,
                   .authority = *authority_,
                   .clock = clock_,
                   .firmware = root() / "firmware",
                   .server_status = [] { return model::ServerStatus{}; },
                   .server_stats = [this] { return listener_stats(); },
                   .agents = {},
                   .order_agent = {},
                   .tuf_root = [this]() -> Result<std::string> { return tuf_root_; },
                   .state_replaced = {},
                   .state = root() / "state",
                   .direct = {},
                   .tuf_roles = {},
                   .operators = [this] { return operators->list(); },
                   .revoke_operator =
                       [this](const std::string& name, const std::string& actor,
                              std::function<void(Result<void>)> done) {
                         operators->revoke(name, actor, std::move(done));
                       },
                   .behind = [this] { return published_->behind(); },
                   .catch_up = [this] { catch_up(); }});
    http::ServerHooks hooks;
    hooks.admit_device = [this](const std::string& name, const std::string& serial) {
      return fleet->admit(name, serial);
    };
    hooks.admit_operator = [this](const std::string& name, const std::string& serial) {
      return operators->admit(name, serial);
    };
    hooks.admit_ended = [this](const std::string& name, const std::string& serial,
                               const std::string& address) {
      return fleet->admit_ended(name, serial, address);
    };
    http::ServerOptions options;
    options.limits = settings_.console.limits;
    server = std::make_unique<http::Server>(options, authority_->server_identity(),
                                            service->router(), std::move(hooks));
    fleet->set_hooks({.wake_device = [this](const std::string& id) { service->wake_device(id); },
                      .cut_off_device =
                          [this](const std::string& id) {
                            server->disconnect(id);
                            if (http::Server* other = further) other->disconnect(id);
                          },
                      .new_events = {}});
    REQUIRE(server->start().has_value());
    ticking_ = true;
    ticker_ = std::thread([this] { tick_until_stopped(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      ticking_ = false;
    }
    wake_.notify_all();
    if (ticker_.joinable()) ticker_.join();
    service->close();
    server->drain(milliseconds(2000));
    fleet->set_hooks({});
    fleet->drain();
    server.reset();
    service.reset();
    operators.reset();
    fleet.reset();
    store.reset();
    authority_.reset();
  }

  // As an operator stops the server and starts it again: another port, the same state.
  void restart() {
    stop();
    start();
  }

  void apply(const std::function<void(model::Settings&)>& change) {
    change(settings_);
    fleet->apply_settings(std::make_shared<const model::Settings>(settings_));
  }

  // -- clients; names: "" no certificate, "operator", or a device that joined --
  http::Client client(const std::string& who) const {
    http::ClientOptions options;
    options.base_url = "https://127.0.0.1:" + std::to_string(server->port());
    options.authority = root() / "state/pki/authority.crt";
    if (who == "operator") {
      options.certificate = root() / "state/pki/operator.crt";
      options.key = root() / "state/pki/operator.key";
    } else if (!who.empty()) {
      options.certificate = certificate_of(who);
      options.key = key_of(who);
    }
    return http::Client(std::move(options));
  }

  // Asks for a join code as an operator, and joins with it over the wire as the device does.
  http::Reply join(const std::string& device) { return join_as(device, code_for(device), device); }

  std::string code_for(const std::string& device) const {
    auto asking = client("operator");
    const auto reply = asking.post("/v1/enrolments", dump_json({{"device", device}}), kMost);
    REQUIRE(reply.has_value());
    if (reply->status != 201) return {};
    return parse_json(reply->body)->at("code");
  }

  // As the console does while there is news.
  Result<void> sign_audit() {
    auto key = audit::read_or_make_log_key(root() / "state");
    if (!key) return key.error();
    return store::LogSigner(root() / "state", *store, std::move(*key)).sign();
  }

  // `name`: what the key and the certificate are called on this side.
  http::Reply join_as(const std::string& device, const std::string& code, const std::string& name) {
    const auto parsed = pki::JoinCode::parse(code);
    REQUIRE(parsed.has_value());
    CHECK(parsed->fingerprint == authority_->fingerprint());
    const auto csr = pki::DeviceKey::make_csr(key_of(name), device);
    REQUIRE(csr.has_value());
    auto nobody = client("");
    const auto reply =
        nobody.post("/v1/enroll", dump_json({{"token", parsed->token}, {"csr", *csr}}), kMost);
    REQUIRE(reply.has_value());
    if (reply->status == 201) {
      const Json answer = *parse_json(reply->body);
      CHECK(answer.at("device") == device);
      CHECK(answer.at("root") == tuf_root_);
      std::ofstream(certificate_of(name)) << answer.at("certificate").get<std::string>();
    }
    return *reply;
  }

  std::filesystem::path certificate_of(const std::string& name) const {
    return root() / (name + ".crt");
  }
  std::filesystem::path key_of(const std::string& name) const { return root() / (name + ".key"); }
  const std::filesystem::path& root() const { return folder_.path(); }
  const model::Release& release(std::size_t index) const { return releases_.at(index); }

  static constexpr std::size_t kMost = 1U << 22;

  std::unique_ptr<store::Store> store;
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<fleet::OperatorRegistry> operators;
  std::unique_ptr<api::Service> service;
  std::unique_ptr<http::Server> server;
  std::atomic<http::Server*> further{nullptr};  // another listener, as "ddi"
  std::optional<tuf::Repository> repository;

 private:
  void catch_up() {
    const auto taken = published_->catch_up(
        [this](std::vector<model::Release> releases) { fleet->set_releases(std::move(releases)); });
    REQUIRE(taken.has_value());
  }
  std::vector<api::ListenerStats> listener_stats() const {
    std::vector<api::ListenerStats> out{{"api", server->stats()}};
    if (http::Server* other = further) out.push_back({"ddi", other->stats()});
    return out;
  }
  void tick_until_stopped() {
    std::unique_lock lock(mutex_);
    while (ticking_) {
      lock.unlock();
      fleet->tick();
      service->tick();
      lock.lock();
      wake_.wait_for(lock, milliseconds(50), [this] { return !ticking_; });
    }
  }

  TempFolder folder_;
  SystemClock clock_;
  ThreadExecutor strand_;
  model::Settings settings_;
  std::vector<model::Release> releases_;
  std::optional<tuf::PublishedReleases> published_;
  std::string tuf_root_;
  std::optional<pki::Authority> authority_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ticking_ = false;
  std::thread ticker_;
};

// A device that says what the test tells it to, over one connection.
class ScriptedDevice {
 public:
  ScriptedDevice(const ApiServer& server, std::string id)
      : id_(std::move(id)), client_(server.client(id_)) {}

  void reconnect(const ApiServer& server) { client_ = server.client(id_); }

  // As after a restart: another boot id, samples numbered from one.
  void start_anew() {
    ++boot_.low;
    seq_ = 0;
  }

  unsigned status(const model::Release& running) {
    const Json image{{"version", running.version}, {"sha256", running.sha256}};
    return post("/v1/status", {{"agent", "scripted 1.0"},
                               {"hardware", "sim-a"},
                               {"boot_id", boot_.text()},
                               {"slot", "A"},
                               {"running", image},
                               {"confirmed", image}});
  }

  unsigned sample(double cpu) {
    return post("/v1/telemetry", {{"seq", ++seq_},
                                  {"boot_id", boot_.text()},
                                  {"time", format_rfc3339(SystemClock().wall())},
                                  {"cpu", cpu},
                                  {"mem", 40.0},
                                  {"disk", 30.0},
                                  {"temp", 45.0}});
  }

  unsigned report(const std::string& job, std::uint64_t seq, model::JobState state) {
    return post("/v1/jobs/" + job + "/report", {{"seq", seq}, {"state", state}, {"percent", 0}});
  }

  Json commands(int wait_s) {
    const auto reply = client_.get("/v1/commands?wait=" + std::to_string(wait_s), ApiServer::kMost);
    REQUIRE(reply.has_value());
    if (reply->status == 204) return Json::array();
    REQUIRE(reply->status == 200);
    return parse_json(reply->body)->at("commands");
  }

  unsigned post(const std::string& path, const Json& body) {
    const auto reply = client_.post(path, dump_json(body), ApiServer::kMost);
    REQUIRE(reply.has_value());
    last = reply->body;
    return reply->status;
  }

  http::Client& client() { return client_; }
  std::string last;

 private:
  std::string id_;
  http::Client client_;
  model::BootId boot_{1, 2};
  std::uint64_t seq_ = 0;
};

}  // namespace ota::test

#include "sim/lab.h"

#include <poll.h>

#include <chrono>
#include <tuple>

#include "base/digest.h"
#include "base/file.h"
#include "http/server.h"
#include "model/sample_image.h"
#include "pki/authority.h"
#include "pki/join_code.h"
#include "tuf/ceremony.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/repository.h"

namespace ota::sim {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDevice = "drill-1";
constexpr const char* kToken = "drill-token";
constexpr const char* kPassphrase = "drill-passphrase";
constexpr milliseconds kJoinPatience{15000};
constexpr milliseconds kUpdatePatience{20000};
constexpr milliseconds kHostilePatience{120000};  // pauses that a refused device makes included
constexpr unsigned kRestartsPerHour = 8;
constexpr std::size_t kMaxKey = 16384;
constexpr std::size_t kMaxLog = 1U << 20;

void pause() {
  poll(nullptr, 0, 10);
}

// The installation's own words for a role; nothing where it cannot be read.
std::optional<Threshold> threshold_of(const std::vector<tuf::RoleStatus>& roles,
                                      const std::string& name) {
  for (const tuf::RoleStatus& role : roles) {
    if (role.role == name) return Threshold{role.threshold, role.keys};
  }
  return std::nullopt;
}

}  // namespace

Lab::Lab(LabOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

Lab::~Lab() {
  agent_.reset();
  {
    const std::lock_guard lock(mutex_);
    parked_.reset();
    held_.clear();
  }
  if (server_) server_->drain(milliseconds(100));
}

Result<std::unique_ptr<Lab>> Lab::open(LabOptions options, const Clock& clock) {
  std::unique_ptr<Lab> lab(new Lab(std::move(options), clock));
  if (auto done = lab->set_up(); !done) return done.error().within("the drill's laboratory");
  return lab;
}

Result<void> Lab::set_up() {
  if (!options_.installation.empty()) {
    const auto installed = tuf::Repository::open(options_.installation / "firmware",
                                                 options_.installation / "state" / "keys", clock_);
    if (!installed) return installed.error().within("the installation's firmware/");
    const auto roles = installed->status();
    if (!roles) return roles.error();
    root_ = threshold_of(*roles, "root").value_or(root_);
    targets_ = threshold_of(*roles, "targets").value_or(targets_);
    const auto releases = installed->releases();
    if (releases && !releases->empty()) model_ = releases->front().hardware.front();
  }
  if (auto made = make_repository(); !made) return made;
  auto authority = pki::Authority::open_or_create(options_.root / "state", {}, clock_);
  if (!authority) return authority.error();
  authority_ = std::make_unique<pki::Authority>(std::move(*authority));
  auto router = std::make_shared<http::Router>();
  add_routes(*router);
  server_ = std::make_unique<http::Server>(http::ServerOptions{}, authority_->server_identity(),
                                           std::move(router), http::ServerHooks{});
  if (auto started = server_->start(); !started) return started;
  return start_device();
}

Result<void> Lab::make_repository() {
  if (auto made = tuf::Repository::create(firmware(), keys(), clock_); !made) return made.error();
  auto ceremony = tuf::Ceremony::open(firmware(), keys(), clock_);
  if (!ceremony) return ceremony.error();
  const auto rotated = ceremony->rotate(
      {{"root", root_.needed, root_.keys}, {"targets", targets_.needed, targets_.keys}});
  if (!rotated) return rotated.error();
  // While the keys are here: what the device starts from.
  if (auto done = publish(model::Version(2, 1, 5), model_); !done) return done;
  const auto away = ceremony->take_offline(
      vault_folder(), [](const std::string&) -> Result<std::string> { return kPassphrase; });
  if (!away) return away.error();
  if (auto pinned = pin_root(); !pinned) return pinned;
  return take_director();
}

Result<void> Lab::pin_root() {
  const auto now = tuf::PublishedFiles(firmware()).load();
  if (!now) return now.error();
  auto memory = tuf::pin(now->root_file);
  if (!memory) return memory.error();
  memory_ = std::move(*memory);
  return {};
}

Result<std::string> Lab::ask_signers(const std::string& role, const std::string& request) {
  const auto read = tuf::read_request(request, memory_);
  if (!read) return std::string(tuf::word_of(read.error().code));
  for (const std::string& line : read->words) {
    for (const char* verb : {"ADDS", "CHANGES", "REMOVES", "DELEGATES", "comparison NOT"}) {
      if (line.starts_with(verb)) return "shown: " + line;
    }
  }
  const auto signers = vault(role == "root" ? "root" : "targets");
  if (!signers) return signers.error();
  auto ceremony = tuf::Ceremony::open(firmware(), keys(), clock_);
  if (!ceremony) return ceremony.error();
  for (const tuf::Signer& signer : *signers) {
    const auto signature = tuf::sign_request(*read, signer);
    if (!signature) continue;                                      // a new key's turn
    if (auto taken = ceremony->submit(*signature); !taken) break;  // published by now
  }
  return std::string("signed");
}

Result<void> Lab::publish(const model::Version& version, const std::string& model,
                          std::optional<model::Version> floor) {
  const fs::path image = options_.root / ("firmware-" + version.text() + ".img");
  if (auto written = write_file_durably(image, model::sample_image(version)); !written) {
    return written;
  }
  auto repository = tuf::Repository::open(firmware(), keys(), clock_);
  if (!repository) return repository.error();
  model::Release release;
  release.version = version;
  release.hardware = {model};
  const auto added = repository->add(image, release, std::move(floor));
  if (added) return {};
  if (added.error().code != tuf::Errc::kThreshold) return added.error();
  return sign_what_waits();
}

Result<std::vector<tuf::Signer>> Lab::vault(const std::string& role) const {
  std::vector<tuf::Signer> signers;
  for (unsigned number = 1;; ++number) {
    const auto pem =
        read_file(vault_folder() / (role + "-" + std::to_string(number) + ".pem"), kMaxKey);
    if (!pem) return signers;
    auto signer = tuf::Signer::from_pem(*pem, kPassphrase);
    if (!signer) return signer.error();
    signers.push_back(std::move(*signer));
  }
}

// Everybody who is asked signs, and takes what they signed back to the server.
Result<void> Lab::sign_what_waits() {
  auto ceremony = tuf::Ceremony::open(firmware(), keys(), clock_);
  if (!ceremony) return ceremony.error();
  const auto pending = ceremony->pending();
  if (!pending) return pending.error();
  for (const tuf::PendingRole& waiting : *pending) {
    const auto signers = vault(waiting.role == "root" ? "root" : "targets");
    if (!signers) return signers.error();
    for (const tuf::Signer& signer : *signers) {
      const auto request = ceremony->request(waiting.role);
      if (!request) break;  // published by now
      const auto read = tuf::read_request(*request, memory_);
      if (!read) return read.error();
      if (read->after) memory_ = *read->after;
      const auto signature = tuf::sign_request(*read, signer);
      if (!signature && signature.error().code == tuf::Errc::kKey) continue;  // a new key's turn
      if (!signature) return signature.error();
      if (auto taken = ceremony->submit(*signature); !taken) return taken.error();
    }
  }
  return {};
}

Result<void> Lab::rotate(const std::vector<std::string>& roles) {
  auto ceremony = tuf::Ceremony::open(firmware(), keys(), clock_);
  if (!ceremony) return ceremony.error();
  std::vector<tuf::RoleChange> changes;
  for (const std::string& role : roles) {
    const bool people = role == "targets" || role == "root";
    const Threshold& wanted = role == "root" ? root_ : targets_;
    changes.push_back({role, people ? wanted.needed : 1, people ? wanted.keys : 1});
  }
  const auto rotated = ceremony->rotate(changes);
  if (!rotated) return rotated.error();
  if (auto done = sign_what_waits(); !done) return done;
  return take_director();
}

Result<void> Lab::start_device() {
  if (auto made = make_directories(device() / "identity", 0700); !made) return made;
  Json config{{"device_id", kDevice},
              {"server", "https://127.0.0.1:" + std::to_string(server_->port())},
              {"hardware", model_},
              {"status_port", 0},
              {"profile", "stable"},
              {"interval_ms", 1000},
              {"limits", {{"restarts_per_hour", kRestartsPerHour}}},
              {"dir", "."}};
  if (auto written = write_file_durably(device() / "config.json", config.dump(2)); !written) {
    return written;
  }
  const pki::JoinCode code{kToken, authority_->fingerprint()};
  if (auto left = write_file_durably(device() / "identity" / "join-code", code.text() + "\n", 0600);
      !left) {
    return left;
  }
  const auto start = [&]() -> Result<void> {
    auto started =
        Process::start({.program = options_.agent_program,
                        .arguments = {"run", "--config", (device() / "config.json").string()},
                        .log = options_.root / "device.log",
                        .folder = {}});
    if (!started) return started.error();
    agent_.emplace(std::move(*started));
    return {};
  };
  if (auto started = start(); !started) return started;
  const auto first = order({model::Version(2, 1, 5), model_, ""}, kJoinPatience + kUpdatePatience);
  if (!first) return first.error();
  if (first->state != model::JobState::kSucceeded) {
    return fail(Errc::kConflict,
                "the device does not take v2.1.5: " + first->error_code + " " + first->detail);
  }
  if (options_.installer.empty()) return {};
  // From here on the attacker has a hand on the device's disk as well.
  agent_.reset();
  config["installer"] = {{"kind", "command"}, {"command", {"/bin/sh", "-c", options_.installer}}};
  if (auto written = write_file_durably(device() / "config.json", config.dump(2)); !written) {
    return written;
  }
  return start();
}

Result<model::Release> Lab::release_of(const model::Version& version,
                                       const std::string& model) const {
  // As the attacker's server remembers it, whatever lies in firmware/ by now.
  const fs::path image = options_.root / ("firmware-" + version.text() + ".img");
  const auto bytes = read_file(image, 1U << 26);
  if (!bytes) return bytes.error();
  model::Release release;
  release.version = version;
  release.hardware = {model_};  // what the job claims
  release.target = tuf::folder_of_model(model) + "/firmware-" + version.text() + ".img";
  release.length = bytes->size();
  release.sha256 = sha256_hex(*bytes);
  return release;
}

// The director's keys are the attacker's, whatever becomes of the metadata later.
Result<void> Lab::take_director() {
  auto director = tuf::Director::open(firmware(), keys());
  if (!director) return director.error();
  director_.emplace(std::move(*director));
  return {};
}

Result<std::string> Lab::hand_out(const Order& order) {
  auto release = release_of(order.version, order.model);
  if (!release) return release.error();
  const std::string job = "job-" + std::to_string(++jobs_);
  const WallTime now = clock_.wall();
  tuf::DirectedJob directed{job,
                            kDevice,
                            release->sha256,
                            release->version,
                            now + std::chrono::hours(1),
                            tuf::nonce_of(kDevice, job, 1, now)};
  if (order.word == "other-device") directed.device = "drill-2";
  if (order.word == "other-image") directed.sha256 = std::string(64, 'a');
  if (order.word == "expired") directed.expires = now - std::chrono::seconds(1);
  auto word = director_->sign(directed);
  if (!word) return word.error();
  if (first_word_.empty()) first_word_ = *word;
  if (order.word == "replayed") *word = first_word_;
  if (order.word == "changed") word->replace(word->find(kDevice), 7, "drill-2");
  Json command{{"type", "update"},
               {"job", job},
               {"attempt", 1},
               {"deadline", format_rfc3339(now + std::chrono::hours(1))},
               {"release", *release}};
  if (order.word != "none") command["word"] = *word;
  const std::lock_guard lock(mutex_);
  commands_[job] = std::move(command);
  answer_poll();
  return job;
}

std::size_t Lab::starts() const {
  const std::string log = device_log();
  constexpr std::string_view kStart = "Client drill-1 started";
  std::size_t count = 0;
  for (std::size_t at = log.find(kStart); at != std::string::npos; at = log.find(kStart, at + 1))
    ++count;
  return count;
}

// For what the device runs and holds by its own last word; with the mutex held.
Result<Json> Lab::rollback_command(const std::string& word) {
  const auto digest = [&](const char* fact) {
    const Json image = facts_.value(fact, Json::object());
    return image.value("sha256", std::string(64, '0'));
  };
  const WallTime now = clock_.wall();
  tuf::DirectedRollback directed{
      kDevice, digest("confirmed"), digest("previous"), now + std::chrono::hours(1),
      tuf::nonce_of(kDevice, "rollback", static_cast<int>(++jobs_), now)};
  Json command{{"type", "rollback"}, {"from", directed.from}, {"to", directed.to}};
  if (word == "none") return command;
  if (word == "other-device") directed.device = "drill-2";
  if (word == "other-image") directed.to = std::string(64, 'a');
  if (word == "expired") directed.expires = now - std::chrono::seconds(1);
  auto signed_word = director_->sign(directed);
  if (!signed_word) return signed_word.error();
  if (first_rollback_word_.empty()) first_rollback_word_ = *signed_word;
  command["word"] = word == "replayed" ? first_rollback_word_ : *signed_word;
  return command;
}

Result<std::string> Lab::roll_back(const std::string& word, milliseconds patience) {
  std::string from;
  std::uint64_t told_before = 0;
  {
    const std::lock_guard lock(mutex_);
    auto command = rollback_command(word);
    if (!command) return command.error();
    from = command->at("from").get<std::string>();
    told_before = told_;
    commands_["rollback"] = std::move(*command);
    answer_poll();
  }
  const MonoTime until = clock_.mono() + patience;
  while (clock_.mono() < until) {
    pause();
    const std::lock_guard lock(mutex_);
    const Json confirmed = facts_.value("confirmed", Json::object());
    const bool refused = told_ > told_before && facts_.value("rollback_refused", "") == from;
    const bool left = confirmed.value("sha256", "") != from;
    if (!refused && !left) continue;
    commands_.erase("rollback");
    return left ? confirmed.value("version", "") : facts_.value("rollback_why", "");
  }
  return fail(Errc::kTimeout, "the device neither goes back nor says why not");
}

Result<std::size_t> Lab::rollback_storm(const std::string& word, milliseconds time) {
  const std::size_t before = starts();
  {
    const std::lock_guard lock(mutex_);
    storm_ = word;
    storming_ = true;
    answer_poll();
  }
  const MonoTime until = clock_.mono() + time;
  while (clock_.mono() < until)
    pause();
  {
    const std::lock_guard lock(mutex_);
    storming_ = false;
  }
  return starts() - before;
}

std::optional<model::JobReport> Lab::last_report(const std::string& job) const {
  const std::lock_guard lock(mutex_);
  const auto found = reports_.find(job);
  if (found == reports_.end()) return std::nullopt;
  return found->second;
}

bool Lab::runs(const model::Version& version) const {
  const std::lock_guard lock(mutex_);
  return facts_.value("confirmed", Json::object()).value("version", "") == version.text();
}

Result<model::JobReport> Lab::order(const Order& order, milliseconds patience) {
  const auto job = hand_out(order);
  if (!job) return job.error();
  const MonoTime until = clock_.mono() + patience;
  while (clock_.mono() < until) {
    const auto report = last_report(*job);
    // A success is told after the facts of before it: what is asked next is about those of now.
    if (report && model::is_final(report->state) &&
        (report->state != model::JobState::kSucceeded || runs(order.version))) {
      return *report;
    }
    pause();
  }
  const auto report = last_report(*job);
  return fail(Errc::kTimeout,
              "no end of the job; the device says " +
                  (report ? std::string(to_text(report->state)) + " " + report->detail
                          : std::string("nothing")));
}

std::string Lab::device_log() const {
  auto text = read_file(options_.root / "device.log", kMaxLog);
  return text ? std::move(*text) : std::string();
}

// Statuses that mean something to an agent, and some that mean nothing, with bodies that are no
// answer to anything. What is posted gets each of them once, a 403 first, which once ended the
// agent; polls get some of them as long as that lasts.
Result<void> Lab::answer_hostile() {
  const std::vector<std::string> bodies{R"({"code":5})",
                                        R"({"code":[],"detail":{"a":null}})",
                                        "[]",
                                        "null",
                                        "",
                                        "\"text\"",
                                        R"({"commands":{"type":5}})",
                                        R"({"commands":[5,null,[]]})",
                                        R"({"commands":[{"type":"update","job":[]}]})",
                                        R"({"commands":[{"type":"rollback","from":5,"word":{}}]})",
                                        std::string(60000, '['),
                                        std::string("\0\xff{", 3)};
  {
    const std::lock_guard lock(mutex_);
    std::size_t next = 0;
    for (const unsigned status : {206U, 302U, 404U, 500U})
      hostile_.emplace_back(status, bodies[next++]);
    for (; next < bodies.size(); ++next)
      hostile_.emplace_back(200, bodies[next]);
    hostile_.emplace_back(403, bodies.front());
    if (parked_) std::exchange(parked_, std::nullopt).value()(http::Response::no_content());
  }
  const std::size_t before = device_log().size();
  const MonoTime until = clock_.mono() + kHostilePatience;
  while (true) {
    pause();
    if (!agent_->running()) return fail(Errc::kConflict, "an answer ended the agent");
    const std::string said = device_log().substr(before);
    for (const char* sign : {"a defect", "started"}) {
      if (said.find(sign) != std::string::npos) return fail(Errc::kConflict, said);
    }
    const std::lock_guard lock(mutex_);
    if (hostile_.empty()) return {};
    if (clock_.mono() >= until) return fail(Errc::kTimeout, "the device asks no more");
  }
}

http::Handler Lab::guarded(http::Handler honest) {
  return [this, honest = std::move(honest)](const http::Request& request,
                                            const http::Responder& respond) {
    http::Response answer;
    {
      const std::lock_guard lock(mutex_);
      if (!hostile_.empty() && request.method == http::Method::kGet) {
        std::tie(answer.status, answer.body) = hostile_[hostile_polls_++ % hostile_.size()];
      } else if (!hostile_.empty()) {
        std::tie(answer.status, answer.body) = std::move(hostile_.back());
        hostile_.pop_back();
      } else {
        answer.status = 0;
      }
    }
    if (answer.status != 0) return respond(std::move(answer));
    honest(request, respond);
  };
}

void Lab::answer_poll() {
  if (!parked_ || (commands_.empty() && !storming_)) return;
  Json list = Json::array();
  if (storming_) {
    if (auto command = rollback_command(storm_)) list.push_back(std::move(*command));
  }
  for (const auto& [job, command] : commands_)
    list.push_back(command);
  (*parked_)(http::Response::json(Json{{"commands", std::move(list)}}));
  parked_.reset();
}

void Lab::add_routes(http::Router& router) {
  using http::Access;
  using http::Method;
  using http::Request;
  using http::Responder;
  router.add({Method::kPost, "/v1/enroll", Access::kAnyone,
              [this](const Request& request, const Responder& respond) {
                const auto body = parse_json(request.body);
                const auto root = read_file(firmware() / "metadata" / "1.root.json", 1U << 20);
                if (!body || body->value("token", "") != kToken || !root) {
                  return respond(http::Response::problem(403, "token", "no such token"));
                }
                const auto issued = authority_->issue_device(kDevice, body->value("csr", ""),
                                                             std::chrono::hours(24));
                if (!issued) return respond(http::Response::error(issued.error()));
                respond(http::Response::json(Json{{"device", kDevice},
                                                  {"certificate", issued->pem},
                                                  {"authority", authority_->certificate_pem()},
                                                  {"root", *root}},
                                             201));
              }});
  for (const std::string part : {"metadata", "targets"}) {
    router.add({Method::kGet, "/tuf/" + part + "/{rest...}", Access::kDevice,
                [this, part](const Request& request, const Responder& respond) {
                  if (stalled_) {
                    const std::lock_guard lock(mutex_);
                    held_.push_back(respond);
                    return;
                  }
                  const fs::path inner = fs::path(part) / std::string(request.params[0]);
                  std::error_code error;
                  if (!fs::is_regular_file(firmware() / inner, error)) {
                    return respond(http::Response::problem(404, "none", "no such file"));
                  }
                  http::Response response;
                  response.file = http::FileBody{firmware().string(), inner.string(), "\"x\""};
                  respond(std::move(response));
                }});
  }
  router.add({Method::kPost, "/v1/telemetry", Access::kDevice,
              guarded([](const Request&, const Responder& respond) {
                respond(http::Response::no_content());
              })});
  router.add({Method::kPost, "/v1/status", Access::kDevice,
              guarded([this](const Request& request, const Responder& respond) {
                auto body = parse_json(request.body);
                if (body && body->is_object()) {
                  const std::lock_guard lock(mutex_);
                  facts_ = std::move(*body);
                  ++told_;
                }
                respond(http::Response::no_content());
              })});
  router.add({Method::kGet, "/v1/commands", Access::kDevice,
              guarded([this](const Request&, const Responder& respond) {
                const std::lock_guard lock(mutex_);
                parked_ = respond;
                answer_poll();
              })});
  router.add({Method::kPost, "/v1/jobs/{id}/report", Access::kDevice,
              guarded([this](const Request& request, const Responder& respond) {
                const auto body = parse_json(request.body);
                if (body) {
                  const std::string job(request.params[0]);
                  const std::lock_guard lock(mutex_);
                  try {
                    reports_[job] = body->get<model::JobReport>();
                  } catch (const std::exception&) {
                    return respond(http::Response::problem(400, "report", "no report"));
                  }
                  commands_.erase(job);
                }
                respond(http::Response::no_content());
              })});
}

}  // namespace ota::sim

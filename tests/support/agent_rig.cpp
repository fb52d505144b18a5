#include "tests/support/agent_rig.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/digest.h"
#include "base/file.h"
#include "delta/patch_file.h"
#include "model/sample_image.h"
#include "pki/join_code.h"
#include "tests/support/wait.h"

namespace ota::test {
namespace fs = std::filesystem;
namespace {

constexpr const char* kToken = "token-of-the-rig";
constexpr const char* kDevice = "iot-001";

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().text());
}

http::Route route(http::Method method, std::string pattern, http::Access access,
                  http::Handler handler) {
  http::Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  made.access = access;
  made.handler = std::move(handler);
  return made;
}

// The program beside this test's own.
fs::path agent_program() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "ota-agent";
}

}  // namespace

AgentProcess::AgentProcess(const std::vector<std::string>& arguments, fs::path output)
    : pid_(-1), output_(std::move(output)) {
  const std::string program = agent_program().string();
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  const int out = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

AgentProcess::~AgentProcess() {
  if (ended_) return;
  signal(SIGKILL);
  (void)wait();
}

void AgentProcess::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

std::optional<int> AgentProcess::wait(milliseconds patience) {
  int status = 0;
  const auto gone = [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; };
  if (!ended_ && wait_until(gone, patience)) {
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return ended_;
}

std::string AgentProcess::output() const {
  std::ifstream file(output_);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool AgentProcess::says(const std::string& line) const {
  return wait_until([&] { return output().find(line) != std::string::npos; });
}

AgentRig::AgentRig()
    : authority_(std::make_unique<pki::Authority>(
          must(pki::Authority::open_or_create(folder_.path() / "state", {}, clock_)))),
      repository_(std::make_unique<tuf::Repository>(must(tuf::Repository::create(
          folder_.path() / "firmware", folder_.path() / "state" / "keys", clock_)))),
      root_(must(repository_->root())) {
  auto router = std::make_shared<http::Router>();
  add_routes(*router);
  add_device_routes(*router);
  router_ = std::move(router);
  start_server();
  must(make_directories(device() / "identity", 0700));
  configure();
}

AgentRig::~AgentRig() {
  {
    const std::lock_guard lock(mutex_);
    parked_.reset();
  }
  stop_server();
}

std::string AgentRig::url() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}

void AgentRig::start_server() {
  http::ServerOptions options;
  options.port = port_;
  http::ServerHooks hooks;
  hooks.admit_ended = [this](const std::string&, const std::string&,
                             const std::string&) -> Result<void> {
    if (renewal_allowed_) return {};
    return fail(Errc::kDenied, "cert expired");
  };
  server_ = std::make_unique<http::Server>(options, authority_->server_identity(), router_,
                                           std::move(hooks));
  // The port may still be held for a moment by the server before.
  Result<void> started;
  if (!wait_until([&] { return (started = server_->start()).has_value(); })) must(started);
  port_ = server_->port();
}

void AgentRig::stop_server() {
  if (!server_) return;
  server_->drain(milliseconds(100));
  server_.reset();
}

model::Release AgentRig::publish(const model::Version& version, const std::string& bytes) {
  const fs::path image = folder_.path() / ("firmware-" + version.text() + ".img");
  must(write_file_durably(image, bytes));
  model::Release release;
  release.version = version;
  release.hardware = {"sim-a"};
  return must(repository_->add(image, release));
}

model::Release AgentRig::publish_with_patch(const model::Version& version, const std::string& bytes,
                                            const std::string& base) {
  const fs::path image = folder_.path() / ("firmware-" + version.text() + ".img");
  const fs::path old = folder_.path() / "base.img";
  must(write_file_durably(image, bytes));
  must(write_file_durably(old, base));
  model::Release release;
  release.version = version;
  release.hardware = {"sim-a"};
  std::vector<tuf::PatchFile> files;
  for (const fs::path& from : {fs::path(), old}) {
    tuf::PatchFile file;
    file.file = folder_.path() / (from.empty() ? "packed" : "patch");
    delta::EncodeOptions options;
    options.block_log = 14;
    const delta::Head head = must(delta::make_patch(from, image, file.file, options));
    if (!from.empty()) file.patch = {to_hex(head.base), model::Version(2, 1, 4)};
    file.patch.length = head.file_length();
    file.patch.sha256 = to_hex(must(delta::file_digest(file.file)));
    file.patch.head = to_hex(sha256(delta::serialize(head)));
    file.makes = to_hex(head.image);
    files.push_back(file);
  }
  return must(repository_->add(image, release, {}, files));
}

fs::path AgentRig::published_file(const std::string& like) const {
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "firmware")) {
    if (entry.path().filename().string().find(like) != std::string::npos) return entry.path();
  }
  throw std::runtime_error("nothing is published like " + like);
}

void AgentRig::command(const Json& command) {
  const std::lock_guard lock(mutex_);
  commands_.push_back(command);
  answer_poll();
}

Json AgentRig::update_command(const std::string& job, const model::Release& release) const {
  return Json{{"type", "update"},
              {"job", job},
              {"attempt", 1},
              {"deadline", format_rfc3339(clock_.wall() + std::chrono::minutes(10))},
              {"release", release},
              {"word", word({job, kDevice, release.sha256, release.version, {}, {}})}};
}

std::string AgentRig::word(tuf::DirectedJob job) const {
  const WallTime now = clock_.wall();
  if (job.expires == WallTime{}) job.expires = now + std::chrono::hours(1);
  if (job.nonce.empty()) job.nonce = tuf::nonce_of(job.device, job.job, 1, now);
  const auto director =
      must(tuf::Director::open(folder_.path() / "firmware", folder_.path() / "state" / "keys"));
  return must(director.sign(job));
}

void AgentRig::answer_poll() {
  if (!parked_ || commands_.empty()) return;
  (*parked_)(http::Response::json(Json{{"commands", commands_}}));
  parked_.reset();
}

void AgentRig::answer_with(const std::string& path_start, unsigned status) {
  const std::lock_guard lock(mutex_);
  diversions_[path_start] = status;
}

bool AgentRig::diverted(const http::Request& request, const http::Responder& respond) {
  const std::lock_guard lock(mutex_);
  requests_.emplace_back(request.path);
  for (const auto& [start, status] : diversions_) {
    if (status == 0 || !request.path.starts_with(start)) continue;
    respond(status == 204   ? http::Response::no_content()
            : status == 429 ? http::Response::too_many("diverted", "the test says so")
                            : http::Response::problem(status, "diverted", "the test says so"));
    return true;
  }
  return false;
}

void AgentRig::add_routes(http::Router& router) {
  using http::Access;
  using http::Method;
  router.add(route(Method::kPost, "/v1/enroll", Access::kAnyone,
                   [this](const http::Request& request, const http::Responder& respond) {
                     if (diverted(request, respond)) return;
                     const Json body = Json::parse(request.body);
                     if (body.at("token") != kToken) {
                       return respond(http::Response::problem(403, "token", "no such token"));
                     }
                     const auto issued = must(authority_->issue_device(
                         kDevice, body.at("csr").get<std::string>(), lifetime_));
                     respond(http::Response::json(Json{{"device", kDevice},
                                                       {"certificate", issued.pem},
                                                       {"authority", authority_->certificate_pem()},
                                                       {"root", root_}},
                                                  201));
                   }));
  http::Route renewal = route(
      Method::kPost, "/v1/renew", Access::kDevice,
      [this](const http::Request& request, const http::Responder& respond) {
        if (diverted(request, respond)) return;
        const auto csr = Json::parse(request.body).at("csr").get<std::string>();
        const auto issued = must(authority_->issue_device(kDevice, csr, std::chrono::hours(2000)));
        respond(http::Response::json(Json{{"certificate", issued.pem}}));
      });
  renewal.ended_certificate = true;
  router.add(std::move(renewal));
  for (const std::string part : {"metadata", "targets"}) {
    router.add(route(Method::kGet, "/tuf/" + part + "/{rest...}", Access::kDevice,
                     [this, part](const http::Request& request, const http::Responder& respond) {
                       if (diverted(request, respond)) return;
                       const fs::path path =
                           folder_.path() / "firmware" / part / std::string(request.params[0]);
                       if (!fs::exists(path))
                         return respond(http::Response::problem(404, "none", "no such file"));
                       if (part == "targets") {
                         const std::lock_guard lock(mutex_);
                         ranges_.emplace_back(request.range);
                       }
                       http::Response response;
                       response.file =
                           http::FileBody{(folder_.path() / "firmware").string(),
                                          part + "/" + std::string(request.params[0]), "\"x\""};
                       respond(std::move(response));
                     }));
  }
}

void AgentRig::add_device_routes(http::Router& router) {
  using http::Access;
  using http::Method;
  router.add(route(Method::kPost, "/v1/status", Access::kDevice,
                   [this](const http::Request& request, const http::Responder& respond) {
                     if (diverted(request, respond)) return;
                     const std::lock_guard lock(mutex_);
                     statuses_.push_back(Json::parse(request.body));
                     std::erase_if(commands_, [](const Json& command) {
                       return command["type"] == "rollback";
                     });
                     respond(http::Response::no_content());
                   }));
  router.add(route(Method::kPost, "/v1/telemetry", Access::kDevice,
                   [this](const http::Request& request, const http::Responder& respond) {
                     if (diverted(request, respond)) return;
                     const std::lock_guard lock(mutex_);
                     for (Json& sample : Json::parse(request.body))
                       samples_.push_back(std::move(sample));
                     respond(http::Response::no_content());
                   }));
  router.add(route(Method::kGet, "/v1/commands", Access::kDevice,
                   [this](const http::Request& request, const http::Responder& respond) {
                     if (diverted(request, respond)) return;
                     const std::lock_guard lock(mutex_);
                     parked_ = respond;
                     answer_poll();
                   }));
  router.add(route(Method::kPost, "/v1/jobs/{id}/report", Access::kDevice,
                   [this](const http::Request& request, const http::Responder& respond) {
                     if (diverted(request, respond)) return;
                     const std::string job(request.params[0]);
                     const auto report = Json::parse(request.body).get<model::JobReport>();
                     const std::lock_guard lock(mutex_);
                     reports_.emplace_back(job, report);
                     // Any report shows that the update has come; only the last one answers a
                     // cancel, which may have been given while an earlier one was on its way.
                     std::erase_if(commands_, [&](const Json& command) {
                       return command.value("job", "") == job &&
                              (command["type"] == "update" || model::is_final(report.state));
                     });
                     respond(http::Response::no_content());
                   }));
}

Json AgentRig::rollback_command(const std::string& from, const std::string& to) const {
  const WallTime now = clock_.wall();
  const auto director =
      must(tuf::Director::open(folder_.path() / "firmware", folder_.path() / "state" / "keys"));
  return Json{
      {"type", "rollback"},
      {"from", from},
      {"to", to},
      {"word",
       must(director.sign(tuf::DirectedRollback{kDevice, from, to, now + std::chrono::hours(1),
                                                tuf::nonce_of(kDevice, "rollback", 1, now)}))}};
}

std::string AgentRig::join_code() const {
  return pki::JoinCode{kToken, authority_->fingerprint()}.text();
}

std::string AgentRig::foreign_join_code() const {
  std::string fingerprint = authority_->fingerprint();
  fingerprint[0] = fingerprint[0] == '0' ? '1' : '0';
  return pki::JoinCode{kToken, fingerprint}.text();
}

std::vector<model::JobReport> AgentRig::reports(const std::string& job) const {
  const std::lock_guard lock(mutex_);
  std::vector<model::JobReport> found;
  for (const auto& [name, report] : reports_) {
    if (name == job) found.push_back(report);
  }
  return found;
}

std::optional<model::JobReport> AgentRig::final_report(const std::string& job) const {
  std::optional<model::JobReport> last;
  wait_until(
      [&] {
        const auto all = reports(job);
        if (!all.empty()) last = all.back();
        return last && model::is_final(last->state);
      },
      std::chrono::seconds(20));
  return last;
}

bool AgentRig::polled() const {
  return wait_until([this] {
    const std::lock_guard lock(mutex_);
    return parked_.has_value();
  });
}

std::vector<Json> AgentRig::statuses() const {
  const std::lock_guard lock(mutex_);
  return statuses_;
}

std::vector<Json> AgentRig::samples() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

std::vector<std::string> AgentRig::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> AgentRig::ranges() const {
  const std::lock_guard lock(mutex_);
  return ranges_;
}

void AgentRig::configure(const Json& more) const {
  Json config{{"device_id", kDevice},
              {"server", url()},
              {"hardware", "sim-a"},
              {"profile", "stable"},
              {"interval_ms", 50}};
  config.update(more);
  must(write_file_durably(device() / "config.json", config.dump(2)));
}

void AgentRig::leave_join_code(const std::string& code, mode_t mode) const {
  must(write_file_durably(device() / "identity" / "join-code", code, mode));
}

std::unique_ptr<AgentProcess> AgentRig::run() const {
  return std::make_unique<AgentProcess>(std::vector<std::string>{"run", "--dir", device().string()},
                                        folder_.path() / "output");
}

Json AgentRig::slots() const {
  const fs::path file = folder_.path() / "slots.json";
  std::error_code ignored;
  fs::remove(file, ignored);
  AgentProcess status({"status", "--json", "--dir", device().string()}, file);
  if (status.wait() != 0) return nullptr;
  return Json::parse(status.output());
}

}  // namespace ota::test

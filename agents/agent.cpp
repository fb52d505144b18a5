#include "agents/agent.h"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "agents/image_markers.h"
#include "agents/patcher.h"
#include "agents/process.h"
#include "agents/sensors.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "delta/error.h"
#include "model/failure_code.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr milliseconds kStopPatience{900};       // of the one second that an end may take
constexpr milliseconds kLastReports{1000};       // before a restart
constexpr milliseconds kProgressEvery{250};      // a report of the download's percent
constexpr milliseconds kRebootPatience{600000};  // for a restart command to take effect
constexpr milliseconds kAfterDefect{5000};       // before a part begins anew

model::BootId random_boot(const Runtime& runtime) {
  return *model::BootId::parse(to_hex(runtime.random(16)));
}

Failure download_failure(const Error& error) {
  const bool passes = error.code == Errc::kUnavailable || error.code == Errc::kTimeout;
  std::string word = model::failure_code::kDownload;
  if (error.code == Errc::kLimit) word = model::failure_code::kImageLength;
  if (error.code == Errc::kTimeout) word = model::failure_code::kDownloadSlow;
  if (error.code == Errc::kFull) word = model::failure_code::kNoSpace;
  if (error.code == Errc::kIo) word = model::failure_code::kIo;
  return {word, printable(error.text(), 200),
          passes ? Failure::Again::kLater : Failure::Again::kNever};
}

}  // namespace

Agent::Agent(Config config, std::string join_code, FileLock lock, const Clock& clock,
             Runtime runtime)
    : config_(std::move(config)),
      join_code_(std::move(join_code)),
      lock_(std::move(lock)),
      clock_(clock),
      runtime_(std::move(runtime)),
      identity_(config_.dir, runtime_.connect, *runtime_.disk),
      trust_(identity_.trust_folder(), config_.hardware, *runtime_.disk),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      changed_(runtime_.wait_point()) {}

Agent::~Agent() {
  stop_all();
}

Result<std::unique_ptr<Agent>> Agent::open(Config config, std::string join_code, const Clock& clock,
                                           Runtime runtime, DiskHook hook) {
  if (auto made = make_directories(*runtime.disk, config.dir / "state", 0700); !made)
    return made.error();
  auto lock = FileLock::try_acquire(config.dir / "state" / "agent.lock");
  if (!lock) return lock.error().within("another agent works in " + config.dir.string());
  std::unique_ptr<Agent> agent(new Agent(std::move(config), std::move(join_code), std::move(*lock),
                                         clock, std::move(runtime)));

  const auto waiting = agent->identity_.waiting_code();
  if (waiting) agent->join_code_ = *waiting;
  if (!waiting && waiting.error().code == Errc::kDenied) return waiting.error();
  if (agent->identity_.enrolled()) {
    if (auto safe = agent->identity_.check_key(); !safe) return safe.error();
  } else if (agent->join_code_.empty()) {
    return fail(Errc::kNotFound, agent->config_.device_id +
                                     " is not enrolled; get a code with `otactl enroll " +
                                     agent->config_.device_id + "` and run `ota-agent join`");
  }

  EngineOptions options;
  options.folder = agent->config_.dir;
  options.machine.hardware = agent->config_.hardware;
  options.machine.max_image_bytes = agent->config_.limits.image_bytes;
  options.machine.restarts_per_hour = agent->config_.limits.restarts_per_hour;
  options.machine.can_roll_back = agent->config_.installer.can_go_back();
  options.factory_version = agent->config_.factory_version;
  options.hook = std::move(hook);
  options.runtime = agent->runtime_;
  auto engine = Engine::open(std::move(options), agent->ports());
  if (!engine) return engine.error();
  agent->engine_ = std::move(*engine);
  agent->engine_->boot();
  return agent;
}

EnginePorts Agent::ports() {
  EnginePorts ports;
  ports.check = [this](const Action& action) { return check(action); };
  ports.check_back = [this](const Action& action) { return check_back(action); };
  ports.now = [this] { return clock_.wall(); };
  ports.unheeded = [this](const Unheeded& rollback) {
    if (uplink_) uplink_->repeat_facts(rollback);
  };
  ports.download = [this](const model::Release& release, PartialImage& into,
                          const Progress& progress) { return download(release, into, progress); };
  ports.patches = [this] { return trust_.patches(); };
  ports.patch = [this](const Action& action, const BaseFiles& base, PartialImage& into,
                       const Progress& progress) { return patch(action, base, into, progress); };
  ports.install = [this](const fs::path& image, const model::Release& release) {
    return install(image, release);
  };
  ports.revert = [this](const fs::path& image, const model::Version& version) {
    return revert(image, version);
  };
  ports.probe = [this](const fs::path& image) { return probe(image); };
  ports.restart = [this] { return restart(); };
  ports.interrupt = [this] { interrupted_ = true; };
  ports.say = [this](const std::string& line) { say(line); };
  ports.changed = [this] {
    if (uplink_) uplink_->wake();
  };
  return ports;
}

Outcome Agent::check(const Action& action) {
  interrupted_ = false;
  // The server speaks of devices by the names of their certificates.
  const auto term = identity_.term();
  if (!term) return Failure{model::failure_code::kIo, term.error().text(), Failure::Again::kNever};
  const WallTime now = clock_.wall();
  const Trust::Asked asked{term->device, action.job, action.release, action.word};
  if (Outcome failed = trust_.check(*downloads_, asked, now, engine_->clock_floor())) return failed;
  engine_->trusted_time(now);
  if (trust_.version_floor()) engine_->version_floor(*trust_.version_floor());
  return {};
}

Outcome Agent::check_back(const Action& action) {
  interrupted_ = false;
  const auto term = identity_.term();
  if (!term) return Failure{model::failure_code::kIo, term.error().text(), Failure::Again::kNever};
  const WallTime now = clock_.wall();
  const tuf::DirectedRollback expected{term->device, action.from, action.image.sha256, {}, {}};
  return trust_.check_back(*downloads_, expected, action.word, now, engine_->clock_floor());
}

http::Requester::Download Agent::download_limits() const {
  http::Requester::Download limits;
  limits.timeout = config_.limits.download;
  limits.min_bytes_per_second = config_.limits.min_bytes_per_second;
  return limits;
}

Result<void> Agent::go_on(MonoTime& told, std::uint64_t size, std::uint64_t length,
                          const Progress& progress) {
  const MonoTime now = clock_.mono();
  if (interrupted_) return fail(Errc::kUnavailable, "interrupted");
  if (now - told < kProgressEvery && size < length) return {};
  told = now;
  if (!progress(static_cast<int>(size * 100 / length)))
    return fail(Errc::kUnavailable, "not wanted");
  return {};
}

Outcome Agent::patch(const Action& action, const BaseFiles& base, PartialImage& into,
                     const Progress& progress) {
  interrupted_ = false;
  ::malloc_trim(0);  // what the check of the metadata left; the blocks to come are large
  MonoTime told{};
  const std::uint64_t length = action.release.length;
  const std::string folder = "/tuf/targets/";
  const std::string path = folder + Trust::path_of(action.release, action.patch);
  std::string base_path = trust_.path_of_base(action.patch);
  if (!base_path.empty()) base_path.insert(0, folder);
  const auto fetched =
      fetch_patch(*downloads_,
                  {action.release, action.patch, path, base, base_path, download_limits(),
                   [&] { return go_on(told, into.size(), length, progress); },
                   [this](const std::string& line) { say(line); }},
                  into);
  if (fetched) return {};
  const Error& error = fetched.error();
  if (error.code.category() != delta::category()) return download_failure(error);
  return Failure{std::string(delta::word_of(error.code)), printable(error.text(), 200),
                 Failure::Again::kNever};
}

Outcome Agent::download(const model::Release& release, PartialImage& into,
                        const Progress& progress) {
  interrupted_ = false;
  http::Requester::Download wanted = download_limits();
  wanted.offset = into.size();
  wanted.max_bytes = release.length;
  MonoTime told{};
  std::optional<Error> disk;
  const auto sink = [&](std::string_view chunk) -> Result<void> {
    if (auto written = into.append(chunk); !written) return written.error();
    return go_on(told, into.size(), release.length, progress);
  };
  const auto restart_file = [&] {
    if (auto emptied = into.truncate(); !emptied) disk = emptied.error();
  };
  const auto reply =
      downloads_->download("/tuf/targets/" + trust_.target_path(), wanted, sink, restart_file);
  if (disk) return download_failure(*disk);
  if (!reply) return download_failure(reply.error());
  if (reply->status == 416) return {};  // nothing is left to send: the check of the digest decides
  if (reply->status != 200 && reply->status != 206) {
    const bool passes = reply->status == 429 || reply->status >= 500;
    return Failure{model::failure_code::kDownload,
                   "the server answers " + std::to_string(reply->status),
                   passes ? Failure::Again::kLater : Failure::Again::kNever};
  }
  if (into.size() < release.length)
    return Failure{model::failure_code::kDownload, "the body ended early", Failure::Again::kLater};
  return {};
}

// One of the configured programs, to its end; none is a success.
Outcome Agent::run_configured(const CommandLine& command, seconds patience, const fs::path& image,
                              const model::Version& version, const char* failure_code) {
  if (command.empty()) return {};
  interrupted_ = false;
  const auto end =
      run_program(fill_in(command, image.string(), version.text()), patience, interrupted_);
  if (!end) return Failure{failure_code, end.error().text(), Failure::Again::kNever};
  if (end->status == 0) return {};
  return Failure{failure_code, "exit status " + std::to_string(end->status) + ": " + end->output,
                 Failure::Again::kNever};
}

Outcome Agent::install(const fs::path& image, const model::Release& release) {
  return run_configured(config_.installer.command, config_.installer.timeout, image,
                        release.version, model::failure_code::kInstallFailed);
}

Outcome Agent::revert(const fs::path& image, const model::Version& version) {
  return run_configured(config_.installer.rollback, config_.installer.timeout, image, version,
                        model::failure_code::kRollbackFailed);
}

Outcome Agent::probe(const fs::path& image) {
  if (read_markers(image).unhealthy) {
    return Failure{model::failure_code::kHealthFailed, "the image's own check fails",
                   Failure::Again::kNever};
  }
  return run_configured(config_.health_check.command, config_.health_check.timeout, image,
                        engine_->facts().running.version, model::failure_code::kHealthFailed);
}

Outcome Agent::restart() {
  // The reports are durable; where the server is there, it hears of the restart before it happens.
  const MonoTime deadline = clock_.mono() + kLastReports;
  while (engine_->has_reports() && clock_.mono() < deadline) {
    if (pause(milliseconds{20})) break;
  }
  if (config_.installer.restart.empty()) return {};
  const auto end = run_program(config_.installer.restart, config_.installer.timeout, interrupted_);
  if (!end)
    return Failure{model::failure_code::kRestartFailed, end.error().text(), Failure::Again::kNever};
  if (end->status != 0)
    return Failure{model::failure_code::kRestartFailed, end->output, Failure::Again::kNever};
  pause(kRebootPatience);
  return {};
}

bool Agent::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_->wait_for(lock, time, [this] { return stopped_; });
}

bool Agent::enrol() {
  Backoff backoff(milliseconds{500}, milliseconds{15000}, runtime_.seed());
  while (!join_code_.empty()) {
    const auto joined = identity_.join(config_.server, join_code_, config_.device_id, kAgentName);
    if (joined || joined.error().code == Errc::kDenied || joined.error().code == Errc::kInvalid) {
      join_code_.clear();
      identity_.discard_code();
    }
    if (joined) {
      if (*joined != config_.device_id)
        say("enrolled as " + *joined + ", configured as " + config_.device_id);
      say("enrolled as " + *joined);
    } else {
      const milliseconds wait = std::max<milliseconds>(backoff.next(), identity_.told_to_wait());
      say("not enrolled: " + joined.error().text() +
          (join_code_.empty() ? "" : "; again in " + format_age(wait)));
      if (!join_code_.empty() && pause(wait)) return false;
    }
  }
  if (!identity_.enrolled()) return false;
  if (auto safe = identity_.check_key(); !safe) {
    say(safe.error().text());
    return false;
  }
  return true;
}

void Agent::work() {
  bool enrolled = false;
  guarded("enrolment", [&] { enrolled = enrol(); });
  if (!enrolled) {
    failed_ = true;
    return wake_main();
  }
  {
    const http::ClientOptions options = identity_.client_options(config_.server, kAgentName);
    auto sensors =
        std::make_shared<Sensors>(config_.profile, config_.seed, engine_->running_image(), clock_);
    UplinkOptions up;
    up.server = config_.server;
    up.agent = kAgentName;
    up.hardware = config_.hardware;
    up.boot = random_boot(runtime_);
    const model::BootId boot = up.boot;
    up.interval = config_.interval;
    up.buffered_samples = config_.limits.buffered_samples;
    up.sensors = [sensors] { return sensors->read(); };
    up.say = [this](const std::string& line) { say(line); };
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    downloads_ = runtime_.connect(options);
    uplink_ = std::make_unique<Uplink>(std::move(up), *engine_, identity_, clock_, runtime_);
    poller_ = std::make_unique<Poller>(
        options, boot, *engine_, *uplink_, clock_, [this](const std::string& line) { say(line); },
        runtime_);
  }
  start("uplink", [this] { uplink_->run(); });
  if (config_.takes_updates) start("poll", [this] { poller_->run(); });
  guarded("update", [this] { engine_->run(); });
  wake_main();
}

void Agent::guarded(const char* name, const std::function<void()>& body) {
  while (true) {
    try {
      return body();
    } catch (const std::exception& error) {
      say(std::string(name) + ": a defect, it begins anew: " + printable(error.what(), 200));
    }
    if (pause(kAfterDefect)) return;
  }
}

void Agent::start(const char* name, std::function<void()> body) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  ++running_;
  threads_.push_back(runtime_.start([this, name, body = std::move(body)] {
    guarded(name, body);
    const std::lock_guard ended(mutex_);
    --running_;
    changed_->notify_all();
  }));
}

void Agent::wake_main() {
  {
    const std::lock_guard lock(mutex_);
    work_over_ = true;
    changed_->notify_all();
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

bool Agent::stop_all() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return !hangs_;
    changed_->notify_all();
    if (downloads_) downloads_->close();
    if (uplink_) uplink_->stop();
    if (poller_) poller_->stop();
  }
  if (engine_) engine_->stop();
  std::unique_lock lock(mutex_);
  // Who hangs does so in a first contact or in an fsync; nothing half done is on disk at any
  // instant.
  hangs_ = !changed_->wait_for(lock, kStopPatience, [this] { return running_ == 0; });
  if (hangs_) return false;
  lock.unlock();
  threads_.clear();  // waits for their ends
  return true;
}

std::string Agent::status_document() const {
  const DeviceFacts facts = engine_->facts();
  const std::lock_guard lock(mutex_);
  Json out{{"device_id", config_.device_id},
           {"server", config_.server},
           {"connected", uplink_ && uplink_->connected()},
           {"profile", config_.profile},
           {"version", facts.confirmed.version},
           {"running", facts.running},
           {"slot", std::string(letter(facts.slot))},
           {"updating", engine_->busy()},
           {"buffered_samples", uplink_ ? uplink_->buffered() : 0}};
  if (const auto off = uplink_ ? uplink_->clock_off() : std::nullopt)
    out["clock_off_s"] = off->count();
  if (!facts.fallback.empty()) out["fallback"] = facts.fallback;
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

Ending Agent::run() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&signals, number);
  const FileDescriptor ends(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));

  std::optional<StatusPage> page;
  std::string where = " without a status page";
  if (config_.status_port != 0) {
    auto opened = StatusPage::open(config_.status_port, [this] { return status_document(); });
    if (opened) {
      where = " on port " + std::to_string(opened->port());
      page.emplace(std::move(*opened));
    } else {
      say("no status page: " + opened.error().text());
    }
  }
  runtime_.print("Client " + config_.device_id + " started" + where);
  begin();

  std::array<pollfd, 3> wait{
      {{ends.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {page ? page->fd() : -1, POLLIN, 0}}};
  while (true) {
    if (::poll(wait.data(), wait.size(), -1) < 0) continue;
    if (wait[2].revents != 0) page->serve();
    if (wait[0].revents != 0 || wait[1].revents != 0) break;
  }
  const Ending ending = finish();
  // A restart that is due as well comes with the next start.
  return wait[0].revents != 0 ? Ending::kStopped : ending;
}

void Agent::begin() {
  if (!config_.installer.can_go_back())
    say("installer.rollback is not set: only the boot loader can give an image back");
  start("work", [this] { work(); });
}

void Agent::work_is_over() {
  std::unique_lock lock(mutex_);
  changed_->wait(lock, [this] { return work_over_; });
}

Ending Agent::finish() {
  stop_all();
  if (failed_) return Ending::kFailed;
  return engine_->restart_due() ? Ending::kRestart : Ending::kStopped;
}

}  // namespace ota::agent

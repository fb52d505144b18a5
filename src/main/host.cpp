#include "main/host.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "api/service.h"
#include "base/clock_jump.h"
#include "base/file.h"
#include "base/host_port.h"
#include "config/config.h"
#include "config/edit_report.h"
#include "config/folder.h"
#include "fleet/fleet.h"
#include "fleet/memory_file.h"
#include "fleet/operator_book.h"
#include "fleet/stored_state.h"
#include "http/server.h"
#include "main/agent_desk.h"
#include "main/ddi_listener.h"
#include "main/demonstration.h"
#include "main/firmware_desk.h"
#include "main/first_run.h"
#include "main/log_keeper.h"
#include "main/operator_asks.h"
#include "main/rate_meter.h"
#include "main/trust_desk.h"
#include "model/event_kind.h"
#include "pki/authority.h"
#include "store/store.h"
#include "supervisor/supervisor.h"

namespace ota::main {
namespace fs = std::filesystem;
using Phase = fleet::ServerStatus::Phase;

namespace {

constexpr milliseconds kTick{250};
constexpr milliseconds kRetry{5000};  // between attempts to start what failed
constexpr std::chrono::hours kCertificateLook{1};
constexpr milliseconds kDrain{3500};  // of the 5 s that a shutdown may take

Error first_problem(const std::vector<config::Problem>& problems) {
  std::string text = problems.front().text();
  if (problems.size() > 1) text += " (and " + std::to_string(problems.size() - 1) + " more)";
  return fail(Errc::kInvalid, text);
}

}  // namespace

struct Host::Impl {
  Impl(HostOptions o, const Clock& c) : options(std::move(o)), clock(c), clock_jump(c), rates(c) {}

  const HostOptions options;
  const Clock& clock;

  // -- what other threads see, under `mutex` --
  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  bool hurry = false;
  fleet::ServerStatus status;
  std::optional<Result<std::uint16_t>> outcome;  // of the first attempt to serve
  std::function<void()> listener;
  HostParts parts;
  std::shared_ptr<TrustDesk> trust;
  std::shared_ptr<const model::Settings> edited;  // taken by the next tick

  OperatorAsks asks;

  // -- the host thread's own --
  std::thread thread;
  std::shared_ptr<const model::Settings> settings;
  std::unique_ptr<FirmwareDesk> firmware;
  std::unique_ptr<AgentDesk> agents;  // none: others run them
  std::string own_url;                // at which this host reaches the server
  bool saved = true;                  // at the last tick
  bool port_failed = false;           // the last attempt to start failed at console.json's port

  std::optional<pki::Authority> authority;
  std::unique_ptr<fleet::OperatorBook> operators;  // before what admits by it
  std::unique_ptr<api::Service> api;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<DdiListener> ddi;             // none: not configured
  std::optional<config::Folder> config_folder;  // none: the watcher has it
  std::unique_ptr<config::Watcher> watcher;
  config::Look told;               // of the configuration; the watcher's, while there is one
  std::unique_ptr<LogKeeper> log;  // of events
  std::unique_ptr<fleet::MemoryFile> detectors;
  ClockJump clock_jump;
  std::atomic<bool> reopen{false};  // the state was replaced by an import
  RateMeter rates;
  MonoTime certificate_looked_at{};

  void run();
  Result<void> open();
  Result<void> open_fleet();
  Result<void> check_config() const;  // an error where nothing right was ever in force
  std::vector<fleet::ConfigProblem> shown(const std::vector<config::Problem>& problems) const;
  Result<void> serve();
  http::ServerHooks common_hooks();
  std::vector<api::ListenerStats> listener_stats() const;
  void run_agents();
  void tick();
  void follow_jump(milliseconds jump);
  void close();

  api::Ports ports();
  void look_at_firmware();
  tuf::PublishedReleases::Take releases_taker();
  void update_rates();
  void renew_certificate();
  void take_edited_settings();
  void start_asked_demonstration();
  void settings_changed(const std::shared_ptr<const model::Settings>& now,
                        const std::vector<config::Problem>& problems);
  void record(model::Severity severity, std::string kind, std::string message);
  std::function<void(model::Severity, std::string, std::string)> recorder() {
    return [this](model::Severity severity, std::string kind, std::string message) {
      record(severity, std::move(kind), std::move(message));
    };
  }

  bool wait(milliseconds span);  // false: stop
  void set_status(const std::function<void(fleet::ServerStatus&)>& change);
  void notify();
  void answer(Result<std::uint16_t> result);
};

void Host::Impl::run() {
  bool go_on = true;
  while (go_on) {
    const auto opened = open();
    if (opened) {
      answer(server->port());
      while (!reopen.exchange(false) && (go_on = wait(kTick)))
        tick();
      if (go_on) close();
      continue;
    }
    close();
    set_status([&](fleet::ServerStatus& s) {
      s.phase = Phase::kDown;
      s.problem = opened.error().text();
      s.retry_at = clock.wall() + kRetry;
      s.port_failed = port_failed;
    });
    answer(opened.error());
    go_on = wait(kRetry);
  }
  set_status([](fleet::ServerStatus& s) { s.phase = Phase::kDraining; });
  close();
  set_status([](fleet::ServerStatus& s) { s.phase = Phase::kDown; });
}

Result<void> Host::Impl::open() {
  port_failed = false;
  set_status([](fleet::ServerStatus& s) {
    s = {};
    s.phase = Phase::kStarting;
  });
  if (auto made = prepare_root(options.root); !made) return made.error();
  if (auto opened = open_fleet(); !opened) return opened.error();
  auto repository = prepare_firmware(options.root, settings->whitelist, clock);
  if (!repository) return repository.error().within("open firmware/");
  if (auto published = publish_samples(options.root, settings->whitelist, **repository);
      !published) {
    record(model::Severity::kError, model::event_kind::kFirmwareSampleFailed,
           published.error().text() + "; the next start tries it again");
  }
  firmware =
      std::make_unique<FirmwareDesk>(std::move(*repository), options.root, clock, recorder());
  {
    const std::lock_guard lock(mutex);
    trust = std::make_shared<TrustDesk>(
        options.root, clock,
        [fleet = parts.fleet](model::Event event) { fleet->record(std::move(event)); });
  }
  look_at_firmware();
  if (auto served = serve(); !served) return served.error();
  run_agents();
  // What the start itself made is signed before anyone is told that it has started.
  if (parts.store->flush()) log->sign();
  return {};
}

// The records of a large fleet are read beside its whitelist: each takes a good part of a start.
// A configuration that is known to be wrong opens nothing; one that was in force before, and has
// been damaged since, stays in force.
Result<void> Host::Impl::open_fleet() {
  if (!config_folder) {
    config_folder.emplace(options.root,
                          settings ? settings : std::make_shared<const model::Settings>());
    config_folder->refresh_all_but_whitelist();
  } else {  // the last attempt found it wrong
    config_folder->refresh();
  }
  if (auto right = check_config(); !right) return right;
  const std::string url = config_folder->in_force()->console.store_url;
  auto opened = store::open_store(url, options.root.string(), clock);
  if (!opened) return opened.error();
  const std::shared_ptr<store::Store> store = std::move(*opened);
  auto reading =
      std::async(std::launch::async | std::launch::deferred,  // where the system gives no thread
                 [&store]() -> Result<fleet::StoredState> { return fleet::read_state(*store); });
  config_folder->refresh();
  if (auto right = check_config(); !right) return right;
  if (config_folder->in_force()->console.store_url != url) {
    return fail(Errc::kConflict, "console.json: store.url was edited while it was opened");
  }
  settings = config_folder->in_force();
  // A screen may hold the fleet a moment longer than we do: then it holds the store too.
  // And the strand on which it decides.
  const auto strand = std::make_shared<ThreadExecutor>();
  const std::shared_ptr<fleet::Fleet> fleet(new fleet::Fleet(*store, clock, *strand, settings),
                                            [store, strand](fleet::Fleet* gone) { delete gone; });
  auto stored = reading.get();
  const auto loaded = stored ? fleet->load(std::move(*stored)) : stored.error();
  if (!loaded) return loaded.error().within("load the state");
  fleet->set_config_problems(shown(config_folder->problems()));
  const std::lock_guard lock(mutex);
  parts.store = store;
  parts.fleet = fleet;
  return {};
}

api::Ports Host::Impl::ports() {
  api::Ports out{
      .fleet = *parts.fleet,
      .store = *parts.store,
      .authority = *authority,
      .clock = clock,
      .firmware = options.root / "firmware",
      .server_status =
          [this] {
            const std::lock_guard lock(mutex);
            return status;
          },
      .server_stats = [this] { return listener_stats(); },
      .agents = {},
      .order_agent = {},
      .tuf_root = [this] { return firmware->root(); },
      .state_replaced = [this] { reopen = true; },
      .state = options.root / "state",
      .direct = [this](const std::string& device,
                       const fleet::Command& command) { return trust->word(device, command); },
      .tuf_roles = [this] { return firmware->roles(); },
      .operators = [this] { return operators->list(); },
      .revoke_operator =
          [this](const std::string& name, const std::string& actor,
                 std::function<void(Result<void>)> done) {
            operators->revoke(name, actor, std::move(done));
          },
      .behind = [this] { return firmware->behind(); },
      .catch_up = [this] { firmware->catch_up(releases_taker()); }};
  if (parts.supervisor == nullptr) return out;
  out.agents = [supervisor = parts.supervisor] { return supervisor->status(); };
  out.order_agent = [supervisor = parts.supervisor](const std::string& agent,
                                                    api::AgentOrder order) {
    return AgentDesk::order(*supervisor, agent, order);
  };
  return out;
}

std::vector<api::ListenerStats> Host::Impl::listener_stats() const {
  std::vector<api::ListenerStats> out{{"api", server->stats()}};
  if (ddi) out.push_back({"ddi", ddi->stats()});
  return out;
}

http::ServerHooks Host::Impl::common_hooks() {
  http::ServerHooks hooks;
  hooks.admit_operator = [this](const std::string& name, const std::string& serial) {
    return operators->admit(name, serial);
  };
  hooks.handshake_refused = [this](const std::string& address, const std::string& reason) {
    model::Event event;
    event.severity = model::Severity::kWarning;
    event.kind = model::event_kind::kAuthFail;
    event.source = address;
    event.message = "TLS handshake refused: " + reason;
    parts.fleet->record(std::move(event));
  };
  hooks.crowded = [this](const std::string& address, const std::string& what) {
    model::Event event;
    event.severity = model::Severity::kWarning;
    event.kind = model::event_kind::kServerCrowded;
    event.source = address;
    event.message = "Connections are refused: " + what;
    parts.fleet->record(std::move(event));
  };
  return hooks;
}

Result<void> Host::Impl::serve() {
  const model::ConsoleSettings& console = settings->console;
  std::vector<std::string> names = console.extra_names;
  names.push_back(reachable_here(console.listen_address));
  if (console.ddi.on) names.push_back(reachable_here(console.ddi.listen_address));
  auto opened = pki::Authority::open_or_create(options.root / "state", names, clock);
  if (!opened) return opened.error().within("open state/pki");
  authority.emplace(std::move(*opened));
  for (const std::string& note : authority->notes())
    record(model::Severity::kWarning, model::event_kind::kPkiNote, note);
  operators = std::make_unique<fleet::OperatorBook>(
      *parts.store, *authority, clock,
      [fleet = parts.fleet](model::Event event) { fleet->record(std::move(event)); });
  if (auto admitted = operators->open(); !admitted) return admitted.error().within("operators");
  if (options.run_agents) {
    agents = std::make_unique<AgentDesk>(
        AgentDesk::Place{options.root, options.agent_program, options.seed}, *parts.fleet, clock,
        recorder(), [this] { notify(); });
    const std::lock_guard lock(mutex);
    parts.supervisor = agents->supervisor();
  }
  detectors = std::make_unique<fleet::MemoryFile>(options.root, *parts.fleet, clock, recorder());
  detectors->open();
  auto keeper = LogKeeper::make(
      options.root, *parts.store, *authority, clock,
      [fleet = parts.fleet](model::Event event) { fleet->record(std::move(event)); });
  if (!keeper) return keeper.error();
  log = std::move(*keeper);
  log->open(authority->created() ? LogKeeper::Origin::kFirstRun : LogKeeper::Origin::kStored);
  api = std::make_unique<api::Service>(ports());
  http::ServerOptions server_options;
  server_options.address = console.listen_address;
  server_options.port = asks.port_for(console.port);
  server_options.threads = console.threads;
  server_options.limits = console.limits;
  http::ServerHooks hooks = common_hooks();
  hooks.admit_device = [fleet = parts.fleet](const std::string& name, const std::string& serial) {
    return fleet->admit(name, serial);
  };
  hooks.admit_ended = [fleet = parts.fleet](const std::string& name, const std::string& serial,
                                            const std::string& address) {
    return fleet->admit_ended(name, serial, address);
  };
  server = std::make_unique<http::Server>(server_options, authority->server_identity(),
                                          api->router(), std::move(hooks));
  ddi = DdiListener::make(console, *parts.fleet, *authority, options.root / "firmware", clock,
                          common_hooks());
  parts.fleet->set_hooks(
      {.wake_device = [this](const std::string& device) { api->wake_device(device); },
       .cut_off_device =
           [this](const std::string& device) {
             server->disconnect(device);
             if (ddi) ddi->disconnect(device);
           },
       .new_events = [this] { notify(); }});
  if (auto started = server->start(); !started) {
    port_failed = true;
    return started.error();
  }
  own_url = "https://" + host_and_port(reachable_here(console.listen_address), server->port());
  if (ddi) {
    if (auto started = ddi->start(); !started) return started;
  }
  if (authority->created()) {
    record(model::Severity::kNotice, model::event_kind::kPkiCreated,
           "certificate authority made; fingerprint " + authority->fingerprint());
  }
  set_status([&](fleet::ServerStatus& s) {
    s.phase = Phase::kUp;
    s.listen = host_and_port(console.listen_address, server->port());
    if (ddi) s.ddi_listen = host_and_port(console.ddi.listen_address, ddi->port());
    s.started = clock.wall();
    s.ca_fingerprint = authority->fingerprint();
  });
  if (options.mark != nullptr) options.mark->set_url(own_url);
  std::string up = "serving on " + host_and_port(console.listen_address, server->port());
  if (server_options.port != console.port) {
    up += " for this run; console.json has port " + std::to_string(console.port) +
          ", which devices elsewhere call";
  }
  record(model::Severity::kInfo, model::event_kind::kServerUp, std::move(up));
  told = {config_folder->in_force(), config_folder->problems()};
  watcher = std::make_unique<config::Watcher>(
      std::move(*config_folder),
      [this](const std::shared_ptr<const model::Settings>& now,
             const std::vector<config::Problem>& problems) { settings_changed(now, problems); });
  config_folder.reset();
  return {};
}

void Host::Impl::run_agents() {
  if (agents) agents->run(*settings, authority->fingerprint(), own_url);
}

void Host::Impl::start_asked_demonstration() {
  const auto done = asks.take_demonstration();
  if (!done) return;
  if (!agents) return done(fail(Errc::kUnavailable, "this console runs no agents"));
  done(ota::main::start_demonstration(options.root, *firmware));
}

void Host::Impl::tick() {
  start_asked_demonstration();
  take_edited_settings();
  // A join code is state too: without a disk to save it, an agent waits.
  const bool was_saved = std::exchange(saved, parts.store->health().writable);
  if (saved && !was_saved && agents && agents->waits()) run_agents();
  parts.fleet->tick();
  api->tick();
  look_at_firmware();
  update_rates();
  renew_certificate();
  log->tick({settings->console.events_kept, settings->console.most_events});
  detectors->save_part();
  if (const auto jump = clock_jump.look()) follow_jump(*jump);
  notify();
}

// What is shown as a span goes on as it was.
void Host::Impl::follow_jump(milliseconds jump) {
  record(model::Severity::kWarning, model::event_kind::kClockJump,
         "this host's clock jumped " + format_age(std::chrono::abs(jump)) +
             (jump > milliseconds(0) ? " ahead" : " back") +
             "; readings count again once the devices' times agree with it");
  set_status([&](fleet::ServerStatus& s) { s.started += jump; });
  if (parts.supervisor != nullptr) parts.supervisor->clock_moved(jump);
}

void Host::Impl::look_at_firmware() {
  if (!firmware->due()) return;
  if (trust->look()) notify();
  firmware->look(releases_taker());
}

tuf::PublishedReleases::Take Host::Impl::releases_taker() {
  return [this](std::vector<model::Release> releases) {
    parts.fleet->set_releases(std::move(releases));
    notify();
  };
}

void Host::Impl::update_rates() {
  if (!rates.due()) return;
  http::ServerStats all;
  for (const api::ListenerStats& one : listener_stats())
    all += one.stats;
  set_status([&](fleet::ServerStatus& s) { rates.measure(all, s); });
}

// A server that runs for a year must not show a certificate that has ended.
void Host::Impl::renew_certificate() {
  if (clock.mono() - certificate_looked_at < kCertificateLook) return;
  certificate_looked_at = clock.mono();
  const auto say = [this](const Error& error) {
    record(model::Severity::kError, model::event_kind::kPkiRenewalFailed,
           "the server's certificate is not renewed: " + error.text() +
               "; it is tried again in an hour");
  };
  const auto renewed = authority->renew_server();
  if (!renewed) return say(renewed.error());
  if (!*renewed) return;
  const pki::ServerIdentity fresh = authority->server_identity();
  if (auto shown = server->set_identity(fresh); !shown) return say(shown.error());
  if (ddi) {
    if (auto shown = ddi->set_identity(fresh); !shown) return say(shown.error());
  }
  record(model::Severity::kInfo, model::event_kind::kPkiRenewed,
         "the server shows a new certificate");
}

std::vector<fleet::ConfigProblem> Host::Impl::shown(
    const std::vector<config::Problem>& problems) const {
  std::vector<fleet::ConfigProblem> out;
  out.reserve(problems.size());
  for (const config::Problem& problem : problems)
    out.push_back({problem.file, problem.text(), clock.wall()});
  return out;
}

Result<void> Host::Impl::check_config() const {
  const auto problems = config_folder->problems();
  if (settings == nullptr && !problems.empty()) return first_problem(problems);
  return {};
}

// On the watcher's thread.
void Host::Impl::settings_changed(const std::shared_ptr<const model::Settings>& now,
                                  const std::vector<config::Problem>& problems) {
  parts.fleet->apply_settings(now);
  server->apply_limits(now->console.limits);
  if (ddi) ddi->apply(now->console);
  parts.fleet->set_config_problems(shown(problems));
  const config::Look before = std::exchange(told, {now, problems});
  for (config::EditLine& line : config::describe_edit(before, told)) {
    const bool refused = line.kind == config::EditLine::Kind::kRefused;
    record(refused ? model::Severity::kError : model::Severity::kInfo,
           refused ? model::event_kind::kConfigBad : model::event_kind::kConfigApplied,
           std::move(line.text));
  }
  {
    const std::lock_guard lock(mutex);
    edited = now;
  }
  notify();
}

// What only this thread may change: the local agents. What only a start can change is said.
void Host::Impl::take_edited_settings() {
  std::shared_ptr<const model::Settings> now;
  {
    const std::lock_guard lock(mutex);
    now = std::exchange(edited, nullptr);
  }
  if (now == nullptr) return;
  const model::ConsoleSettings before = std::exchange(settings, now)->console;
  const model::ConsoleSettings& after = now->console;
  if (config::takes_a_start(before, after)) {
    record(model::Severity::kNotice, model::event_kind::kConfigRestartNeeded,
           "console.json: listen, server, store and ddi.listen take effect at the next start");
  }
  if (agents && (before.agents != after.agents || agents->waits())) run_agents();
}

void Host::Impl::record(model::Severity severity, std::string kind, std::string message) {
  model::Event event;
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = "server";
  event.message = std::move(message);
  parts.fleet->record(std::move(event));
}

// The order: nothing new is asked for (agents stop, parked polls are answered, connections drain);
// the hooks are taken off, which waits for calls of them that run; what was asked for is decided,
// stored and answered; then the log's head is signed. Only then goes what those calls and answers
// use: listeners, routes, fleet, store.
void Host::Impl::close() {
  if (const auto asked = asks.take_demonstration())
    asked(fail(Errc::kUnavailable, "the server ended"));
  watcher.reset();
  if (options.mark != nullptr) options.mark->set_url({});
  std::thread agents_end;
  if (parts.supervisor != nullptr)
    agents_end = std::thread([this] { parts.supervisor->stop_all(); });
  if (api != nullptr) api->close();
  if (ddi != nullptr) ddi->drain(kDrain / 4);
  if (server != nullptr) server->drain(kDrain);
  if (agents_end.joinable()) agents_end.join();
  if (parts.fleet != nullptr) {
    parts.fleet->set_hooks({});
    parts.fleet->drain();
  }
  if (parts.store != nullptr) {
    parts.fleet->save_last_seen();
    // A store that cannot write has said so already; nothing acknowledged is in what is lost here.
    const auto flushed = parts.store->flush();
    static_cast<void>(flushed);
    if (log != nullptr) log->sign_last();
    if (detectors != nullptr) detectors->save_last();
  }
  server.reset();  // first: its routes tell what the other one counts
  ddi.reset();
  api.reset();
  operators.reset();
  log.reset();
  detectors.reset();
  HostParts gone;
  {
    const std::lock_guard lock(mutex);
    std::swap(gone, parts);
    trust.reset();
  }
  agents.reset();
  gone.supervisor.reset();
  gone.fleet.reset();
  gone.store.reset();
  firmware.reset();
  authority.reset();
}

bool Host::Impl::wait(milliseconds span) {
  std::unique_lock lock(mutex);
  wake.wait_for(lock, span, [this] { return stopping || hurry; });
  hurry = false;
  return !stopping;
}

void Host::Impl::set_status(const std::function<void(fleet::ServerStatus&)>& change) {
  {
    const std::lock_guard lock(mutex);
    change(status);
  }
  notify();
}

void Host::Impl::notify() {
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex);
    tell = listener;
  }
  if (tell) tell();
}

void Host::Impl::answer(Result<std::uint16_t> result) {
  {
    const std::lock_guard lock(mutex);
    if (!outcome) outcome = std::move(result);
  }
  wake.notify_all();
}

Host::Host(HostOptions options, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), clock)) {}

Host::~Host() {
  stop();
}

void Host::start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void Host::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Host::retry_now() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->hurry = true;
  }
  impl_->wake.notify_all();
}

void Host::retry_on_port(std::uint16_t port) {
  impl_->asks.listen_on(port);
  retry_now();
}

void Host::start_demonstration(std::function<void(const Result<void>&)> done) {
  if (status().phase != Phase::kUp) return done(fail(Errc::kUnavailable, "the server is not up"));
  if (!impl_->asks.demonstration(done)) {
    done(fail(Errc::kUnavailable, "it was asked for a moment ago"));
  }
}

fleet::ServerStatus Host::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

std::shared_ptr<const console::TrustPage> Host::trust() const {
  std::shared_ptr<TrustDesk> desk;
  {
    const std::lock_guard lock(impl_->mutex);
    desk = impl_->trust;
  }
  return desk ? desk->page() : std::make_shared<const console::TrustPage>();
}

HostParts Host::parts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->parts;
}

void Host::on_change(std::function<void()> called) {
  const std::lock_guard lock(impl_->mutex);
  impl_->listener = std::move(called);
}

Result<std::uint16_t> Host::wait_ready(milliseconds patience) {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->wake.wait_for(lock, patience,
                            [this] { return impl_->outcome.has_value() || impl_->stopping; })) {
    return fail(Errc::kTimeout, "the server did not come up");
  }
  if (!impl_->outcome) return fail(Errc::kUnavailable, "stopped");
  return *impl_->outcome;
}

}  // namespace ota::main

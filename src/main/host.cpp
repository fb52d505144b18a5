#include "main/host.h"

#include <chrono>
#include <future>
#include <utility>

#include "fleet/stored_state.h"
#include "main/first_run.h"
#include "main/host_impl.h"
#include "model/event_kind.h"

namespace ota::main {
using Phase = model::ServerStatus::Phase;

namespace {

constexpr milliseconds kTick{250};
constexpr milliseconds kRetry{5000};  // between attempts to start what failed
constexpr milliseconds kDrain{3500};  // of the 5 s that a shutdown may take

Error first_problem(const std::vector<config::Problem>& problems) {
  std::string text = problems.front().text();
  if (problems.size() > 1) text += " (and " + std::to_string(problems.size() - 1) + " more)";
  return fail(Errc::kInvalid, text);
}

}  // namespace

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
    set_status([&](model::ServerStatus& s) {
      s.phase = Phase::kDown;
      s.problem = opened.error().text();
      s.retry_at = clock.wall() + kRetry;
      s.port_failed = port_failed;
    });
    answer(opened.error());
    go_on = wait(kRetry);
  }
  set_status([](model::ServerStatus& s) { s.phase = Phase::kDraining; });
  close();
  set_status([](model::ServerStatus& s) { s.phase = Phase::kDown; });
}

Result<void> Host::Impl::open() {
  port_failed = false;
  set_status([](model::ServerStatus& s) {
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
      std::make_unique<FirmwareWatcher>(std::move(*repository), options.root, clock, recorder());
  {
    const std::lock_guard lock(mutex);
    trust = std::make_shared<TrustMonitor>(
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

Result<void> Host::Impl::check_config() const {
  const auto problems = config_folder->problems();
  if (settings == nullptr && !problems.empty()) return first_problem(problems);
  return {};
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

void Host::Impl::set_status(const std::function<void(model::ServerStatus&)>& change) {
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

model::ServerStatus Host::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

std::shared_ptr<const tuf::TrustPage> Host::trust() const {
  std::shared_ptr<TrustMonitor> trust;
  {
    const std::lock_guard lock(impl_->mutex);
    trust = impl_->trust;
  }
  return trust ? trust->page() : std::make_shared<const tuf::TrustPage>();
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

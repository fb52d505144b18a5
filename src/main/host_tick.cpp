// What comes round four times a second, and what follows an edit of the configuration.
#include <utility>

#include "main/demonstration.h"
#include "main/host_impl.h"
#include "model/event_kind.h"

namespace ota::main {

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
  set_status([&](model::ServerStatus& s) { s.started += jump; });
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
  set_status([&](model::ServerStatus& s) { rates.measure(all, s); });
}

std::vector<fleet::ConfigProblem> Host::Impl::shown(
    const std::vector<config::Problem>& problems) const {
  std::vector<fleet::ConfigProblem> out;
  out.reserve(problems.size());
  for (const config::Problem& problem : problems)
    out.push_back({problem.file, problem.text(), clock.wall()});
  return out;
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

}  // namespace ota::main

// What listens: the API's server, DDI's, and what both ask of the fleet.
#include <utility>

#include "base/host_port.h"
#include "main/host_impl.h"
#include "model/event_kind.h"

namespace ota::main {
using Phase = model::ServerStatus::Phase;

namespace {

constexpr std::chrono::hours kCertificateLook{1};

}  // namespace

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
                       const fleet::Command& command) { return trust->directive(device, command); },
      .tuf_roles = [this] { return firmware->roles(); },
      .operators = [this] { return operators->list(); },
      .revoke_operator =
          [this](const std::string& name, const std::string& actor,
                 std::function<void(Result<void>)> done) {
            operators->revoke(name, actor, std::move(done));
          },
      .behind = [this] { return firmware->behind(); },
      .catch_up = [this] { firmware->catch_up(releases_taker()); },
      .worker = nullptr};
  if (parts.supervisor == nullptr) return out;
  out.agents = [supervisor = parts.supervisor] { return supervisor->status(); };
  out.order_agent = [supervisor = parts.supervisor](const std::string& agent,
                                                    api::AgentOrder order) {
    return LocalAgents::order(*supervisor, agent, order);
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

Result<void> Host::Impl::open_identities() {
  const model::ConsoleSettings& console = settings->console;
  std::vector<std::string> names = console.extra_names;
  names.push_back(reachable_here(console.listen_address));
  if (console.ddi.on) names.push_back(reachable_here(console.ddi.listen_address));
  auto opened = pki::Authority::open_or_create(options.root / "state", names, clock);
  if (!opened) return opened.error().within("open state/pki");
  authority.emplace(std::move(*opened));
  for (const std::string& note : authority->notes())
    record(model::Severity::kWarning, model::event_kind::kPkiNote, note);
  operators = std::make_unique<fleet::OperatorRegistry>(
      *parts.store, *authority, clock,
      [fleet = parts.fleet](model::Event event) { fleet->record(std::move(event)); });
  if (auto admitted = operators->open(); !admitted) return admitted.error().within("operators");
  return {};
}

Result<void> Host::Impl::open_helpers() {
  if (options.run_agents) {
    agents = std::make_unique<LocalAgents>(
        LocalAgents::Place{options.root, options.agent_program, options.seed}, *parts.fleet, clock,
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
  return {};
}

Result<void> Host::Impl::serve() {
  if (auto opened = open_identities(); !opened) return opened;
  if (auto opened = open_helpers(); !opened) return opened;
  const model::ConsoleSettings& console = settings->console;
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
  announce(server_options.port);
  told = {config_folder->in_force(), config_folder->problems()};
  watcher = std::make_unique<config::Watcher>(
      std::move(*config_folder),
      [this](const std::shared_ptr<const model::Settings>& now,
             const std::vector<config::Problem>& problems) { settings_changed(now, problems); });
  config_folder.reset();
  return {};
}

// That it serves, and where; `asked_port` is another one than console.json's for this run alone.
void Host::Impl::announce(std::uint16_t asked_port) {
  const model::ConsoleSettings& console = settings->console;
  if (authority->created()) {
    record(model::Severity::kNotice, model::event_kind::kPkiCreated,
           "certificate authority made; fingerprint " + authority->fingerprint());
  }
  set_status([&](model::ServerStatus& s) {
    s.phase = Phase::kUp;
    s.listen = host_and_port(console.listen_address, server->port());
    if (ddi) s.ddi_listen = host_and_port(console.ddi.listen_address, ddi->port());
    s.started = clock.wall();
    s.ca_fingerprint = authority->fingerprint();
  });
  if (options.mark != nullptr) options.mark->set_url(own_url);
  std::string up = "serving on " + host_and_port(console.listen_address, server->port());
  if (asked_port != console.port) {
    up += " for this run; console.json has port " + std::to_string(console.port) +
          ", which devices elsewhere call";
  }
  record(model::Severity::kInfo, model::event_kind::kServerUp, std::move(up));
}

void Host::Impl::run_agents() {
  if (agents) agents->run(*settings, authority->fingerprint(), own_url);
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

}  // namespace ota::main

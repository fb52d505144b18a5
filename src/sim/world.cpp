#include "sim/world.h"

#include <poll.h>

#include <algorithm>
#include <csignal>

#include "base/file.h"
#include "config/config.h"
#include "sim/lab.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

constexpr milliseconds kReady{15000};
constexpr milliseconds kJoin{15000};
constexpr milliseconds kOtactl{60000};
constexpr milliseconds kStop{6000};  // the console promises 5 s
constexpr milliseconds kLook{20};
constexpr std::size_t kMaxLog = 16U << 20;

void pause() {
  poll(nullptr, 0, static_cast<int>(kLook.count()));
}

// `over` on top of the shipped file, member by member.
Result<void> merge_file(const fs::path& file, const Json& over) {
  const auto text = read_file(file, config::kMaxFileBytes);
  if (!text) return text.error();
  auto document = parse_json(*text);
  if (!document) return document.error();
  document->merge_patch(over);
  return write_file_durably(file, document->dump(2) + "\n");
}

}  // namespace

World::World(WorldOptions options, const Scenario& scenario, const Clock& clock)
    : options_(std::move(options)),
      scenario_(scenario),
      clock_(clock),
      clocks_(options_.programs, options_.root) {}

bool World::has_step(std::string_view kind) const {
  return std::any_of(scenario_.steps.begin(), scenario_.steps.end(),
                     [&](const Step& step) { return step.kind == kind; });
}

bool World::moves_clocks() const {
  return std::any_of(scenario_.steps.begin(), scenario_.steps.end(), [](const Step& step) {
    return step.kind == "move-clock" || step.keys.contains("each_s");
  });
}

World::~World() = default;

Result<void> World::open_lab(const std::string& installer) {
  auto lab = Lab::open({.root = root() / "lab",
                        .agent_program = options_.programs / "ota-agent",
                        .installation = options_.installation,
                        .installer = installer},
                       clock_);
  if (!lab) return lab.error();
  lab_ = std::move(*lab);
  return {};
}

const ScenarioDevice* World::find(const std::string& id) const {
  for (const ScenarioDevice& device : scenario_.devices) {
    if (device.id == id) return &device;
  }
  return nullptr;
}

std::vector<std::string> World::agents_of(const std::string& what) const {
  if (what != "agents") return {what};
  std::vector<std::string> out;
  for (const ScenarioDevice& device : scenario_.devices) {
    if (!device.supervised && device.whitelisted) out.push_back(device.id);
  }
  return out;
}

fs::path World::agent_folder(const std::string& id) const {
  return root() / "agents" / id;
}

fs::path World::log_file(const std::string& what) const {
  return root() / "logs" / (what + ".log");
}

std::string World::log_of(const std::string& what) const {
  auto text = read_file(log_file(what), kMaxLog);
  return text ? std::move(*text) : std::string();
}

Proxy* World::wire(const std::string& id) {
  const auto found = wires_.find(id);
  return found == wires_.end() ? nullptr : found->second.get();
}

Process* World::child(const std::string& what) {
  const auto found = children_.find(what);
  return found == children_.end() ? nullptr : &found->second;
}

bool World::running(const std::string& what) {
  Process* process = child(what);
  return process != nullptr && process->running();
}

pid_t World::pid_of(const std::string& what) {
  return running(what) ? child(what)->pid() : -1;
}

Result<void> World::prepare() {
  for (const char* folder : {"config", "logs", "agents", "images"}) {
    if (auto made = make_directories(root() / folder); !made) return made.error();
  }
  if (has_step("fill-disk")) {
    if (auto made = make_directories(root() / "state", 0700); !made) return made.error();
    disk_ = std::make_unique<SmallDisk>(root() / "state");
    if (!disk_->made()) disk_.reset();
  }
  for (const ScenarioDevice& device : scenario_.devices) {
    auto wire = Proxy::open();
    if (!wire) return wire.error();
    wires_[device.id] = std::move(*wire);
    if (auto written = write_agent(device); !written) return written.error();
  }
  return write_config();
}

Result<void> World::write_config() {
  if (auto written = config::write_defaults(root()); !written) return written.error();
  Json devices = Json::array();
  Json agents = Json::array();
  for (const ScenarioDevice& device : scenario_.devices) {
    if (device.whitelisted) {
      devices.push_back({{"id", device.id},
                         {"hardware", device.hardware},
                         {"group", "scenario"},
                         {"notes", device.profile}});
    }
    if (device.supervised) agents.push_back({{"id", device.id}, {"dir", "agents/" + device.id}});
  }
  Json console{{"listen", {{"address", "127.0.0.1"}, {"port", 0}}}, {"agents", agents}};
  console.merge_patch(scenario_.console);
  const fs::path config = root() / "config";
  if (auto done = merge_file(config / "console.json", console); !done) return done.error();
  if (auto done = merge_file(config / "devices.json", {{"devices", devices}}); !done) {
    return done.error();
  }
  // Verdicts in a second or two, so that a scenario takes seconds.
  Json thresholds{{"raise_after_s", 1}, {"clear_after_s", 1}, {"stale_after_s", 5}};
  thresholds.merge_patch(scenario_.thresholds);
  if (auto done = merge_file(config / "thresholds.json", thresholds); !done) return done.error();
  return merge_file(config / "ota_settings.json", scenario_.ota_settings);
}

Result<void> World::write_agent(const ScenarioDevice& device) {
  const fs::path folder = agent_folder(device.id);
  if (auto made = make_directories(folder); !made) return made.error();
  Json document{{"device_id", device.id},
                {"server", "https://127.0.0.1:" + std::to_string(wires_.at(device.id)->port())},
                {"hardware", device.hardware},
                {"status_port", 0},
                {"profile", device.profile},
                {"seed", device.seed},
                {"interval_ms", device.interval_ms},
                {"dir", "."}};
  document.merge_patch(device.agent);
  return write_file_durably(folder / "config.json", document.dump(2) + "\n");
}

Result<std::uint16_t> World::wait_ready(std::size_t from) {
  constexpr std::string_view kWord = "ready https://";
  const MonoTime until = clock_.mono() + kReady;
  while (clock_.mono() < until) {
    const std::string log = log_of("console");
    const std::size_t at = log.find(kWord, std::min(from, log.size()));
    const std::size_t end = log.find('\n', at);
    if (at != std::string::npos && end != std::string::npos) {
      const std::string where = log.substr(at + kWord.size(), end - at - kWord.size());
      const auto port = std::strtoul(where.c_str() + where.rfind(':') + 1, nullptr, 10);
      if (port == 0 || port > 65535)
        return fail(Errc::kInvalid, "the console says: ready " + where);
      return static_cast<std::uint16_t>(port);
    }
    if (!running("console")) {
      return fail(Errc::kUnavailable, "the console ended before it was ready");
    }
    pause();
  }
  return fail(Errc::kTimeout, "the console is not ready after 15 s");
}

Result<void> World::start_console() {
  if (running("console")) return fail(Errc::kConflict, "the console runs already");
  const std::size_t from = log_of("console").size();
  auto started = launch("console", "ota-console", {"--headless", "--root", root().string()});
  if (!started) return started;
  const auto port = wait_ready(from);
  if (!port) return port.error();
  server_ = "https://127.0.0.1:" + std::to_string(*port);
  api_ = cli::open_api(root().string(), server_);
  for (auto& [id, wire] : wires_)
    wire->set_target(*port);
  if (published_) return {};
  published_ = true;
  for (const ScenarioRelease& release : scenario_.releases) {
    if (auto done = publish(release); !done) return done.error();
  }
  return {};
}

Result<void> World::publish(const ScenarioRelease& release) {
  const std::string version = release.release.version.text();
  const fs::path image = root() / "images" / ("firmware-" + version + ".img");
  if (auto written = write_file_durably(image, image_of(release)); !written) {
    return written.error();
  }
  std::vector<std::string> words{"firmware",
                                 "add",
                                 image.string(),
                                 "--version",
                                 version,
                                 "--class",
                                 std::string(to_text(release.release.release_class))};
  // What is padded so that its download lasts is to come as it is.
  if (!release.patched) words.emplace_back("--no-patches");
  for (const std::string& model : release.release.hardware) {
    words.emplace_back("--hardware");
    words.push_back(model);
  }
  const auto said = otactl(words);
  if (!said) return said.error();
  if (said->status != 0) return fail(Errc::kConflict, "otactl firmware add: " + said->output);
  // The console looks about once a second.
  const MonoTime until = clock_.mono() + scenario_.patience;
  while (clock_.mono() < until) {
    if (const auto firmware = get("/v1/firmware")) {
      for (const Json& entry : cli::list_at(*firmware, "releases")) {
        if (cli::text_at(entry, "version") == version) return {};
      }
    }
    pause();
  }
  return fail(Errc::kTimeout, "the console does not see v" + version);
}

Result<World::Said> World::otactl(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--root", root().string()});
  if (!server_.empty()) arguments.insert(arguments.end(), {"--server", server_});
  auto ended = run_to_end({.program = options_.programs / "otactl",
                           .arguments = std::move(arguments),
                           .log = log_file("otactl"),
                           .folder = {}},
                          kOtactl);
  if (!ended) return ended.error();
  return Said{ended->status, std::move(ended->output)};
}

Result<void> World::join(const std::string& id, const std::string& code) {
  const ScenarioDevice* device = find(id);
  Proxy* through = wire(id);
  if (device == nullptr || through == nullptr) return fail(Errc::kNotFound, "no device " + id);
  auto joined = run_to_end(
      {.program = options_.programs / "ota-agent",
       .arguments = {"join", "--server", "https://127.0.0.1:" + std::to_string(through->port()),
                     "--code", code, "--dir", agent_folder(id).string()},
       .log = log_file("join-" + id),
       .folder = {}},
      kJoin);
  if (!joined) return joined.error();
  if (joined->status != 0) return fail(Errc::kDenied, "ota-agent join: " + joined->output);
  joined_[id] = true;
  return {};
}

Result<void> World::start_agent(const std::string& id) {
  const ScenarioDevice* device = find(id);
  if (device == nullptr) return fail(Errc::kNotFound, "no device " + id);
  if (running(id)) return fail(Errc::kConflict, id + " runs already");
  if (device->enrolled && !joined_[id]) {
    const auto enrolment = post("/v1/enrolments", {{"device", id}, {"ttl_s", 600}});
    if (!enrolment) return enrolment.error();
    if (auto joined = join(id, cli::text_at(*enrolment, "code")); !joined) return joined.error();
  }
  return launch(id, "ota-agent", {"run", "--config", (agent_folder(id) / "config.json").string()});
}

Result<void> World::launch(const std::string& what, const std::string& program,
                           std::vector<std::string> arguments) {
  ProcessSpec spec{.program = options_.programs / program,
                   .arguments = std::move(arguments),
                   .log = log_file(what),
                   .folder = {}};
  if (moves_clocks()) {
    auto environment = clocks_.environment_of(what);
    if (!environment) return environment.error();
    spec.environment = std::move(*environment);
  }
  auto started = Process::start(spec);
  if (!started) return started.error();
  children_.insert_or_assign(what, std::move(*started));
  return {};
}

Result<void> World::signal(const std::string& what, int number) {
  if (Process* process = child(what); process != nullptr) {
    if (!process->running()) return fail(Errc::kConflict, what + " does not run");
    process->signal(number);
    if (number == SIGKILL) process->wait(kStop);
    return {};
  }
  const auto agents = get("/v1/agents");
  if (!agents) return agents.error();
  for (const Json& agent : cli::list_at(*agents, "agents")) {
    const auto pid = static_cast<pid_t>(cli::count_at(agent, "pid"));
    if (cli::text_at(agent, "id") != what || pid <= 1) continue;
    if (kill(pid, number) != 0) return fail_errno(errno, "signal " + what);
    return {};
  }
  return fail(Errc::kNotFound, what + " does not run");
}

Result<void> World::stop(const std::string& what) {
  Process* process = child(what);
  if (process == nullptr || !process->running()) {
    return fail(Errc::kConflict, what + " does not run");
  }
  process->signal(SIGTERM);
  if (!process->wait(kStop)) return fail(Errc::kTimeout, what + " does not end after SIGTERM");
  return {};
}

Result<Json> World::get(const std::string& path) {
  if (!api_) return fail(Errc::kUnavailable, "the console was not started");
  return api_->get(path, milliseconds(5000));
}

Result<Json> World::post(const std::string& path, const Json& body) {
  if (!api_) return fail(Errc::kUnavailable, "the console was not started");
  return api_->post(path, body, milliseconds(60000));
}

Result<Json> World::device(const std::string& id) {
  return get("/v1/devices/" + cli::url_escape(id));
}

Result<std::vector<Json>> World::events() {
  std::vector<Json> out;
  std::uint64_t after = 0;
  constexpr std::size_t kPage = 1000;
  while (true) {
    const auto page = get("/v1/events?limit=1000&after=" + std::to_string(after));
    if (!page) return page.error();
    const Json& events = cli::list_at(*page, "events");
    out.insert(out.end(), events.begin(), events.end());
    if (events.size() < kPage) return out;
    after = cli::count_at(events.back(), "seq");
  }
}

}  // namespace ota::sim

#include "sim/virtual_fleet.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <ostream>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "sim/fleet_loop.h"
#include "sim/provision.h"
#include "sim/world.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

// This program and the console each hold all connections, and some files beside.
constexpr std::uint64_t kOtherFiles = 200;

// How many connections each device may have; kLimit where there are too few open files for one.
Result<std::uint32_t> connections_of(const FleetOptions& options) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto fits = [&](std::uint64_t connections) {
    return options.devices * connections + kOtherFiles <= limit.rlim_cur;
  };
  const std::uint32_t wanted = options.connections == 0 ? 2 : options.connections;
  if (fits(wanted)) return wanted;
  if (options.connections == 0 && fits(1)) return 1U;
  return fail(Errc::kLimit,
              std::to_string(options.devices) + " devices with " + std::to_string(wanted) +
                  (wanted == 1 ? " connection each need " : " connections each need ") +
                  std::to_string(options.devices * std::uint64_t{wanted} + kOtherFiles) +
                  " open files in one process, and this system allows " +
                  std::to_string(limit.rlim_cur) +
                  " (ulimit -Hn): raise it (nofile in /etc/security/limits.conf, LimitNOFILE= of a "
                  "systemd unit), take --connections 1, or fewer devices");
}

// User and system time of a process so far, in seconds; proc(5).
double cpu_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream after(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string word;
  for (int field = 3; field < 14; ++field)
    after >> word;
  double user = 0;
  double system = 0;
  after >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double rss_mib_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

Scenario scenario_of(const FleetOptions& options) {
  Scenario scenario;
  scenario.name = "fleet";
  const double stale = std::max(10.0, 5 / options.rate);
  scenario.thresholds = Json{{"stale_after_s", stale}};
  scenario.console = Json{{"server", {{"threads", options.server_threads}}},
                          {"limits",
                           {{"connections", 1000000},
                            {"device_events_per_hour", 0},
                            {"device_kib_per_hour", 0},
                            {"requests_per_second_per_device", 1000}}}};
  return scenario;
}

double since(MonoTime start, MonoTime end) {
  return std::chrono::duration<double>(end - start).count();
}

float quantile(std::vector<float>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

class FleetRun {
 public:
  FleetRun(const FleetOptions& options, const Clock& clock, World& world, FleetReport& report,
           std::ostream& out)
      : options_(options), clock_(clock), world_(world), report_(report), out_(out) {}

  Result<void> run() {
    if (auto prepared = world_.prepare(); !prepared) return prepared.error();
    auto provisioned = provision(world_.root(), options_.devices, clock_);
    if (!provisioned) return provisioned.error();
    out_ << "provisioned " << options_.devices << " devices" << std::endl;
    if (auto started = world_.start_console(); !started) return started.error();
    const std::string server = world_.server();
    LoopOptions loop_options;
    loop_options.port = static_cast<std::uint16_t>(
        std::strtoul(server.c_str() + server.rfind(':') + 1, nullptr, 10));
    loop_options.rate = options_.rate;
    loop_options.profile = options_.profile;
    loop_options.seed = options_.run.seed + 1;
    loop_options.connections = report_.connections;
    FleetLoop loop(loop_options, *provisioned, clock_);
    if (auto opened = loop.open(*provisioned); !opened) return opened.error();
    connect(loop);
    steady(loop);
    storm(loop);
    return push(loop, *provisioned);
  }

 private:
  void connect(FleetLoop& loop) {
    const MonoTime start = clock_.mono();
    const auto patience = seconds(30 + options_.devices / 50);
    loop.turn(start + patience, [&] { return loop.connected() == options_.devices; });
    report_.connected = loop.connected();
    report_.connect_s = since(start, clock_.mono());
    out_ << report_.connected << " connected after " << format_number(report_.connect_s, 1) << " s"
         << std::endl;
    // Until every device has a verdict. With one connection they send their first samples at once.
    const double warm = report_.connections == 1 ? 5 : 8 / options_.rate + 2;
    loop.turn(clock_.mono() + milliseconds(static_cast<std::int64_t>(warm * 1000)));
  }

  void steady(FleetLoop& loop) {
    const pid_t server = world_.pid_of("console");
    loop.take_tally();
    const double server_before = cpu_of(server);
    const double own_before = cpu_of(getpid());
    const MonoTime start = clock_.mono();
    loop.turn(start + options_.duration);
    const double took = since(start, clock_.mono());
    Tally tally = loop.take_tally();
    report_.samples_per_s = static_cast<double>(tally.samples) / took;
    report_.wanted_per_s = options_.rate * options_.devices;
    report_.p50_ms = quantile(tally.latency_ms, 0.5);
    report_.p99_ms = quantile(tally.latency_ms, 0.99);
    report_.refused = tally.refused;
    report_.reconnects = tally.lost;
    report_.server_cpu_percent = 100 * (cpu_of(server) - server_before) / took;
    report_.own_cpu_percent = 100 * (cpu_of(getpid()) - own_before) / took;
    report_.server_rss_mib = rss_mib_of(server);
    // A poll ends up to a quarter of a second after its time, and a lone connection's sample waits.
    const double enough = report_.connections == 1 ? 0.75 : 0.97;
    if (report_.samples_per_s < enough * report_.wanted_per_s) {
      report_.limit = report_.own_cpu_percent > 90 ? "this program has used up its core"
                      : report_.server_cpu_percent > 90.0 * options_.server_threads
                          ? "the server has used up its threads"
                          : "neither program: look at the host";
    }
  }

  // The network comes back after a cut: all reconnect, spread as agents spread it.
  void storm(FleetLoop& loop) {
    constexpr std::int64_t kBackPerSecond = 500;
    loop.take_tally();
    const milliseconds spread(1000 + options_.devices * 1000 / kBackPerSecond);
    const MonoTime start = clock_.mono();
    report_.storm_cut = loop.cut_off(spread);
    loop.turn(start + spread + seconds(30 + options_.devices / 50),
              [&] { return loop.connected() == options_.devices; });
    report_.storm_s = since(start, clock_.mono());
    report_.storm_back = loop.connected();
    Tally tally = loop.take_tally();
    report_.storm_p99_ms = quantile(tally.latency_ms, 0.99);
    report_.storm_resumed = tally.resumed;
    report_.storm_retries = tally.lost;
    out_ << report_.storm_cut << " cut off, all " << report_.storm_back << " back after "
         << format_number(report_.storm_s, 1) << " s" << std::endl;
  }

  // One request of the operator to all, while the devices go on.
  Result<void> push(FleetLoop& loop, const Provisioned& provisioned) {
    const MonoTime start = clock_.mono();
    std::atomic<bool> answered{false};
    Result<Json> answer = fail(Errc::kTimeout, "push");
    std::thread operator_thread([&] {
      answer = world_.post("/v1/push", {{"devices", provisioned.ids}, {"version", "2.1.5"}});
      answered = true;
    });
    const MonoTime until = start + seconds(60);
    loop.turn(until, [&] { return answered.load(); });
    operator_thread.join();
    if (!answer) return answer.error();
    for (const Json& result : cli::list_at(*answer, "results"))
      report_.pushed += cli::text_at(result, "job").empty() ? 0U : 1U;
    loop.turn(until, [&] { return loop.commands().size() >= report_.pushed; });
    report_.commanded = static_cast<std::uint32_t>(loop.commands().size());
    if (!loop.commands().empty()) {
      report_.fan_out_first_ms = 1000 * since(start, loop.commands().front());
      report_.fan_out_last_ms = 1000 * since(start, loop.commands().back());
    }
    while (clock_.mono() < until + seconds(60) && report_.updated < report_.pushed) {
      loop.turn(clock_.mono() + milliseconds(500));
      report_.updated = updated();
      report_.update_s = since(start, clock_.mono());
    }
    return {};
  }

  std::uint32_t updated() {
    const auto status = world_.get("/v1/status");
    if (!status) return report_.updated;
    const Json& versions = cli::object_at(cli::object_at(*status, "counts"), "versions");
    return static_cast<std::uint32_t>(cli::count_at(versions, "2.1.5"));
  }

  const FleetOptions& options_;
  const Clock& clock_;
  World& world_;
  FleetReport& report_;
  std::ostream& out_;
};

}  // namespace

FleetReport run_fleet(const FleetOptions& options, const Clock& clock, std::ostream& out) {
  FleetReport report;
  report.devices = options.devices;
  const auto connections = connections_of(options);
  if (!connections) {
    report.failure = connections.error().context;
    return report;
  }
  report.connections = *connections;
  if (options.connections == 0 && *connections == 1) {
    out << "one connection for each device: two would take more open files than this system allows "
           "(ulimit -Hn)"
        << std::endl;
  }
  const auto root = make_scratch(options.run.scratch);
  if (!root) {
    report.failure = root.error().text();
    return report;
  }
  const Scenario scenario = scenario_of(options);
  {
    World world({options.run.programs, *root}, scenario, clock);
    FleetRun run(options, clock, world, report, out);
    if (const auto done = run.run(); !done) report.failure = done.error().text();
  }
  if (options.run.keep == Keep::kYes) {
    out << "kept: " << root->string() << '\n';
  } else {
    std::error_code ignored;
    fs::remove_all(*root, ignored);
  }
  return report;
}

std::string fleet_text(const FleetReport& report) {
  const auto number = [](double value) { return format_number(value, 1); };
  std::string out = "devices            " + std::to_string(report.connected) + " of " +
                    std::to_string(report.devices) + " connected (" +
                    (report.connections == 1 ? "one connection" : "two connections") +
                    " each) in " + number(report.connect_s) + " s\n";
  out += "telemetry          " + number(report.samples_per_s) + " of " +
         number(report.wanted_per_s) + " samples/s, p50 " + number(report.p50_ms) + " ms, p99 " +
         number(report.p99_ms) + " ms\n";
  out += "trouble            " + std::to_string(report.refused) + " refused, " +
         std::to_string(report.reconnects) + " connections lost\n";
  out += "reconnect storm    " + std::to_string(report.storm_cut) + " cut off, " +
         std::to_string(report.storm_back) + " of " + std::to_string(report.devices) +
         " there after " + number(report.storm_s) + " s, " + std::to_string(report.storm_resumed) +
         " with their TLS session, " + std::to_string(report.storm_retries) +
         " retries; telemetry p99 meanwhile " + number(report.storm_p99_ms) + " ms\n";
  out += "push               " + std::to_string(report.pushed) + " allowed, " +
         std::to_string(report.commanded) + " commanded: first after " +
         number(report.fan_out_first_ms) + " ms, last after " + number(report.fan_out_last_ms) +
         " ms\n";
  out += "updated            " + std::to_string(report.updated) + " after " +
         number(report.update_s) + " s\n";
  out += "server             " + number(report.server_rss_mib) + " MiB, " +
         number(report.server_cpu_percent) + " % of a core; this program " +
         number(report.own_cpu_percent) + " %\n";
  if (!report.limit.empty()) out += "limit              " + report.limit + "\n";
  if (!report.failure.empty()) out += "FAIL fleet: " + report.failure + "\n";
  return out;
}

Json fleet_json(const FleetReport& report) {
  return Json{{"devices", report.devices},
              {"connected", report.connected},
              {"connect_s", report.connect_s},
              {"samples_per_s", report.samples_per_s},
              {"wanted_per_s", report.wanted_per_s},
              {"p50_ms", report.p50_ms},
              {"p99_ms", report.p99_ms},
              {"refused", report.refused},
              {"reconnects", report.reconnects},
              {"connections", report.connections},
              {"storm_cut", report.storm_cut},
              {"storm_back", report.storm_back},
              {"storm_s", report.storm_s},
              {"storm_p99_ms", report.storm_p99_ms},
              {"storm_resumed", report.storm_resumed},
              {"storm_retries", report.storm_retries},
              {"pushed", report.pushed},
              {"commanded", report.commanded},
              {"fan_out_first_ms", report.fan_out_first_ms},
              {"fan_out_last_ms", report.fan_out_last_ms},
              {"updated", report.updated},
              {"update_s", report.update_s},
              {"server_rss_mib", report.server_rss_mib},
              {"server_cpu_percent", report.server_cpu_percent},
              {"own_cpu_percent", report.own_cpu_percent},
              {"limit", report.limit},
              {"failure", report.failure}};
}

}  // namespace ota::sim

// Ten thousand devices on one console, and one agent.
#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "sim/scenario.h"
#include "sim/virtual_fleet.h"
#include "sim/world.h"
#include "tests/bench/bench.h"

namespace ota::bench {

// What `ota-sim fleet --devices 10000 --rate 0.05 --connections 1` does.
Lines fleet_row(Bench& bench) {
  pin_self(kAnyCore);
  sim::FleetOptions options;
  options.devices = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      10'000, bench.descriptors - std::min<std::uint64_t>(bench.descriptors, 300)));
  options.rate = 0.05;
  options.connections = 1;
  options.run.programs = bench.programs;
  options.run.scratch = bench.folder;
  std::ostringstream progress;
  const sim::FleetReport report = sim::run_fleet(options, bench.clock, progress);
  if (!report.failure.empty()) throw std::runtime_error(report.failure);
  const std::string devices = std::to_string(report.devices);
  Lines lines;
  lines.push_back({devices + " devices, each with its long poll",
                   std::to_string(report.connected) + " connected in " +
                       fixed(report.connect_s, 1) + " s; " + fixed(report.server_rss_mib, 0) +
                       " MiB; " + fixed(report.samples_per_s, 0) + " samples/s at " +
                       fixed(report.server_cpu_percent, 0) + " % of a core, p99 " +
                       fixed(report.p99_ms, 1) + " ms",
                   "", "", "all", met_if(report.connected == report.devices)});
  lines.push_back({"reconnect storm: " + std::to_string(report.storm_cut) + " cut off at once",
                   "all " + std::to_string(report.storm_back) + " back after " +
                       fixed(report.storm_s, 1) + " s, " + std::to_string(report.storm_resumed) +
                       " with their TLS session, " + std::to_string(report.storm_retries) +
                       " retries; telemetry p99 meanwhile " + fixed(report.storm_p99_ms, 0) + " ms",
                   "", "", "none lost", met_if(report.storm_back == report.devices)});
  lines.push_back({"one push to all, decided, stored and handed out",
                   std::to_string(report.pushed) + " allowed, " + std::to_string(report.commanded) +
                       " had it: the first after " + fixed(report.fan_out_first_ms, 0) +
                       " ms, the last after " + fixed(report.fan_out_last_ms, 0) + " ms; " +
                       std::to_string(report.updated) + " updated after " +
                       fixed(report.update_s, 1) + " s",
                   "", "", "all", met_if(report.commanded == report.pushed)});
  return lines;
}

// A simulated device at one sample a second.
Lines agent_row(Bench& bench) {
  pin_self(kAnyCore);
  sim::Scenario scenario;
  sim::ScenarioDevice device;
  device.id = "iot-001";
  device.interval_ms = 1000;
  scenario.devices.push_back(device);
  const std::filesystem::path root = bench.folder / "agent";
  std::filesystem::create_directories(root);
  sim::World world({bench.programs, root}, scenario, bench.clock);
  const auto must = [](const Result<void>& done) {
    if (!done) throw std::runtime_error(done.error().text());
  };
  must(world.prepare());
  must(world.start_console());
  must(world.start_agent("iot-001"));
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const pid_t agent = world.pid_of("iot-001");
  const double before = cpu_of(agent);
  constexpr int kSeconds = 20;
  std::this_thread::sleep_for(std::chrono::seconds(kSeconds));
  const double percent = (cpu_of(agent) - before) / kSeconds * 100;
  const double mib = rss_kib(agent) / 1024;
  return {{"agent at one sample a second",
           fixed(mib, 1) + " MiB, " + fixed(percent, 2) + " % of a core", "", "", "16 MiB, 0.10 %",
           met_if(mib <= 16 && percent <= 0.1)}};
}

}  // namespace ota::bench

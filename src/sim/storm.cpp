#include "sim/storm.h"

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <ostream>
#include <random>

#include "base/text.h"
#include "model/job.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"
#include "sim/world.h"

namespace ota::sim {
namespace {

constexpr const char* kDevice = "iot-001";
constexpr milliseconds kPatience{40000};

Scenario storm_scenario() {
  Scenario scenario;
  scenario.name = "storm";
  ScenarioDevice device;
  device.id = kDevice;
  device.interval_ms = 100;
  scenario.devices.push_back(device);
  scenario.thresholds = Json{{"stale_after_s", 3}, {"min_samples", 2}};
  scenario.ota_settings = Json{{"watch_period_s", 1}};
  scenario.patience = kPatience;
  return scenario;
}

class Storm {
 public:
  Storm(const StormOptions& options, World& world, StormReport& report)
      : options_(options), world_(world), report_(report), random_(options.run.seed) {}

  Result<void> begin() {
    if (auto prepared = world_.prepare(); !prepared) return prepared.error();
    if (auto started = world_.start_console(); !started) return started.error();
    if (auto started = world_.start_agent(kDevice); !started) return started.error();
    return stable();
  }

  Result<void> round(std::uint32_t number) {
    ScenarioRelease release;
    release.release.version = model::Version(3, 0, number + 1);
    release.release.hardware = {"sim-a"};
    if (auto published = world_.publish(release); !published) return published.error();
    const auto job = push(release.release.version);
    if (!job) return job.error();
    const auto events = world_.events();
    if (!events) return events.error();
    const Json last = events->empty() ? Json() : events->back();
    // A whole update takes a second or so: the kill falls anywhere in it, or just after.
    const auto moment = std::uniform_int_distribution<int>(0, 900)(random_);
    poll(nullptr, 0, moment);
    if (const auto state = state_of(*job); !model::is_final(state)) ++report_.mid_job;
    if (auto killed = kill_and_restart(); !killed) return killed.error();
    return check(*job, last, release.release.version);
  }

 private:
  // A device that has just started has no verdict yet, so the gate may refuse at first.
  Result<std::string> push(const model::Version& version) {
    std::string job;
    const auto allowed = wait_until(world_, kPatience, [&]() -> std::optional<std::string> {
      const auto answer =
          world_.post("/v1/push", {{"devices", {kDevice}}, {"version", version.text()}});
      if (!answer) return answer.error().text();
      job = cli::text_at(cli::list_at(*answer, "results").front(), "job");
      return job.empty() ? std::optional("push: " + answer->dump()) : std::nullopt;
    });
    if (!allowed) return allowed.error();
    return job;
  }

  model::JobState state_of(const std::string& job) {
    const auto answer = world_.get("/v1/jobs/" + job);
    if (!answer) return model::JobState::kQueued;
    return model::parse_job_state(cli::text_at(*answer, "state"))
        .value_or(model::JobState::kQueued);
  }

  Result<void> kill_and_restart() {
    const std::string what = options_.victim == Victim::kServer ? "console" : kDevice;
    if (auto killed = world_.signal(what, SIGKILL); !killed) return killed.error();
    if (options_.victim == Victim::kServer) return world_.start_console();
    // Dead: what is on its disk is what it would boot from.
    if (auto whole = check_slots(world_, kDevice); !whole) return whole.error();
    return world_.start_agent(kDevice);
  }

  Result<void> check(const std::string& job, const Json& last, const model::Version& version) {
    if (!last.is_null()) {
      const auto again =
          world_.get("/v1/events?limit=1&after=" + std::to_string(cli::count_at(last, "seq") - 1));
      if (!again) return again.error();
      const Json& events = cli::list_at(*again, "events");
      if (events.empty() || events.front() != last) {
        return fail(Errc::kConflict, "an acknowledged event is lost: " + last.dump());
      }
    }
    const auto ended = wait_until(world_, kPatience, [&]() -> std::optional<std::string> {
      const auto answer = world_.get("/v1/jobs/" + job);
      if (!answer) return job + ": " + answer.error().text();
      const auto state = model::parse_job_state(cli::text_at(*answer, "state"));
      if (state && model::is_final(*state)) return std::nullopt;
      return job + " does not end: " + answer->dump();
    });
    if (!ended) return ended.error();
    if (auto chain = run_audit(world_, Json::object()); !chain) return chain.error();
    return check_outcome(job, version);
  }

  // Succeeded and confirmed are the same fact.
  Result<void> check_outcome(const std::string& job, const model::Version& version) {
    const bool succeeded = state_of(job) == model::JobState::kSucceeded;
    ++(succeeded ? report_.succeeded : report_.otherwise);
    if (auto well = stable(); !well) return well.error();
    const auto device = world_.device(kDevice);
    if (!device) return device.error();
    const bool confirmed = field_of(*device, "version") == version.text();
    if (succeeded != confirmed) {
      return fail(Errc::kConflict, job + (succeeded ? " succeeded" : " did not succeed") +
                                       ", but the device confirmed " +
                                       field_of(*device, "version"));
    }
    return check_slots(world_, kDevice);
  }

  Result<void> stable() {
    return wait_until(world_, kPatience, [&]() -> std::optional<std::string> {
      const auto device = world_.device(kDevice);
      if (!device) return device.error().text();
      if (field_of(*device, "verdict") == "stable" && field_of(*device, "online") == "true" &&
          !field_of(*device, "version").empty()) {
        return std::nullopt;
      }
      return std::string(kDevice) + " is " + field_of(*device, "verdict");
    });
  }

  const StormOptions& options_;
  World& world_;
  StormReport& report_;
  std::mt19937_64 random_;
};

}  // namespace

StormReport run_storm(const StormOptions& options, const Clock& clock, std::ostream& out) {
  StormReport report;
  const MonoTime start = clock.mono();
  const auto root = make_scratch(options.run.scratch);
  if (!root) {
    report.failure = root.error().text();
    return report;
  }
  const Scenario scenario = storm_scenario();
  {
    World world({options.run.programs, *root}, scenario, clock);
    Storm storm(options, world, report);
    auto held = storm.begin();
    while (held && report.rounds < options.rounds) {
      held = storm.round(report.rounds);
      if (!held) break;
      ++report.rounds;
      if (report.rounds % 10 == 0) out << report.rounds << " rounds held" << std::endl;
    }
    if (!held) {
      report.failure = held.error().text();
      for (const char* what : {"console", kDevice}) {
        const auto lines = lines_of(world.log_of(what));
        out << "--- last lines of " << what << '\n';
        for (std::size_t i = lines.size() > 20 ? lines.size() - 20 : 0; i < lines.size(); ++i)
          out << "    " << printable(lines[i]) << '\n';
      }
    }
  }
  report.took_s = std::chrono::duration<double>(clock.mono() - start).count();
  if (options.run.keep == Keep::kYes) {
    out << "kept: " << root->string() << '\n';
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(*root, ignored);
  }
  return report;
}

std::string storm_line(const StormReport& report) {
  return std::string(report.failure.empty() ? "PASS" : "FAIL") + " storm (" +
         std::to_string(report.rounds) + " rounds held, " + std::to_string(report.mid_job) +
         " kills during a job, " + std::to_string(report.succeeded) + " jobs succeeded, " +
         std::to_string(report.otherwise) + " ended otherwise, " + format_number(report.took_s, 1) +
         " s)" + (report.failure.empty() ? "" : ": " + report.failure);
}

}  // namespace ota::sim

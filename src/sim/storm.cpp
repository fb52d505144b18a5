#include "sim/storm.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <random>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "model/job.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"
#include "sim/storm_states.h"
#include "sim/world.h"

namespace ota::sim {
namespace {

constexpr const char* kDevice = "iot-001";
constexpr milliseconds kPatience{40000};

constexpr std::uint64_t kImageBytes = 5U << 20;
constexpr std::uint64_t kBytesPerSecond = 10U << 20;
// A patch has a tenth of the image's bytes, in three blocks.
constexpr std::uint64_t kPatchBytesPerSecond = 1U << 20;

Scenario storm_scenario() {
  Scenario scenario;
  scenario.name = "storm";
  ScenarioDevice device;
  device.id = kDevice;
  device.interval_ms = 100;
  device.agent = Json{{"health_check", {{"command", {"/bin/sleep", "0.15"}}, {"timeout_s", 5}}},
                      {"limits", {{"restarts_per_hour", 1000}}}};
  scenario.devices.push_back(device);
  scenario.thresholds = Json{{"stale_after_s", 3}, {"min_samples", 2}};
  scenario.ota_settings = Json{{"watch_period_s", 1}};
  // A device with an update every two seconds.
  scenario.console = Json{{"limits", {{"device_events_per_hour", 0}, {"device_kib_per_hour", 0}}}};
  scenario.patience = kPatience;
  return scenario;
}

class Storm {
 public:
  Storm(const StormOptions& options, World& world, StormReport& report)
      : options_(options),
        world_(world),
        report_(report),
        states_(states_of(options.victim)),
        wanted_(options.states.empty() ? states_ : options.states),
        random_(options.run.seed) {
    for (const std::string& state : wanted_)
      report_.kills[state] = 0;
  }

  Result<void> begin() {
    if (auto prepared = world_.prepare(); !prepared) return prepared.error();
    if (auto started = world_.start_console(); !started) return started.error();
    if (auto started = world_.start_agent(kDevice); !started) return started.error();
    world_.wire(kDevice)->set_rate(kBytesPerSecond);
    if (auto well = stable(); !well) return well;
    if (std::ranges::none_of(wanted_, is_patch_state)) return {};
    // What the first patch is from.
    const auto version = release_of(0);
    if (auto published = publish(version, false); !published) return published;
    const auto job = push(version);
    if (!job) return job.error();
    return check(*job, last_, version);
  }

  Result<void> round(std::uint32_t number) {
    const model::Version version = release_of(number + 1);
    const std::string wanted = rarest();
    const bool patched = is_patch_state(wanted);
    if (auto published = publish(version, patched); !published) return published.error();
    world_.wire(kDevice)->set_rate(patched ? kPatchBytesPerSecond : kBytesPerSecond);
    const auto job = push(version);
    if (!job) return job.error();
    std::string killed_in = wait_for(wanted, *job, version);
    // What the server had told before the kill, as far as somebody had read it.
    const Json last = last_;
    if (auto killed = kill(); !killed) return killed.error();
    // An agent may have gone on between the look and the kill; its disk tells where it died.
    if (options_.victim == Victim::kAgent) killed_in = look(*job, version);
    ++report_.kills[killed_in];
    const std::size_t told = world_.log_of(kDevice).size();
    if (auto started = restart(); !started) return started.error();
    if (auto held = check(*job, last, version); !held) return held.error();
    if (is_patch_state(killed_in)) {
      if (auto resumed = check_patch(world_.log_of(kDevice).substr(told)); !resumed) return resumed;
    }
    if (auto read = read_log(); !read) return read.error();
    return forget_release(number);
  }

 private:
  static std::vector<std::string> states_of(Victim victim) {
    return victim == Victim::kServer ? server_states() : agent_states();
  }

  static model::Version release_of(std::uint32_t number) { return model::Version(3, 0, number); }

  Result<void> publish(const model::Version& version, bool patched) {
    ScenarioRelease release;
    release.release.version = version;
    release.release.hardware = {"sim-a"};
    release.pad_bytes = kImageBytes;
    release.mixed = true;
    release.patched = patched;
    return world_.publish(release);
  }

  // What the agent has said since it was started again.
  Result<void> check_patch(const std::string& said) {
    if (said.find("without the patch") != std::string::npos)
      return fail(Errc::kConflict, "the patch was given up: " + said);
    if (said.find("patch from ") == std::string::npos)
      return fail(Errc::kConflict, "the patch was not gone on with: " + said);
    ++report_.resumed;
    return {};
  }

  // A state with the fewest kills so far, any of them.
  std::string rarest() {
    std::vector<std::string> few;
    for (const std::string& state : wanted_) {
      const std::uint32_t kills = report_.kills[state];
      if (!few.empty() && kills > report_.kills[few.front()]) continue;
      if (!few.empty() && kills < report_.kills[few.front()]) few.clear();
      few.push_back(state);
    }
    return few[std::uniform_int_distribution<std::size_t>(0, few.size() - 1)(random_)];
  }

  // Until the victim is in that state or past it, and then for a part of that state's time; the
  // state in which it was seen last, kOver where the update had ended.
  std::string wait_for(const std::string& wanted, const std::string& job,
                       const model::Version& version) {
    const auto rank = [this](const std::string& state) {
      return std::ranges::find(states_, state) - states_.begin();
    };
    std::string seen = states_.front();
    // The answer to the push was the sight of the first state.
    const MonoTime until = world_.clock().mono() + kPatience;
    while (rank(seen) < rank(wanted) && world_.clock().mono() < until)
      seen = look(job, version);
    // Some states last for a moment and some for half a second.
    constexpr int kMostLonger = 300;
    if (seen != wanted || std::uniform_int_distribution<int>(0, 1)(random_) == 0) return seen;
    const MonoTime longer = world_.clock().mono() + milliseconds(std::uniform_int_distribution<int>(
                                                        0, kMostLonger)(random_));
    std::string now = seen;
    while (now == wanted && world_.clock().mono() < longer)
      now = look(job, version);
    return now;
  }

  std::string look(const std::string& job, const model::Version& version) {
    if (options_.victim == Victim::kAgent)
      return agent_state(world_.agent_folder(kDevice), version);
    const auto state = state_of(job);
    return model::is_final(state) ? kOver : std::string(model::to_text(state));
  }

  // The newest event; what comes before the next kill is compared with it afterwards.
  Result<void> read_log() {
    const std::uint64_t after = last_.is_null() ? 0 : cli::count_at(last_, "seq");
    const auto page = world_.get("/v1/events?limit=1000&after=" + std::to_string(after));
    if (!page) return page.error();
    const Json& events = cli::list_at(*page, "events");
    if (!events.empty()) last_ = events.back();
    return {};
  }

  // Neither the published images nor their sources pile up.
  Result<void> forget_release(std::uint32_t number) {
    if (number < 2) return {};
    const std::string version = model::Version(3, 0, number - 1).text();
    const auto said = world_.otactl({"firmware", "remove", version, "--yes"});
    if (!said) return said.error();
    if (said->status != 0) return fail(Errc::kConflict, "otactl firmware remove: " + said->output);
    std::error_code failed;
    std::filesystem::remove(world_.root() / "images" / ("firmware-" + version + ".img"), failed);
    if (failed) return fail(Errc::kIo, "remove an image: " + failed.message());
    return {};
  }

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

  Result<void> kill() {
    return world_.signal(options_.victim == Victim::kServer ? "console" : kDevice, SIGKILL);
  }

  Result<void> restart() {
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
  const std::vector<std::string> states_;  // in the order in which an update goes through them
  const std::vector<std::string> wanted_;
  std::mt19937_64 random_;
  Json last_;  // event that was read
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
    for (const auto& [state, kills] : report.kills) {
      const bool wanted = options.states.empty() ||
                          std::ranges::find(options.states, state) != options.states.end();
      if (held && wanted && state != kOver && kills < options.each)
        held = fail(Errc::kConflict, "too few kills: " + state + " " + std::to_string(kills));
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
  std::string kills;
  for (const auto& [state, count] : report.kills)
    kills += (kills.empty() ? "" : ", ") + state + " " + std::to_string(count);
  return std::string(report.failure.empty() ? "PASS" : "FAIL") + " storm (" +
         std::to_string(report.rounds) + " rounds held, " + std::to_string(report.succeeded) +
         " jobs succeeded, " + std::to_string(report.otherwise) + " ended otherwise, " +
         (report.resumed > 0 ? std::to_string(report.resumed) + " patches gone on with, " : "") +
         format_number(report.took_s, 1) + " s; kills by state: " + kills + ")" +
         (report.failure.empty() ? "" : ": " + report.failure);
}

}  // namespace ota::sim

#include "sim/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <ostream>

#include "sim/drill.h"
#include "sim/profile.h"
#include "sim/rollout_rounds.h"
#include "sim/runner.h"
#include "sim/scenario.h"
#include "sim/steps.h"
#include "sim/storm.h"
#include "sim/storm_states.h"
#include "sim/virtual_fleet.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> files;
  std::string programs;
  std::string scratch = "/tmp";
  std::uint64_t seed = 0;
  bool keep = false;
  bool json = false;
  bool trace = false;
  StormOptions storm;
  std::string victim = "server";
  FleetOptions fleet;
  std::string drills;
  std::string installation;
  std::uint32_t fleet_seconds = 20;
  RolloutRounds rollout;
  std::string fault = "none";
  std::string surroundings = "sometimes";
  std::string watch = "short";
  std::string record;
};

RunOptions run_options(const Options& options) {
  return {.programs = options.programs,
          .scratch = options.scratch,
          .keep = options.keep ? Keep::kYes : Keep::kNo,
          .trace = options.trace ? Trace::kYes : Trace::kNo,
          .seed = options.seed};
}

// All of them are read before the first one starts.
int run_files(const Options& options, const Surroundings& around) {
  std::vector<Scenario> scenarios;
  for (const std::string& file : options.files) {
    auto scenario = load_scenario(file);
    if (!scenario) {
      around.err << "ota-sim: " << scenario.error().text() << '\n';
      return 2;
    }
    scenarios.push_back(std::move(*scenario));
  }
  std::size_t failed = 0;
  for (const Scenario& scenario : scenarios) {
    if (!options.json) around.out << scenario.name << ": " << scenario.description << '\n';
    std::ostringstream silent;
    const RunReport report = run_scenario(scenario, run_options(options), around.clock,
                                          options.json ? silent : around.out);
    if (options.json) {
      around.out << report_json(scenario, report).dump(2) << '\n';
    } else {
      if (options.trace) {
        for (const std::string& line : report.trace)
          around.out << "trace " << line << '\n';
      }
      around.out << verdict_line(scenario, report) << std::endl;
    }
    failed += report.passed ? 0 : 1;
  }
  if (options.files.size() > 1 && !options.json) {
    around.out << options.files.size() - failed << " passed, " << failed << " failed\n";
  }
  return failed == 0 ? 0 : 1;
}

int check_files(const Options& options, const Surroundings& around) {
  int code = 0;
  for (const std::string& file : options.files) {
    if (const auto scenario = load_scenario(file)) {
      around.out << file << ": good, " << scenario->steps.size() << " steps\n";
    } else {
      around.err << "ota-sim: " << scenario.error().text() << '\n';
      code = 1;
    }
  }
  return code;
}

int list_all(const Options& options, const Surroundings& around) {
  std::vector<fs::path> found;
  const fs::path folder = options.files.empty() ? "config/scenarios" : options.files.front();
  std::error_code failed;
  for (const auto& entry : fs::recursive_directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& file : found) {
    const auto scenario = load_scenario(file);
    around.out << file.string() << '\n'
               << "    " << (scenario ? scenario->description : scenario.error().text()) << '\n';
  }
  if (found.empty()) {
    around.err << "ota-sim: no scenarios in " << folder.string() << '\n';
    return 1;
  }
  return 0;
}

int list_steps(const Surroundings& around) {
  for (const StepKind& kind : step_kinds()) {
    around.out << kind.name << ": " << kind.help << '\n';
    for (const Key& key : kind.keys) {
      around.out << "    " << key.name << (key.need == Need::kRequired ? " (needed)" : "") << ": "
                 << key.help << '\n';
    }
  }
  return 0;
}

int run_storm_command(Options& options, const Surroundings& around) {
  if (options.victim != "server" && options.victim != "agent") {
    around.err << "ota-sim: --victim takes server or agent\n";
    return 2;
  }
  options.storm.victim = options.victim == "server" ? Victim::kServer : Victim::kAgent;
  const auto states = options.victim == "server" ? server_states() : agent_states();
  for (const std::string& state : options.storm.states) {
    if (std::ranges::find(states, state) != states.end()) continue;
    around.err << "ota-sim: --state takes, of this victim:";
    for (const std::string& known : states)
      around.err << ' ' << known;
    around.err << '\n';
    return 2;
  }
  options.storm.run = run_options(options);
  const StormReport report = run_storm(options.storm, around.clock, around.out);
  around.out << storm_line(report) << std::endl;
  return report.failure.empty() ? 0 : 1;
}

int run_fleet_command(Options& options, const Surroundings& around) {
  FleetOptions& fleet = options.fleet;
  if (fleet.profile != "mix" && !parse_profile(fleet.profile)) {
    around.err << "ota-sim: no such profile: " << fleet.profile << '\n';
    return 2;
  }
  fleet.duration = seconds(options.fleet_seconds);
  fleet.run = run_options(options);
  std::ostringstream silent;
  const FleetReport report = run_fleet(fleet, around.clock, options.json ? silent : around.out);
  if (options.json) {
    around.out << fleet_json(report).dump(2) << '\n';
  } else {
    around.out << fleet_text(report) << std::flush;
  }
  return report.failure.empty() ? 0 : 1;
}

// No program is started: the shipped judge over simulated devices, on virtual time.
int run_rollout_command(Options& options, const Surroundings& around) {
  RolloutRounds& rounds = options.rollout;
  const RolloutFaultKind* fault = find_rollout_fault(options.fault);
  if (fault == nullptr) {
    around.err << "ota-sim: no such fault: " << options.fault << "; faults are\n";
    for (const RolloutFaultKind& kind : rollout_faults())
      around.err << "  " << kind.name << ": " << kind.help << '\n';
    return 2;
  }
  rounds.fault = fault->fault;
  rounds.seed = options.seed == 0 ? 1 : options.seed;
  rounds.heat = rounds.load = options.surroundings == "never"    ? WorldHappens::kNever
                              : options.surroundings == "always" ? WorldHappens::kAlways
                                                                 : WorldHappens::kSometimes;
  if (options.watch == "shipped") rounds.watch_minutes = kShippedWatch;
  std::ofstream file;
  std::function<void(std::string_view)> record;
  if (!options.record.empty()) {
    file.open(options.record, std::ios::binary | std::ios::trunc);
    record = [&file](std::string_view row) { file << row; };
  }
  const RolloutReport report = run_rollout_rounds(rounds, record);
  if (!options.record.empty() && !file.flush()) {
    around.err << "ota-sim: " << options.record << ": not written\n";
    return 1;
  }
  if (options.json) {
    around.out << Json{{"fault", fault->name},
                       {"devices", rounds.devices},
                       {"seed", rounds.seed},
                       {"judge", report.judge.json()},
                       {"hawkbit", report.hawkbit.json()},
                       {"count", report.count.json()}}
                      .dump(2)
               << '\n';
    return 0;
  }
  around.out << fault->name << ": " << fault->help << "; " << rounds.devices
             << " devices, seeds from " << rounds.seed << " on\n"
             << "  judged          " << report.judge.text() << '\n'
             << "  hawkBit's 10 %  " << report.hawkbit.text() << '\n'
             << "  fifth critical  " << report.count.text() << std::endl;
  return 0;
}

int run_drill_command(const Options& options, const Surroundings& around) {
  RunOptions run = run_options(options);
  run.installation = options.installation;
  std::ostringstream silent;
  const auto report =
      run_drills(options.drills.empty() ? "config/scenarios/attacks" : options.drills, run,
                 around.clock, options.json ? silent : around.out);
  if (!report) {
    around.err << "ota-sim: " << report.error().text() << '\n';
    return 2;
  }
  if (options.json) {
    around.out << drill_json(*report).dump(2) << '\n';
  } else {
    around.out << '\n' << drill_text(*report) << std::flush;
  }
  return report->repelled() == report->drills.size() ? 0 : 1;
}

void add_common(CLI::App& app, Options& options) {
  app.add_option("--bin", options.programs, "the folder of ota-console, ota-agent and otactl");
  app.add_option("--scratch", options.scratch, "where the temporary roots are made (/tmp)");
  app.add_option("--seed", options.seed, "the same seed gives the same devices");
  app.add_flag("--keep", options.keep, "leave the temporary root for inspection");
}

}  // namespace

int run(std::span<const std::string> words, const Surroundings& around) {
  Options options;
  options.programs = around.programs.string();
  CLI::App app("Plays fleets, faults and attacks against the real programs.", "ota-sim");
  app.require_subcommand(1);
  app.footer("And ota-sim explore: whole fleets on virtual time, many seeds (explore --help).");
  CLI::App* run_app = app.add_subcommand("run", "play scenarios and say whether all held");
  run_app->add_option("SCENARIO", options.files, "scenario files")->required();
  run_app->add_flag("--json", options.json, "a report in JSON for each");
  run_app->add_flag("--trace", options.trace, "print the events at the end, sorted, without times");
  add_common(*run_app, options);
  CLI::App* check_app = app.add_subcommand("check", "read scenarios without starting anything");
  check_app->add_option("SCENARIO", options.files, "scenario files")->required();
  CLI::App* list_app = app.add_subcommand("list", "the scenarios of a folder (config/scenarios)");
  list_app->add_option("FOLDER", options.files, "the folder");
  CLI::App* steps_app = app.add_subcommand("steps", "every kind of step and its keys");
  CLI::App* storm_app = app.add_subcommand("storm", "kill -9 in every state of an update");
  storm_app->add_option("--rounds", options.storm.rounds, "how many kills (50)");
  storm_app->add_option("--victim", options.victim, "server or agent");
  storm_app->add_option("--state", options.storm.states, "kill in this state (once for each)");
  storm_app->add_option("--each", options.storm.each,
                        "fail where fewer kills than that fell in a state (0)");
  add_common(*storm_app, options);
  CLI::App* fleet_app = app.add_subcommand(
      "fleet", "virtual devices over real mutual TLS: what does this host carry");
  fleet_app->add_option("--devices", options.fleet.devices, "how many (1000)")
      ->check(CLI::Range(1, 500000));
  fleet_app->add_option("--rate", options.fleet.rate, "samples a second of each (1)")
      ->check(CLI::Range(0.001, 1000.0));
  fleet_app->add_option("--duration", options.fleet_seconds, "seconds of steady telemetry (20)")
      ->check(CLI::Range(1, 86400));
  fleet_app->add_option("--profile", options.fleet.profile, "mix, or one for all (mix)");
  fleet_app->add_option("--server-threads", options.fleet.server_threads, "of the console (1)")
      ->check(CLI::Range(1, 64));
  fleet_app
      ->add_option("--connections", options.fleet.connections,
                   "of each device, 1 or 2 (2 where open files allow it)")
      ->check(CLI::Range(1, 2));
  fleet_app->add_flag("--json", options.json, "the report in JSON");
  add_common(*fleet_app, options);
  CLI::App* rollout_app = app.add_subcommand(
      "rollout", "simulated rollouts on virtual time: who halts, how many are exposed, how soon");
  rollout_app->add_option("--fault", options.fault,
                          "what the update does (none); a wrong one lists");
  rollout_app->add_option("--rounds", options.rollout.rounds, "rollouts (100)")
      ->check(CLI::Range(1, 100000));
  rollout_app->add_option("--devices", options.rollout.devices, "of each (500)")
      ->check(CLI::Range(1, 100000));
  rollout_app->add_option("--canaries", options.rollout.canaries.least, "at least (5)")
      ->check(CLI::Range(1, 100000));
  rollout_app
      ->add_option("--per-model", options.rollout.canaries.per_model,
                   "canaries of each model with 45 devices or more (4)")
      ->check(CLI::Range(0, 1000));
  rollout_app->add_option("--alpha", options.rollout.alpha, "chance of a false halt (0.01)")
      ->check(CLI::Range(rollout::kLeastAlpha, rollout::kMostAlpha));
  rollout_app
      ->add_option("--surroundings", options.surroundings,
                   "heat waves and load changes: never, sometimes, always (sometimes)")
      ->check(CLI::IsMember({"never", "sometimes", "always"}));
  rollout_app
      ->add_option("--watch", options.watch, "of the phases: short (2, 2, 4 h) or shipped (short)")
      ->check(CLI::IsMember({"short", "shipped"}));
  rollout_app->add_option("--record", options.record,
                          "write the first as a recording for otactl rollout judge");
  rollout_app->add_option("--seed", options.seed,
                          "of the first; each further one has the next (1)");
  rollout_app->add_flag("--json", options.json, "the report in JSON");
  CLI::App* drill_app =
      app.add_subcommand("drill", "every attack of a folder, and a report on what came of it");
  drill_app->add_option("FOLDER", options.drills, "the drills (config/scenarios/attacks)");
  drill_app->add_option("--installation", options.installation,
                        "the root whose thresholds are used; it is only read");
  drill_app->add_flag("--json", options.json, "the report in JSON");
  add_common(*drill_app, options);

  if (words.empty()) {
    around.out << app.help();
    return 0;
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Error& error) {
    return app.exit(error, around.out, around.err) == 0 ? 0 : 2;
  }
  if (run_app->parsed()) return run_files(options, around);
  if (check_app->parsed()) return check_files(options, around);
  if (list_app->parsed()) return list_all(options, around);
  if (steps_app->parsed()) return list_steps(around);
  if (drill_app->parsed()) return run_drill_command(options, around);
  if (rollout_app->parsed()) return run_rollout_command(options, around);
  if (fleet_app->parsed()) return run_fleet_command(options, around);
  return run_storm_command(options, around);
}

}  // namespace ota::sim

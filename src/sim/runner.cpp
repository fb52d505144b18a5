#include "sim/runner.h"

#include <cstdlib>
#include <ostream>
#include <regex>
#include <set>

#include "base/text.h"
#include "sim/steps.h"
#include "sim/world.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

std::string seconds_text(MonoTime from, MonoTime to) {
  return format_number(std::chrono::duration<double>(to - from).count(), 1);
}

void print_log_tail(const World& world, const std::string& what, std::ostream& out) {
  constexpr std::size_t kLines = 15;
  const std::vector<std::string> lines = lines_of(world.log_of(what));
  if (lines.empty()) return;
  out << "--- last lines of " << what << '\n';
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    out << "    " << printable(lines[i]) << '\n';
}

Result<void> play(World& world, const Scenario& scenario, const Clock& clock, RunReport& report,
                  std::ostream& out) {
  const MonoTime start = clock.mono();
  if (auto prepared = world.prepare(); !prepared) return prepared.error();
  for (const Step& step : scenario.steps) {
    const StepKind* kind = find_step_kind(step.kind);
    const MonoTime begun = clock.mono();
    const auto done = kind->run(world, step.keys);
    std::string stamp = seconds_text(start, begun);
    stamp.insert(0, stamp.size() < 6 ? 6 - stamp.size() : 0, ' ');
    out << stamp << " s  " << step.kind << ' ' << printable(dump_json(step.keys), 160) << "  ["
        << seconds_text(begun, clock.mono()) << " s]" << std::endl;
    if (!done) {
      return done.error().within("step " + std::to_string(report.steps + 1) + ", " + step.kind);
    }
    ++report.steps;
  }
  return {};
}

}  // namespace

Result<fs::path> make_scratch(const fs::path& below) {
  std::string pattern = (below / "ota-sim-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return fail_errno(errno, "mkdtemp " + pattern);
  return fs::path(pattern);
}

std::vector<std::string> trace_of(const std::vector<Json>& events) {
  // What differs from run to run: times, keys, ports; and of a verdict the readings it was made of.
  static const std::regex kTimes("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z");
  static const std::regex kDigests("[0-9a-f]{16,64}");
  static const std::regex kPorts("127\\.0\\.0\\.1:[0-9]+");
  std::set<std::string> lines;
  for (const Json& event : events) {
    const std::string kind = cli::text_at(event, "kind");
    std::string message =
        kind.starts_with("verdict.") ? std::string() : cli::text_at(event, "message");
    message = std::regex_replace(message, kTimes, "TIME");
    message = std::regex_replace(message, kDigests, "DIGEST");
    message = std::regex_replace(message, kPorts, "127.0.0.1:PORT");
    lines.insert(cli::text_at(event, "severity") + " " + kind + " " +
                 cli::text_at(event, "source") + " " + printable(message));
  }
  return {lines.begin(), lines.end()};
}

std::string verdict_line(const Scenario& scenario, const RunReport& report) {
  std::string line = (report.passed ? "PASS " : "FAIL ") + scenario.name + " (" +
                     std::to_string(report.steps) + " steps, " + format_number(report.took_s, 1) +
                     " s)";
  if (!report.passed) line += ": " + report.failure;
  return line;
}

Json report_json(const Scenario& scenario, const RunReport& report) {
  return Json{{"scenario", scenario.name}, {"passed", report.passed},   {"steps", report.steps},
              {"seconds", report.took_s},  {"failure", report.failure}, {"trace", report.trace},
              {"notes", report.notes}};
}

RunReport run_scenario(const Scenario& scenario, const RunOptions& options, const Clock& clock,
                       std::ostream& out) {
  RunReport report;
  const MonoTime start = clock.mono();
  auto root = make_scratch(options.scratch);
  if (!root) {
    report.failure = root.error().text();
    return report;
  }
  Scenario seeded = scenario;
  for (ScenarioDevice& device : seeded.devices)
    device.seed += options.seed;
  {
    World world({options.programs, *root, options.installation}, seeded, clock);
    const auto played = play(world, seeded, clock, report, out);
    report.passed = played.has_value();
    if (const auto events = world.events()) report.trace = trace_of(*events);
    report.notes = world.notes();
    if (!played) {
      report.failure = played.error().text();
      print_log_tail(world, "console", out);
      for (const ScenarioDevice& device : seeded.devices)
        print_log_tail(world, device.id, out);
    }
  }
  report.took_s = std::chrono::duration<double>(clock.mono() - start).count();
  if (options.keep == Keep::kYes) {
    out << "kept: " << root->string() << '\n';
  } else {
    std::error_code ignored;
    fs::remove_all(*root, ignored);
  }
  return report;
}

}  // namespace ota::sim

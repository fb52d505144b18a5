#include "world/explorer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "base/file.h"
#include "world/acts.h"

namespace ota::world {
namespace fs = std::filesystem;
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kLongestRun{180};
constexpr std::size_t kPlanBytes = 4U << 20;

// A world in a child process, and what it has said so far.
struct Child {
  Plan plan;
  pid_t pid = -1;
  FileDescriptor from;
  std::string said;
  Steady::time_point began;
};

std::string hex(std::uint64_t number) {
  std::ostringstream out;
  out << std::hex << number;
  return out.str();
}

Child start(const Plan& plan, Trace::Keep keep, const fs::path& scratch,
            const std::string& each_step = {}) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  Child child{plan, ::fork(), FileDescriptor(ends[0]), {}, Steady::now()};
  if (child.pid != 0) {
    ::close(ends[1]);
    return child;
  }
  std::string text;
  {
    World world(plan, keep, scratch);
    world.look_each_step(each_step);
    text = dump_json(to_document(world.run()));
  }
  (void)!write_all(ends[1], text);
  ::_exit(0);
}

Json finding_of(const Plan& plan, const char* invariant, const std::string& words) {
  return {{"seed", plan.seed},
          {"finding", {{"invariant", invariant}, {"words", words}}},
          {"hash", ""},
          {"lived_ms", 0},
          {"devices", 0},
          {"steps", 0},
          {"jobs", 0},
          {"met", Json::array()},
          {"lines", Json::array()}};
}

// Its whole report; where it did not get so far, why.
Json end(Child& child, bool hung) {
  if (hung) ::kill(child.pid, SIGKILL);
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  if (hung) return finding_of(child.plan, "no-hang", "it did not come to an end");
  if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0) {
    return finding_of(child.plan, "no-crash",
                      WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                          : "exit status " + std::to_string(WEXITSTATUS(status)));
  }
  auto report = parse_json(child.said, {.max_bytes = SIZE_MAX, .max_depth = 32});
  return report ? *report : finding_of(child.plan, "no-crash", "its report cannot be read");
}

// Reads what is there; true where it has ended.
bool read_some(Child& child) {
  char buffer[65536];
  const ssize_t got = ::read(child.from.get(), buffer, sizeof buffer);
  if (got > 0) child.said.append(buffer, static_cast<std::size_t>(got));
  return got <= 0;
}

}  // namespace

Json to_document(const WorldReport& report) {
  Json out{{"seed", report.seed},       {"hash", hex(report.hash)},
           {"steps", report.steps},     {"lived_ms", report.lived.count()},
           {"devices", report.devices}, {"jobs", report.jobs},
           {"met", Json::array()},      {"lines", report.lines}};
  for (const auto& [pair, count] : report.met)
    out["met"].push_back({pair.first, pair.second, count});
  if (report.finding) {
    const auto at = std::chrono::duration_cast<milliseconds>(report.finding->at.time_since_epoch());
    out["finding"] = {{"invariant", report.finding->invariant},
                      {"words", report.finding->words},
                      {"at", Trace::stamp(at)}};
  }
  return out;
}

Json run_apart(const Plan& plan, Trace::Keep keep, const fs::path& scratch,
               const std::string& each_step) {
  Child child = start(plan, keep, scratch, each_step);
  while (true) {
    pollfd wait{child.from.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(child.began + kLongestRun - Steady::now());
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)
      return end(child, true);
    if (read_some(child)) return end(child, false);
  }
}

Plan shrink(const Plan& plan, const std::string& invariant, std::size_t tries,
            const fs::path& scratch) {
  Plan best = plan;
  const auto still = [&](const Plan& smaller) {
    if (tries == 0) return false;
    --tries;
    const Json report = run_apart(smaller, Trace::Keep::kHash, scratch);
    if (!report.contains("finding") || report["finding"]["invariant"] != invariant) return false;
    best = smaller;
    return true;
  };
  // Acts: halves, quarters, ... single ones (Zeller and Hildebrandt, "Simplifying and Isolating
  // Failure-Inducing Input", 2002).
  for (std::size_t size = std::max<std::size_t>(best.acts.size() / 2, 1); tries > 0; size /= 2) {
    for (std::size_t from = 0; from < best.acts.size() && tries > 0;) {
      Plan smaller = best;
      const auto begin = smaller.acts.begin() + static_cast<std::ptrdiff_t>(from);
      smaller.acts.erase(
          begin, begin + static_cast<std::ptrdiff_t>(std::min(size, smaller.acts.size() - from)));
      if (!still(smaller)) from += size;
    }
    if (size <= 1) break;
  }
  // A world without noise, without drift, with healthy devices; then with fewer devices.
  const std::vector<std::function<void(Plan&)>> calmer{
      [](Plan& one) { one.link = LinkFaults{}; },
      [](Plan& one) { one.link.late = one.link.lost = one.link.twice = 0; },
      [](Plan& one) { one.link.unanswered = one.link.half_open = one.link.cut = 0; },
      [](Plan& one) { one.sick = 0; },
      [](Plan& one) { one.server_drift_ppm = one.device_drift_ppm = 0; },
      [](Plan& one) { one.models = 1; },
      [](Plan& one) { one.slowest_sync = milliseconds(20); },
      [](Plan& one) {
        if (!one.acts.empty()) one.chaos = one.acts.back().at + seconds(120);
      }};
  for (const auto& change : calmer) {
    Plan smaller = best;
    change(smaller);
    if (to_document(smaller) != to_document(best)) still(smaller);
  }
  while (best.devices > 1 && tries > 0) {
    Plan smaller = best;
    --smaller.devices;
    if (!still(smaller)) break;
  }
  return best;
}

namespace {

struct Options {
  std::uint64_t seeds = 100;
  std::uint64_t first = 1;
  double minutes = 0;  // 0: no limit
  unsigned jobs = 1;
  std::string play;
  std::string keep;  // folder for failures
  std::string scratch = "/dev/shm";
  std::size_t tries = 200;
  bool json = false;
  bool trace = false;
  bool stop = false;  // at the first finding
  bool bisect = false;
};

struct Totals {
  std::uint64_t worlds = 0;
  std::uint64_t steps = 0;
  std::uint64_t jobs = 0;
  double virtual_hours = 0;
  double device_hours = 0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> met;
  std::vector<Json> found;

  void add(const Json& report) {
    ++worlds;
    steps += report["steps"].get<std::uint64_t>();
    jobs += report["jobs"].get<std::uint64_t>();
    const double hours = report["lived_ms"].get<double>() / 3.6e6;
    virtual_hours += hours;
    device_hours += hours * report["devices"].get<double>();
    for (const Json& one : report["met"])
      met[{one[0].get<std::string>(), one[1].get<std::string>()}] += one[2].get<std::uint64_t>();
    if (report.contains("finding")) found.push_back(report);
  }
};

std::string seed_line(const Json& report) {
  const Json& finding = report["finding"];
  return "seed " + std::to_string(report["seed"].get<std::uint64_t>()) + ": " +
         finding["invariant"].get<std::string>() + ": " + finding["words"].get<std::string>() +
         " (" + finding.value("at", "") + ")";
}

// The cells of the table: states of jobs against acts.
void print_met(const Totals& totals, std::ostream& out) {
  std::set<std::string> states;
  for (const auto& [pair, count] : totals.met)
    states.insert(pair.first);
  out << "\nmet (job's state, by act):";
  for (const ActKind& kind : act_kinds()) {
    out << "\n  " << kind.name << ":";
    for (const std::string& state : states) {
      const auto found = totals.met.find({state, kind.name});
      if (found != totals.met.end()) out << ' ' << state << ' ' << found->second;
    }
  }
  out << '\n';
}

void save(const Options& options, const Json& report, const Plan& plan, std::ostream& out) {
  if (options.keep.empty()) return;
  std::error_code ignored;
  fs::create_directories(options.keep, ignored);
  const fs::path file = fs::path(options.keep) /
                        ("seed-" + std::to_string(report["seed"].get<std::uint64_t>()) + ".json");
  Json document{
      {"finding", report["finding"]}, {"hash", report["hash"]}, {"plan", to_document(plan)}};
  (void)write_file_durably(file, document.dump(1) + "\n");
  out << "  saved as " << file.string() << std::endl;
}

// The finding again, with less around it, and what then happens.
void tell(const Options& options, const Json& report, const Plan& plan, std::ostream& out) {
  out << seed_line(report) << std::endl;
  if (options.tries == 0) return save(options, report, plan, out);
  const Plan small = shrink(plan, report["finding"]["invariant"].get<std::string>(), options.tries,
                            options.scratch);
  const Json again = run_apart(small, Trace::Keep::kLines, options.scratch);
  save(options, again.contains("finding") ? again : report, small, out);
  out << "  shrunk from " << plan.acts.size() << " acts and " << plan.devices << " devices to "
      << small.acts.size() << " and " << small.devices << ":\n";
  for (const Act& act : small.acts) {
    out << "    " << Trace::stamp(act.at) << ' ' << act.kind << " d-" << act.device << " (" << act.a
        << ", " << act.b << ")\n";
  }
  const auto& lines = again["lines"];
  constexpr std::size_t kShown = 25;
  for (std::size_t i = lines.size() > kShown ? lines.size() - kShown : 0; i < lines.size(); ++i)
    out << "    " << lines[i].get<std::string>() << '\n';
  out << std::flush;
}

// The first step after which what was found does not hold: what just happened there, not what came
// until somebody looked.
void bisect(const Options& options, const Json& report, const Plan& plan, std::ostream& out) {
  const auto invariant = report["finding"]["invariant"].get<std::string>();
  const Json again = run_apart(plan, Trace::Keep::kLines, options.scratch, invariant);
  if (!again.contains("finding")) {
    out << "looked at after each step it holds: " << invariant << std::endl;
    return;
  }
  const Json& lines = again["lines"];
  constexpr std::size_t kShown = 8;
  out << "parts at step " << again["steps"] << " (" << again["finding"].value("at", "")
      << "), seen at " << report["finding"].value("at", "") << ":\n";
  for (std::size_t i = lines.size() > kShown ? lines.size() - kShown : 0; i < lines.size(); ++i)
    out << "    " << lines[i].get<std::string>() << '\n';
  out << std::flush;
}

int play(const Options& options, std::ostream& out, std::ostream& err) {
  const auto text = read_file(options.play, kPlanBytes);
  const auto document = text ? parse_json(*text, {.max_bytes = kPlanBytes, .max_depth = 16})
                             : Result<Json>(text.error());
  const auto plan = !document                    ? Result<Plan>(document.error())
                    : document->contains("plan") ? plan_from((*document)["plan"])
                                                 : plan_from(*document);
  if (!plan) {
    err << "ota-sim: " << options.play << ": " << plan.error().text() << '\n';
    return 2;
  }
  const Json report =
      run_apart(*plan, options.trace ? Trace::Keep::kLines : Trace::Keep::kHash, options.scratch);
  for (const Json& line : report["lines"])
    out << line.get<std::string>() << '\n';
  out << options.play << ": trace " << report["hash"].get<std::string>() << ", "
      << (report.contains("finding") ? seed_line(report) : "nothing found") << std::endl;
  if (options.bisect && report.contains("finding")) bisect(options, report, *plan, out);
  return report.contains("finding") ? 1 : 0;
}

int hunt(const Options& options, std::ostream& out, std::ostream& err) {
  const auto began = Steady::now();
  const auto over = [&] {
    return options.minutes > 0 &&
           std::chrono::duration<double>(Steady::now() - began).count() > options.minutes * 60;
  };
  Totals totals;
  std::vector<Child> running;
  std::uint64_t next = options.first;
  const std::uint64_t last = options.first + options.seeds;
  bool ending = false;
  auto told_at = began;
  std::vector<std::pair<Json, Plan>> found;
  while (true) {
    while (!ending && !over() && next < last && running.size() < options.jobs) {
      running.push_back(start(draw_plan(next),
                              options.trace ? Trace::Keep::kLines : Trace::Keep::kHash,
                              options.scratch));
      ++next;
    }
    if (running.empty()) break;
    std::vector<pollfd> wait;
    wait.reserve(running.size());
    for (const Child& child : running)
      wait.push_back({child.from.get(), POLLIN, 0});
    ::poll(wait.data(), wait.size(), 1000);
    for (std::size_t i = running.size(); i-- > 0;) {
      const bool hung = Steady::now() - running[i].began > kLongestRun;
      if (!hung && (wait[i].revents == 0 || !read_some(running[i]))) continue;
      const Json report = end(running[i], hung);
      totals.add(report);
      for (const Json& line : report["lines"])
        out << line.get<std::string>() << '\n';
      if (options.seeds == 1) out << "trace " << report["hash"].get<std::string>() << '\n';
      if (report.contains("finding")) {
        if (!options.json) out << seed_line(report) << std::endl;
        found.emplace_back(report, running[i].plan);
        ending = ending || options.stop;
      }
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (Steady::now() - told_at > std::chrono::minutes(1)) {
      told_at = Steady::now();
      err << totals.worlds << " worlds, " << found.size() << " with a finding" << std::endl;
    }
  }
  const double took = std::chrono::duration<double>(Steady::now() - began).count();
  if (options.json) {
    Json report{{"worlds", totals.worlds},
                {"seconds", took},
                {"worlds_per_second", static_cast<double>(totals.worlds) / took},
                {"virtual_hours", totals.virtual_hours},
                {"device_hours", totals.device_hours},
                {"steps", totals.steps},
                {"jobs", totals.jobs},
                {"found", Json::array()},
                {"met", Json::array()}};
    for (const auto& [pair, count] : totals.met)
      report["met"].push_back({{"state", pair.first}, {"act", pair.second}, {"times", count}});
    for (const Json& one : totals.found)
      report["found"].push_back({{"seed", one["seed"]}, {"finding", one["finding"]}});
    out << report.dump(1) << std::endl;
    return found.empty() ? 0 : 1;
  }
  std::set<std::string> told;
  for (const auto& [report, plan] : found) {
    if (options.bisect) {
      bisect(options, report, plan, out);
      continue;
    }
    // Of many seeds with one finding one is told at length.
    if (told.insert(report["finding"]["invariant"].get<std::string>()).second)
      tell(options, report, plan, out);
  }
  print_met(totals, out);
  out << totals.worlds << " worlds in " << std::fixed << std::setprecision(1) << took << " s ("
      << static_cast<double>(totals.worlds) / took << " a second), " << totals.virtual_hours
      << " virtual hours, " << totals.device_hours << " device-hours ("
      << totals.device_hours / took << " a second), " << totals.jobs << " jobs; " << found.size()
      << " with a finding" << std::endl;
  return found.empty() ? 0 : 1;
}

}  // namespace

int explore(std::span<const std::string> words, std::ostream& out, std::ostream& err) {
  Options options;
  std::uint64_t seed = 0;
  CLI::App app("Lives through whole simulated fleets and looks for what must not be.",
               "ota-sim explore");
  app.add_option("--seeds", options.seeds, "how many worlds (100)");
  app.add_option("--first", options.first, "the first seed (1)");
  app.add_option("--minutes", options.minutes, "start none after so many");
  app.add_option("--jobs", options.jobs, "worlds at a time (1)")->check(CLI::Range(1, 256));
  auto* one = app.add_option("--seed", seed, "this one alone");
  app.add_option("--play", options.play, "the plan of a saved finding");
  app.add_option("--keep", options.keep, "the folder in which findings are saved");
  app.add_option("--scratch", options.scratch, "where devices' folders are (/dev/shm)");
  app.add_option("--shrink", options.tries, "runs spent on making a finding small (200)");
  app.add_flag("--json", options.json, "the report in JSON");
  app.add_flag("--trace", options.trace, "print what happens, line by line");
  app.add_flag("--stop", options.stop, "end with the first finding");
  app.add_flag("--bisect", options.bisect, "name the first step after which a finding holds");
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Error& error) {
    return app.exit(error, out, err) == 0 ? 0 : 2;
  }
  if (one->count() > 0) {
    options.first = seed;
    options.seeds = 1;
  }
  return options.play.empty() ? hunt(options, out, err) : play(options, out, err);
}

}  // namespace ota::world

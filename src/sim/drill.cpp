#include "sim/drill.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <sstream>

#include "base/text.h"
#include "tuf/repository.h"

namespace ota::sim {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::hours kSoon{24 * 30};

// What the installation itself says of its keys.
void inspect(DrillReport& report, const Clock& clock) {
  const auto repository = tuf::Repository::open(report.installation / "firmware",
                                                report.installation / "state" / "keys", clock);
  const auto roles =
      repository ? repository->status() : Result<std::vector<tuf::RoleStatus>>(repository.error());
  if (!roles) {
    report.findings.push_back("firmware/ does not verify: " + roles.error().text());
    return;
  }
  for (const tuf::RoleStatus& role : *roles) {
    const bool online = role.role == "snapshot" || role.role == "timestamp";
    const std::string name = printable(role.role, 64);
    report.signing.push_back(name + ": " + std::to_string(role.threshold) + " of " +
                             std::to_string(role.keys) + " keys must sign, " +
                             (role.keys_online ? "on the server" : "offline") + ", valid until " +
                             format_rfc3339(role.expires, Fraction::kNone));
    if (!online && role.keys_online) {
      report.findings.push_back("the keys of " + name +
                                " lie on the server: whoever breaks in can publish (otactl keys "
                                "take-offline DIR)");
    }
    if (!online && role.threshold < 2) {
      report.findings.push_back("one key of " + name +
                                " is enough: whoever steals it can publish (otactl keys init "
                                "--threshold 2 --keys 3)");
    }
    if (role.expires - clock.wall() < (online ? std::chrono::hours(3) : kSoon)) {
      report.findings.push_back(name + " ends at " + format_rfc3339(role.expires, Fraction::kNone));
    }
  }
}

}  // namespace

std::size_t DrillReport::repelled() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(drills, [](const DrillResult& drill) { return drill.run.passed; }));
}

Result<DrillReport> run_drills(const fs::path& folder, const RunOptions& options,
                               const Clock& clock, std::ostream& progress) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (files.empty()) return fail(Errc::kNotFound, "no drills in " + folder.string());
  std::ranges::sort(files);
  std::vector<Scenario> scenarios;
  for (const fs::path& file : files) {
    auto scenario = load_scenario(file);
    if (!scenario) return scenario.error();
    scenarios.push_back(std::move(*scenario));
  }
  DrillReport report;
  report.at = clock.wall();
  report.installation = options.installation;
  if (!options.installation.empty()) inspect(report, clock);
  for (const Scenario& scenario : scenarios) {
    std::ostringstream steps;
    DrillResult result{scenario.name, scenario.description,
                       run_scenario(scenario, options, clock, steps)};
    progress << verdict_line(scenario, result.run) << std::endl;
    report.drills.push_back(std::move(result));
  }
  return report;
}

std::string drill_text(const DrillReport& report) {
  std::ostringstream out;
  out << "Drill report of " << format_rfc3339(report.at, Fraction::kNone) << '\n';
  if (!report.installation.empty()) {
    out << "Installation " << report.installation.string() << " (only read)\n";
  }
  out << "\nWho must sign\n";
  for (const std::string& line : report.signing)
    out << "  " << line << '\n';
  if (report.signing.empty()) out << "  2 of 3, as no installation was given\n";
  out << "\nWhat was tried, with the server, its files and its online keys in the attacker's "
         "hand\n";
  for (const DrillResult& drill : report.drills) {
    out << (drill.run.passed ? "  REPELLED      " : "  NOT REPELLED  ") << drill.name << '\n'
        << "      " << drill.description << '\n';
    for (const std::string& note : drill.run.notes)
      out << "      " << printable(note, 300) << '\n';
    if (!drill.run.passed) out << "      " << printable(drill.run.failure, 600) << '\n';
  }
  out << "\nFindings in this installation\n";
  for (const std::string& line : report.findings)
    out << "  - " << line << '\n';
  if (report.findings.empty()) out << "  none\n";
  out << '\n'
      << report.repelled() << " of " << report.drills.size() << " drills went as they must\n";
  return out.str();
}

Json drill_json(const DrillReport& report) {
  Json drills = Json::array();
  for (const DrillResult& drill : report.drills) {
    drills.push_back({{"name", drill.name},
                      {"attack", drill.description},
                      {"repelled", drill.run.passed},
                      {"seconds", drill.run.took_s},
                      {"seen", drill.run.notes},
                      {"failure", drill.run.failure}});
  }
  return Json{{"at", format_rfc3339(report.at)},
              {"installation", report.installation.string()},
              {"signing", report.signing},
              {"findings", report.findings},
              {"drills", std::move(drills)},
              {"repelled", report.repelled()},
              {"all", report.repelled() == report.drills.size()}};
}

}  // namespace ota::sim

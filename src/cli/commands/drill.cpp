// otactl drill: plays every attack of config/scenarios/attacks in a sandbox, with this
// installation's thresholds. ota-sim, which stands beside otactl, does it.
#include <unistd.h>

#include <cerrno>

#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

namespace fs = std::filesystem;

// The installation's own drills, else those that came with the programs.
fs::path drills_of(const Context& context, const fs::path& programs) {
  const fs::path shipped = programs.parent_path() / "share" / "secure-ota" / "attacks";
  for (const fs::path& folder : {context.root / "config" / "scenarios" / "attacks", shipped}) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) return folder;
  }
  return fs::path("config") / "scenarios" / "attacks";
}

Result<ExitCode> run_drill(Context& context) {
  std::error_code error;
  const fs::path programs = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path simulator = programs / "ota-sim";
  if (error || !fs::exists(simulator, error)) {
    return fail(Errc::kNotFound, "ota-sim is not beside otactl (" + simulator.string() + ")");
  }
  const fs::path folder = context.arguments.has("--drills")
                              ? fs::path(context.arguments.text("--drills"))
                              : drills_of(context, programs);
  std::vector<std::string> words{simulator.string(), "drill", folder.string(), "--installation",
                                 fs::absolute(context.root, error).string()};
  if (context.out.json()) words.emplace_back("--json");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Its output and its exit code are ours from here on.
  ::execv(simulator.c_str(), arguments.data());
  return fail_errno(errno, "run " + simulator.string());
}

}  // namespace

Command drill_command() {
  return {
      .name = "drill",
      .summary = "attack a copy of this installation's trust in every known way, and report",
      .details =
          "Plays config/scenarios/attacks in a sandbox: a server in an attacker's hand against "
          "a real device, with the thresholds of ROOT, which is only read. About a minute. Exit "
          "code 0 where every attack was repelled.",
      .positionals = {},
      .options = {{"--drills", "DIR", "other drills than the shipped ones"}},
      .examples = {{"otactl drill", "a report for the security officer"}},
      .run = &run_drill};
}

}  // namespace ota::cli

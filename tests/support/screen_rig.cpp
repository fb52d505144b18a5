#include "tests/support/screen_rig.h"

#include <fstream>
#include <sstream>

namespace ota::test {
namespace {

Pty::Options pty_options(const ConsoleRig::Options& options, const std::filesystem::path& root) {
  options.write_root(root);
  Pty::Options out;
  out.command = {console_program().string(), "--root", root.string()};
  out.command.insert(out.command.end(), options.arguments.begin(), options.arguments.end());
  out.environment = {
      {"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}, {"NO_COLOR", ""}, {"OTA_ROOT", ""}};
  for (const auto& [name, value] : options.environment)
    out.environment[name] = value;
  out.columns = options.columns;
  out.rows = options.rows;
  return out;
}

}  // namespace

// Beside the test program: build/bin, or a sanitizer's folder.
std::filesystem::path console_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ota-console";
}

void write_console_root(const std::filesystem::path& root) {
  std::filesystem::create_directories(root / "config");
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(root / "config" / name) << text;
  };
  write("console.json", R"({"listen": {"address": "127.0.0.1", "port": 0},
  "agents": [{"id": "cam-1", "dir": "agents/cam-1"}, {"id": "cam-2", "dir": "agents/cam-2"}]})");
  write("devices.json", R"({"devices": [
  {"id": "cam-1", "hardware": "sim-a", "group": "lab", "notes": ""},
  {"id": "cam-2", "hardware": "sim-a", "group": "lab", "notes": ""}]})");
}

ConsoleRig::ConsoleRig(const Options& options) : pty(pty_options(options, root.path())) {}

std::string confirm_update(Pty& pty, const std::string& version) {
  const auto missing = [&](const std::string& text) { return text + " not in\n" + pty.screen(); };
  for (const char* gate : {"ALLOWED", "x leave out"}) {
    if (!pty.until_shown(gate)) return missing(gate);
  }
  pty.send("\r");
  if (!pty.until_shown("[ Cancel ]")) return missing("[ Cancel ]");
  pty.send("\t\r");
  const std::string success = "SUCCESS: Update to " + version + " initiated";
  return pty.until_shown(success) ? "" : missing(success);
}

std::vector<int> processes_of(const std::filesystem::path& root) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    std::stringstream line;
    line << file.rdbuf();
    if (line.str().find(root.string()) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace ota::test

// Reads and checks the files of `config/`: all of a file is right, or none of it is taken.
//
// An error names file, line, column, what was found and what is accepted:
// "config/thresholds.json:3:20: cpu_threshold is 140; accepted: a number from 1 to 100". parse_*
// are pure; load() and Watcher read files.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"

namespace ota::config {

class Folder;  // folder.h

struct Problem {
  std::string file;  // "config/thresholds.json"
  std::size_t line = 0;
  std::size_t column = 0;
  std::string message;
  std::string text() const;
};

// A value or every problem found in the file (not the first alone).
template <class T>
struct Parsed {
  T value{};
  std::vector<Problem> problems;
  bool ok() const { return problems.empty(); }
};

// One key of a file, for the manual: "limits.body_bytes", "a whole number from 1024 to ...",
// "262144".
struct KeyInfo {
  std::string file;
  std::string key;
  std::string accepted;
  std::string default_text;
};

// The files' names in `config/`, in the order in which they are read.
inline constexpr std::string_view kConsoleFile = "console.json";
inline constexpr std::string_view kWhitelistFile = "devices.json";
inline constexpr std::array<std::string_view, 4> kFileNames{kConsoleFile, "thresholds.json",
                                                            kWhitelistFile, "ota_settings.json"};

// A file larger than this is refused unread. Room for 100,000 devices.
inline constexpr std::size_t kMaxFileBytes = 64U << 20;

Parsed<model::ConsoleSettings> parse_console(std::string_view text, const std::string& file);
Parsed<model::Thresholds> parse_thresholds(std::string_view text, const std::string& file);
Parsed<model::OtaSettings> parse_ota_settings(std::string_view text, const std::string& file);
Parsed<model::Whitelist> parse_whitelist(std::string_view text, const std::string& file);

// Every key of the four files; config/README.md is held against it by a test.
std::vector<KeyInfo> describe_keys();
// The same with the values of `settings` in place of the defaults; not what lists hold.
std::vector<KeyInfo> describe_values(const model::Settings& settings);

// All four of `root`/config; files that are missing or wrong give the defaults and their problems.
Parsed<model::Settings> load(const std::filesystem::path& root);

// The file as it is shipped; none of another name.
std::optional<std::string_view> default_file(std::string_view name);

// Writes the default files where they are missing (first run).
Result<void> write_defaults(const std::filesystem::path& root);

// Watches a folder (inotify; where that is not to be had, by looking four times a second). A
// file that is edited well is taken; a bad edit leaves the last good one of that file in force, and
// so does a file that vanishes. `changed` is called on the watcher's thread with the settings in
// force and all present problems, within 500 ms of the edit; at the start, only where that is not
// what `folder` last read. The destructor waits for a call that is under way.
class Watcher {
 public:
  using Changed = std::function<void(std::shared_ptr<const model::Settings>, std::vector<Problem>)>;
  Watcher(Folder folder, Changed changed);
  ~Watcher();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::config

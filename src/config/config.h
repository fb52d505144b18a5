// Reads and checks the files of `config/`: all of a file is right, or none of it is taken.
//
// An error names file, line, column, what was found and what is accepted:
// "config/thresholds.json:3:20: cpu_threshold is 140; accepted: a number from 1 to 100". parse_*
// are pure; load() and Watcher read files.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"

namespace ota::config {

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

Parsed<model::ConsoleSettings> parse_console(std::string_view text, const std::string& file);
Parsed<model::Thresholds> parse_thresholds(std::string_view text, const std::string& file);
Parsed<model::OtaSettings> parse_ota_settings(std::string_view text, const std::string& file);
Parsed<model::Whitelist> parse_whitelist(std::string_view text, const std::string& file);

// All four of `root`/config; files that are missing give the defaults and a problem.
Parsed<model::Settings> load(const std::filesystem::path& root);

// Writes the default files where they are missing (first run).
Result<void> write_defaults(const std::filesystem::path& root);

// Watches `root`/config. A file that is edited well is taken; a bad edit leaves the last good one
// of that file in force. `changed` is called on the watcher's thread with the settings in force and
// all present problems, within 500 ms.
class Watcher {
 public:
  using Changed = std::function<void(std::shared_ptr<const model::Settings>, std::vector<Problem>)>;
  Watcher(std::filesystem::path root, std::shared_ptr<const model::Settings> initial,
          Changed changed);
  ~Watcher();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::config

// What an edit of `config/` is told as: which file was refused, and which values of the others are
// new, each with its file, key, old and new value.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "model/settings.h"

namespace ota::config {

struct EditLine {
  enum class Kind : std::uint8_t { kRefused, kApplied } kind;
  std::string text;
  bool operator==(const EditLine&) const = default;
};

// What was in force and what was wrong, at one look at the files.
struct Look {
  std::shared_ptr<const model::Settings> in_force;
  std::vector<Problem> problems;
};

// One value that differs. An entry that was added has no `before`, one that was removed no `after`.
struct Edit {
  std::string file;  // "config/thresholds.json"
  std::string key;   // "limits.body_bytes", "devices[iot-001]"
  std::string before;
  std::string after;
  bool operator==(const Edit&) const = default;
};
std::vector<Edit> edits_between(const model::Settings& before, const model::Settings& after);

// A line for each file whose problems are others than before, then one where something was taken or
// the last problem mended. A file that is as bad as before is not told again.
std::vector<EditLine> describe_edit(const Look& before, const Look& after);

// Whether something was edited that counts only from the next start on.
bool takes_a_start(const model::ConsoleSettings& before, const model::ConsoleSettings& after);

}  // namespace ota::config

// What a command of otactl is, and the table of all of them.
//
// A command is one file in commands/ and one line in commands.cpp: its words for the help, its
// options, and a function that does it. The parser and the help are made from this table alone.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ota::cli {

struct Context;

// Scripts rely on these; README lists them.
enum class ExitCode : int {
  kDone = 0,
  kError = 1,
  kUsage = 2,
  kBlocked = 3,    // the gate refused
  kSkipped = 4,    // nothing to do: the device runs it already
  kJobFailed = 5,  // with --wait: failed, rolled back, cancelled or expired
  kHalted = 6,     // a rollout halts, or would have
};

// What a value must be. The parser checks all of a line before anything of it is done.
enum class Kind { kText, kVersion, kDuration, kNumber };

// "--version V" or, with an empty `value`, a switch such as "--wait".
struct Option {
  enum class Need { kOptional, kRequired };
  std::string_view name;
  std::string_view value;
  std::string_view help;
  std::vector<std::string_view> choices = {};  // accepted values; empty: any
  Kind kind = Kind::kText;
  Need need = Need::kOptional;
  std::vector<std::string_view> excludes = {};  // options that contradict it
};

struct Positional {
  enum class Count { kOne, kOptional, kSome, kAny };  // 1, 0..1, 1.., 0..
  std::string_view name;                              // "ID"
  std::string_view help;
  Count count = Count::kOne;
  Kind kind = Kind::kText;
};

struct Example {
  std::string_view line;  // "otactl push iot-001"
  std::string_view what;
};

struct Command {
  std::string_view name;  // "push"; "firmware add" is a command within a group
  std::string_view summary;
  std::string_view details;  // further sentences of the help; may be empty
  std::vector<Positional> positionals;
  std::vector<Option> options;
  std::vector<Example> examples;
  // An Error is printed with its hint and ends with kError, a usage_error() with kUsage.
  Result<ExitCode> (*run)(Context&);
};

// Every command, in the order of the help.
std::span<const Command> commands();

// The sentence of a group ("firmware", "state") in the help.
std::string_view group_summary(std::string_view group);

}  // namespace ota::cli

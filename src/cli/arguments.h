// What was said on the command line, by name. The parser fills it; commands read it.
//
// Pure values: no parser library behind it, so that a test can build one by hand. Thread: any,
// const only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/version.h"

namespace ota::cli {

// A value on the command line that does not fit; the program ends with the exit code of usage.
Error usage_error(std::string what);
bool is_usage_error(const Error& error);

class Arguments {
 public:
  // `name` as in the command's table: "--version" for an option, "ID" for a positional.
  void set(std::string name, std::vector<std::string> values);

  bool has(std::string_view name) const;
  // The last value given; empty where there is none.
  std::string text(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

  // The value as its type; none where the option was not given, a usage error where it does not
  // fit.
  Result<std::optional<model::Version>> version(std::string_view name) const;
  Result<std::optional<seconds>> duration(std::string_view name) const;
  Result<std::optional<std::uint64_t>> number(std::string_view name) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace ota::cli

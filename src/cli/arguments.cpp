#include "cli/arguments.h"

#include <charconv>

namespace ota::cli {
namespace {

// A category of its own: what the server or a file says is "not valid" is no usage error.
class UsageCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "usage"; }
  std::string message(int) const override { return "not valid"; }
};

const std::error_category& usage_category() {
  static const UsageCategory category;
  return category;
}

}  // namespace

Error usage_error(std::string what) {
  return fail(std::error_code(1, usage_category()), std::move(what));
}

bool is_usage_error(const Error& error) {
  return error.code.category() == usage_category();
}

void Arguments::set(std::string name, std::vector<std::string> values) {
  values_[std::move(name)] = std::move(values);
}

bool Arguments::has(std::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string Arguments::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->second.empty() ? std::string() : found->second.back();
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::optional<model::Version>> Arguments::version(std::string_view name) const {
  if (!has(name)) return std::optional<model::Version>();
  auto parsed = model::Version::parse(text(name));
  if (!parsed) {
    return usage_error(std::string(name) + " " + text(name) +
                       ": not a version; accepted: MAJOR.MINOR.PATCH, such as 2.1.5");
  }
  return std::optional<model::Version>(std::move(*parsed));
}

Result<std::optional<seconds>> Arguments::duration(std::string_view name) const {
  if (!has(name)) return std::optional<seconds>();
  const auto parsed = parse_duration(text(name));
  if (!parsed) {
    return usage_error(std::string(name) + " " + text(name) +
                       ": not a duration; accepted: 90s, 15m, 1h, 30d");
  }
  return std::optional<seconds>(*parsed);
}

Result<std::optional<std::uint64_t>> Arguments::number(std::string_view name) const {
  if (!has(name)) return std::optional<std::uint64_t>();
  const std::string given = text(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc() || end != given.data() + given.size()) {
    return usage_error(std::string(name) + " " + given + ": not a whole number of zero or more");
  }
  return std::optional<std::uint64_t>(value);
}

}  // namespace ota::cli

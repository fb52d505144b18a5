#include "sim/steps/common.h"

#include <poll.h>

#include <cstdlib>

#include "model/job.h"

namespace ota::sim {
namespace {

constexpr int kLookMs = 25;

std::string plain(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string version_in(const Json& facts, const char* fact) {
  return cli::text_at(cli::object_at(facts, fact), "version");
}

}  // namespace

std::vector<std::string> texts_of(const Json& keys, const char* key) {
  const auto found = keys.find(key);
  if (found == keys.end()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  return found->get<std::vector<std::string>>();
}

milliseconds within_of(const World& world, const Json& keys) {
  const auto found = keys.find("within_s");
  if (found == keys.end()) return world.scenario().patience;
  return milliseconds(static_cast<std::int64_t>(found->get<double>() * 1000));
}

Result<void> wait_until(World& world, milliseconds patience,
                        const std::function<std::optional<std::string>()>& met) {
  const MonoTime until = world.clock().mono() + patience;
  while (true) {
    const auto instead = met();
    if (!instead) return {};
    if (world.clock().mono() >= until) return fail(Errc::kTimeout, *instead);
    poll(nullptr, 0, kLookMs);
  }
}

std::string field_of(const Json& device, const std::string& field) {
  const Json& row = cli::object_at(device, "row");
  const Json& facts = cli::object_at(row, "facts");
  if (field.starts_with('/')) {
    try {
      return plain(device.at(Json::json_pointer(field)));
    } catch (const std::exception&) {
      return "";
    }
  }
  if (field == "version") return version_in(facts, "confirmed");
  if (field == "assigned" || field == "written" || field == "booted") {
    return version_in(facts, field.c_str());
  }
  if (field == "verdict") return cli::text_at(row, "level");
  if (field == "slot") return cli::text_at(cli::object_at(device, "record"), "slot");
  const Json& jobs = cli::list_at(device, "jobs");
  if (field == "job_state" && !jobs.empty()) return cli::text_at(jobs.front(), "state");
  if ((field == "job_error" || field == "job_detail" || field == "job_watch") && !jobs.empty()) {
    return cli::text_at(jobs.front(), field == "job_error"    ? "error_code"
                                      : field == "job_detail" ? "detail"
                                                              : "watch");
  }
  const auto found = row.find(field);
  return found == row.end() ? std::string() : plain(*found);
}

Result<bool> compare(const std::string& found, const std::string& op, const std::string& value) {
  if (op == "is") return found == value;
  if (op == "is-not") return found != value;
  if (op == "contains") return found.find(value) != std::string::npos;
  if (op == "above")
    return std::strtod(found.c_str(), nullptr) > std::strtod(value.c_str(), nullptr);
  if (op == "below")
    return std::strtod(found.c_str(), nullptr) < std::strtod(value.c_str(), nullptr);
  if (op == "reached") {
    const auto state = model::parse_job_state(found);
    const auto wanted = model::parse_job_state(value);
    if (!wanted) return fail(Errc::kInvalid, value + " is no job state");
    return state && *state >= *wanted;
  }
  return fail(Errc::kInvalid,
              "op " + op + "; accepted: is, is-not, contains, above, below, reached");
}

}  // namespace ota::sim

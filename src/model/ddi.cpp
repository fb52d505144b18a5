#include "model/ddi.h"

#include <charconv>

#include "base/json_numbers.h"
#include "model/time_json.h"

namespace ota::model {
namespace {

using nlohmann::json;

constexpr std::uint64_t kFirstAction = 1001;

// How many numbers of [kFirstAction, `last`] have only zeros after their first digit.
std::uint64_t round_numbers_to(std::uint64_t last) {
  std::uint64_t count = 0;
  for (std::uint64_t power = 1000; power <= last; power *= 10) {
    const std::uint64_t of_this_length = last / power < 9 ? last / power : 9;
    count += power == 1000 ? of_this_length - 1 : of_this_length;  // 1000 lies before the first
  }
  return count;
}

bool is_round(std::uint64_t number) {
  while (number >= 10 && number % 10 == 0)
    number /= 10;
  return number < 10;
}

template <class T>
void take(const json& in, const char* key, T& value) {
  if (const auto found = in.find(key); found != in.end()) found->get_to(value);
}

}  // namespace

std::uint64_t ddi_action_of(std::uint64_t job_number) {
  // The least number that has `job_number` admitted ones up to itself, found from below.
  std::uint64_t action = kFirstAction - 1 + job_number;
  while (true) {
    const std::uint64_t next = kFirstAction - 1 + job_number + round_numbers_to(action);
    if (next == action) return action;
    action = next;
  }
}

std::uint64_t ddi_job_number(std::string_view job_id) {
  constexpr std::string_view kPrefix = "job-";
  std::uint64_t number = 0;
  if (!job_id.starts_with(kPrefix)) return 0;
  job_id.remove_prefix(kPrefix.size());
  const auto [end, error] = std::from_chars(job_id.data(), job_id.data() + job_id.size(), number);
  return error == std::errc{} && end == job_id.data() + job_id.size() ? number : 0;
}

std::optional<std::uint64_t> job_number_of_ddi_action(std::string_view action) {
  constexpr std::size_t kMostDigits = 10;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(action.data(), action.data() + action.size(), number);
  if (error != std::errc{} || end != action.data() + action.size()) return std::nullopt;
  if (action.size() > kMostDigits || action.front() == '0') return std::nullopt;
  if (number < kFirstAction || number > kMostActions || is_round(number)) return std::nullopt;
  return number - (kFirstAction - 1) - round_numbers_to(number);
}

void to_json(json& out, const DdiClient& client) {
  out = json{{"token_hash", client.token_hash},
             {"token_made", time_json(client.token_made)},
             {"by_gateway", client.by_gateway},
             {"name", client.name},
             {"attributes", client.attributes},
             {"attributes_at", time_json(client.attributes_at)},
             {"wants_attributes", client.wants_attributes},
             {"updates_by", client.updates_by},
             {"asked_last", client.asked_last}};
}

void from_json(const json& in, DdiClient& client) {
  expect_object(in);
  take(in, "token_hash", client.token_hash);
  client.token_made = time_at(in, "token_made");
  take(in, "by_gateway", client.by_gateway);
  take(in, "name", client.name);
  take(in, "attributes", client.attributes);
  client.attributes_at = time_at(in, "attributes_at");
  take(in, "wants_attributes", client.wants_attributes);
  // In documents from before there was a choice, such a device was updated over DDI alone.
  client.updates_by = UpdatesBy::kDdi;
  take(in, "updates_by", client.updates_by);
  take(in, "asked_last", client.asked_last);
}

void to_json(json& out, const DdiProgress& progress) {
  out = json{{"fetched", progress.fetched},
             {"downloads", progress.downloads},
             {"installed", progress.installed},
             {"claims_success", progress.claims_success},
             {"closed", progress.closed},
             {"withheld", progress.withheld},
             {"log", progress.log}};
}

void from_json(const json& in, DdiProgress& progress) {
  expect_object(in);
  take(in, "fetched", progress.fetched);
  take(in, "downloads", progress.downloads);
  take(in, "installed", progress.installed);
  take(in, "claims_success", progress.claims_success);
  take(in, "closed", progress.closed);
  take(in, "withheld", progress.withheld);
  take(in, "log", progress.log);
}

void to_json(json& out, const DdiWaiting& waiting) {
  out = json{{"id", waiting.id},
             {"client", waiting.client},
             {"address", waiting.address},
             {"listed", waiting.listed},
             {"first_seen", time_json(waiting.first_seen)},
             {"last_seen", time_json(waiting.last_seen)}};
}

}  // namespace ota::model

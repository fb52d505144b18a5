#include "fleet/job_archive.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.h"
#include "store/state_file.h"

namespace ota::fleet {

static_assert(kFleet == store::kJobNumberCollection);

using model::JobState;

std::string JobArchive::key_of(std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%012llu", static_cast<unsigned long long>(number));
  return text.data();
}

namespace {

std::uint64_t number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

void JobArchive::clear() {
  days_.clear();
  skipped_.clear();
  expired_ = newest_ = saved_given_ = 0;
  days_changed_ = was_read_ = false;
  const MutexLock lock(mutex_);
  counts_ = {};
}

Result<void> JobArchive::read(std::string_view key, std::string_view document) {
  if (key != kJobsDocument && key != kJobDaysDocument && key != store::kJobNumberKey) return {};
  auto json = parse_json(document);
  if (!json) return json.error();
  if (!json->is_object()) return fail(Errc::kInvalid, "no object");
  if (key == store::kJobNumberKey) {
    saved_given_ = number_at(*json, "last");
    given_ = std::max(given_, saved_given_);
    return {};
  }
  if (key == kJobDaysDocument) {
    days_.clear();
    for (const Json& day : json->value("days", Json::array())) {
      if (!day.is_array() || day.size() != 2 || !day[0].is_string()) continue;
      const auto at = parse_rfc3339(day[0].get<std::string>());
      if (at && day[1].is_number_unsigned()) days_.emplace_back(*at, day[1].get<std::uint64_t>());
    }
    return {};
  }
  newest_ = number_at(*json, "last");
  given_ = std::max(given_, newest_);
  skipped_.clear();
  for (const Json& span : json->value("skipped", Json::array())) {
    if (!span.is_array() || span.size() != 2 || !span[0].is_number_unsigned() ||
        !span[1].is_number_unsigned())
      continue;
    skip({span[0].get<std::uint64_t>(), span[1].get<std::uint64_t>()});
  }
  expired_ = number_at(*json, "expired");
  const MutexLock lock(mutex_);
  counts_ = {};
  counts_.sent_bytes = number_at(*json, "sent_bytes");
  counts_.saved_bytes = number_at(*json, "saved_bytes");
  const Json ended = json->value("ended", Json::object());
  for (const auto& [word, count] : ended.items()) {
    const auto state = model::parse_job_state(word);
    if (state && count.is_number_unsigned()) counts_.ended[*state] = count.get<std::uint64_t>();
  }
  was_read_ = true;
  return {};
}

void JobArchive::put_documents(store::Batch& batch) {
  const JobCounts counted = counts();
  Json ended = Json::object();
  for (const auto& [state, count] : counted.ended)
    ended[std::string(model::to_text(state))] = count;
  Json jobs{{"last", newest_},
            {"expired", expired_},
            {"ended", std::move(ended)},
            {"sent_bytes", counted.sent_bytes},
            {"saved_bytes", counted.saved_bytes}};
  for (const Span& span : skipped_)
    jobs["skipped"].push_back(Json::array({span.first, span.last}));
  batch.puts.push_back({std::string(kFleet), std::string(kJobsDocument), dump_json(jobs)});
  batch.puts.push_back(
      {std::string(kFleet), std::string(store::kJobNumberKey), dump_json(Json{{"last", given_}})});
  saved_given_ = given_;
  if (!days_changed_) return;
  days_changed_ = false;
  Json days = Json::array();
  for (const auto& [day, first] : days_)
    days.push_back(Json::array({format_rfc3339(day, Fraction::kNone), first}));
  batch.puts.push_back({std::string(kFleet), std::string(kJobDaysDocument),
                        dump_json(Json{{"days", std::move(days)}})});
}

void JobArchive::made(std::uint64_t number, WallTime now) {
  if (number > given_ && given_ > newest_) skip({newest_ + 1, given_});
  given_ = std::max(given_, number);
  newest_ = std::max(newest_, number);
  const WallTime day = std::chrono::floor<std::chrono::days>(now);
  // A clock that was set back marks no day twice.
  if (!days_.empty() && days_.back().first >= day) return;
  days_.emplace_back(day, number);
  days_changed_ = true;
}

void JobArchive::ended(const model::Job& job) {
  const MutexLock lock(mutex_);
  ++counts_.ended[job.state];
  if (job.state != JobState::kSucceeded || !job.fetch) return;
  // What was fetched on other ways before counts against it; what came by none of ours does not.
  const std::uint64_t spent = std::max(job.sent_bytes, job.fetch->bytes);
  if (spent < job.release.length) counts_.saved_bytes += job.release.length - spent;
}

void JobArchive::sent(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  counts_.sent_bytes += bytes;
}

// Spans come in order and hold no number of what is kept; another document's that do not are left.
void JobArchive::skip(Span span) {
  const std::uint64_t behind = skipped_.empty() ? 0 : skipped_.back().last;
  if (span.first <= behind || span.last < span.first) return;
  if (skipped_.size() == kMostSkipped) skipped_.pop_front();
  skipped_.push_back(span);
}

std::uint64_t JobArchive::first_of_newest(std::uint64_t count) const {
  std::uint64_t end = newest_ + 1;  // behind what is not counted yet
  for (auto span = skipped_.rbegin(); span != skipped_.rend() && span->last < end; ++span) {
    const std::uint64_t held = end - span->last - 1;
    if (held >= count) break;
    count -= held;
    end = span->first;
  }
  return end > count + 1 ? end - count : 0;
}

void JobArchive::expire(store::Batch& batch, Keep keep, WallTime now) {
  std::uint64_t first = first_of_newest(keep.most);
  // A day's jobs are too old when the next day with any is: they were made before it.
  while (days_.size() > 1 && days_[1].first <= now - keep.time) {
    first = std::max(first, days_[1].second);
    days_.pop_front();
    days_changed_ = true;
  }
  if (first <= expired_) return;
  batch.ranges.push_back({std::string(kEndedJobs), key_of(0), key_of(first)});
  expired_ = first;
  while (!skipped_.empty() && skipped_.front().last < first)
    skipped_.pop_front();
  put_documents(batch);
}

JobCounts JobArchive::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

}  // namespace ota::fleet

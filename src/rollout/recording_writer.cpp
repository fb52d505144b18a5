#include "rollout/recording_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/assert.h"
#include "base/json.h"
#include "rollout/recording.h"

namespace ota::rollout {
namespace {

std::string row_begin(WallTime at, const char* type) {
  return R"({"t":")" + format_rfc3339(at, Fraction::kNone) + R"(","type":")" + type + '"';
}

Json judge_of(const JudgeSettings& settings) {
  Json judge{{"alpha", settings.alpha},
             {"first_look_s", settings.first_look.count()},
             {"looks", settings.looks},
             {"settle_s", settings.settle.count()},
             {"min_controls", settings.min_controls},
             {"max_controls", settings.max_controls},
             {"acceptable_failure_rate", settings.acceptable_failure_rate},
             {"margins", Json::object()},
             {"expected", Json::object()},
             {"worse", Json::object()}};
  for (const MetricRule& rule : settings.metrics) {
    judge["margins"][rule.name] = rule.margin;
    judge["expected"][rule.name] = rule.expected;
    judge["worse"][rule.name] = rule.worse == Worse::kUp ? "up" : "down";
  }
  return judge;
}

Json head_row(const RecordingHead& head) {
  const Cohort& cohort = head.cohort;
  Json row{{"type", "rollout"},
           {"format", kRecordingFormat},
           {"start", format_rfc3339(cohort.start, Fraction::kNone)},
           {"phases", head.phases},
           {"metrics", head.metrics},
           {"judge", judge_of(head.settings)},
           {"limits", Json::object()}};
  if (!cohort.id.empty()) row["id"] = cohort.id;
  for (std::size_t i = 0; i < head.metrics.size(); ++i) {
    const double limit = cohort.columns[i].limit;
    if (!std::isnan(limit)) row["limits"][head.metrics[i]] = limit;
  }
  Json& devices = row["devices"] = Json::array();
  for (const CohortDevice& device : cohort.devices) {
    Json one{{"id", device.id}, {"model", cohort.models[device.model]}};
    if (device.group != 0) one["group"] = cohort.groups[device.group];
    devices.push_back(std::move(one));
  }
  return row;
}

}  // namespace

RecordingWriter::RecordingWriter(RecordingHead head,
                                 std::function<void(std::string_view line)> write)
    : head_(std::move(head)), write_(std::move(write)) {
  OTA_ASSERT(head_.metrics.size() == head_.cohort.columns.size());
  write_(dump_json(head_row(head_)) + "\n");
}

std::string RecordingWriter::id_of(std::size_t device) const {
  return dump_json(Json(head_.cohort.devices[device].id));
}

void RecordingWriter::event(WallTime at, const char* type, std::size_t device) {
  write_(row_begin(at, type) + R"(,"device":)" + id_of(device) + "}\n");
}

void RecordingWriter::offered(WallTime at, std::size_t device, std::uint32_t phase) {
  write_(row_begin(at, "offer") + R"(,"device":)" + id_of(device) + R"(,"phase":)" +
         std::to_string(phase) + "}\n");
}

void RecordingWriter::add_minute(std::size_t device, std::span<const double> values) {
  OTA_ASSERT(values.size() == head_.metrics.size());
  minute_ += (minute_.empty() ? "" : ",") + id_of(device) + ":[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) minute_ += ',';
    if (std::isnan(values[i])) {
      minute_ += "null";
      continue;
    }
    // The shortest that reads back as the same number.
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), values[i]).ptr;
    minute_.append(text.data(), end);
  }
  minute_ += ']';
}

void RecordingWriter::end_minute(WallTime at) {
  write_(row_begin(at, "minute") + R"(,"devices":{)" + std::exchange(minute_, {}) + "}}\n");
}

}  // namespace ota::rollout

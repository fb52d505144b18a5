#include "agents/telemetry.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace ota::agent {

void SampleBuffer::add(const sim::Readings& readings, MonoTime taken, WallTime at) {
  const bool any = std::any_of(readings.begin(), readings.end(),
                               [](const auto& value) { return value.has_value(); });
  if (!any) return;
  model::Sample sample;
  sample.seq = next_seq_++;
  sample.boot = boot_;
  sample.at = at;
  sample.values = readings;
  samples_.push_back({std::move(sample), taken});
  if (samples_.size() > capacity_) samples_.pop_front();
}

std::string SampleBuffer::batch(std::size_t most, const ServerTime& time) {
  Json list = Json::array();
  const std::string boot = boot_.text();
  for (std::size_t i = 0; i < std::min(most, samples_.size()); ++i) {
    Kept& kept = samples_[i];
    model::Sample& sample = kept.sample;
    if (!std::exchange(kept.stamped, true)) sample.at = time.stamp(kept.taken, sample.at);
    Json entry{{"seq", sample.seq}, {"boot_id", boot}, {"time", format_rfc3339(sample.at)}};
    for (std::size_t metric = 0; metric < model::kMetricCount; ++metric) {
      if (!sample.values[metric]) continue;
      entry[std::string(model::to_text(static_cast<model::Metric>(metric)))] =
          *sample.values[metric];
    }
    list.push_back(std::move(entry));
  }
  return dump_json(list);
}

void SampleBuffer::drop(std::size_t count) {
  samples_.erase(samples_.begin(),
                 samples_.begin() + static_cast<std::ptrdiff_t>(std::min(count, samples_.size())));
}

}  // namespace ota::agent

#include "rollout/recording_head.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "model/metric_limit.h"
#include "model/telemetry.h"
#include "rollout/recording.h"

namespace ota::rollout {
namespace {

std::string in_quotes(std::string_view text) {
  return "'" + printable(text, 64) + "'";
}

Result<std::string> name_of(const Json& value, std::string_view what) {
  if (!value.is_string()) return fail(Errc::kInvalid, std::string(what) + " is no text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > kLongestName) {
    return fail(Errc::kInvalid, std::string(what) + " " + in_quotes(text) + ": 1 to " +
                                    std::to_string(kLongestName) + " bytes are taken");
  }
  return text;
}

Result<std::vector<std::string>> names_of(const Json& row, const char* member, std::size_t most) {
  const auto found = row.find(member);
  if (found == row.end() || !found->is_array() || found->empty()) {
    return fail(Errc::kInvalid, std::string(member) + ": a list of names is needed");
  }
  if (found->size() > most) {
    return fail(Errc::kLimit, std::string(member) + ": more than " + std::to_string(most));
  }
  std::vector<std::string> names;
  for (const Json& value : *found) {
    auto name = name_of(value, member);
    if (!name) return name.error();
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      return fail(Errc::kInvalid,
                  std::string(member) + ": " + in_quotes(*name) + " stands there twice");
    }
    names.push_back(std::move(*name));
  }
  return names;
}

struct NumberRange {
  double least;
  double most;
};

Result<double> number_of(const Json& value, const std::string& what, NumberRange range) {
  if (!value.is_number() || !(value.get<double>() >= range.least) ||
      !(value.get<double>() <= range.most)) {
    return fail(Errc::kInvalid, what + ": a number from " + format_number(range.least, 3) + " to " +
                                    format_number(range.most, 3) + " is taken, not " +
                                    printable(dump_json(value), 40));
  }
  return value.get<double>();
}

// "judge": the settings of the rollout that its judgement looks at, by the names that they have in
// ota_settings.json.
class JudgeReader {
 public:
  JudgeReader(const Json& judge, const std::vector<std::string>& metrics,
              const RecordingOptions& options)
      : judge_(judge), metrics_(metrics), options_(options) {}

  Result<JudgeSettings> read() {
    if (!judge_.is_object()) return fail(Errc::kInvalid, "judge: not an object");
    if (auto done = read_numbers(); !done) return done.error();
    if (auto done = read_metrics(); !done) return done.error();
    for (const auto& [key, value] : judge_.items()) {
      if (!known_.contains(key) && options_.note) {
        options_.note("judge." + printable(key, 64) +
                      " is no setting that a recording is judged by");
      }
    }
    return settings_;
  }

 private:
  struct Number {
    const char* key;
    NumberRange range;
    void (*take)(JudgeSettings&, double);
  };

  Result<void> read_numbers() {
    constexpr double kDayS = 86400;
    static constexpr std::array<Number, 7> kNumbers{{
        {"alpha",
         {kLeastAlpha, kMostAlpha},
         [](JudgeSettings& to, double value) { to.alpha = value; }},
        {"first_look_s",
         {60, kDayS},
         [](JudgeSettings& to, double value) { to.first_look = seconds(std::int64_t(value)); }},
        {"looks",
         {1, 12},
         [](JudgeSettings& to, double value) { to.looks = std::uint32_t(value); }},
        {"settle_s",
         {0, kDayS},
         [](JudgeSettings& to, double value) { to.settle = seconds(std::int64_t(value)); }},
        {"min_controls",
         {1, 100'000},
         [](JudgeSettings& to, double value) { to.min_controls = std::uint32_t(value); }},
        {"max_controls",
         {1, 100'000},
         [](JudgeSettings& to, double value) { to.max_controls = std::uint32_t(value); }},
        {"acceptable_failure_rate",
         {0.0001, 0.5},
         [](JudgeSettings& to, double value) { to.acceptable_failure_rate = value; }},
    }};
    for (const Number& number : kNumbers) {
      known_.insert(number.key);
      const auto found = judge_.find(number.key);
      if (found == judge_.end()) continue;
      const auto value = number_of(*found, std::string("judge.") + number.key, number.range);
      if (!value) return value.error();
      number.take(settings_, *value);
    }
    if (options_.alpha) settings_.alpha = *options_.alpha;
    constexpr seconds kOldest = std::chrono::hours(48);
    if (settings_.first_look * (1LL << (settings_.looks - 1)) > kOldest) {
      return fail(Errc::kInvalid, "judge.looks: the last of them would be later than 48 hours");
    }
    return {};
  }

  // What stands for a metric in `margins`, `expected` or `worse`; null where nothing does.
  Result<const Json*> of_metric(const char* key, const std::string& metric) const {
    const auto found = judge_.find(key);
    if (found == judge_.end()) return nullptr;
    if (!found->is_object()) {
      return fail(Errc::kInvalid, std::string("judge.") + key + ": an object by metric is needed");
    }
    const auto value = found->find(metric);
    return value == found->end() ? nullptr : &*value;
  }

  Result<void> read_metrics() {
    constexpr NumberRange kChange{0, kLargestMargin};
    const std::vector<MetricRule> shipped = settings_.metrics;
    settings_.metrics.clear();
    for (const std::string& metric : metrics_) {
      const auto usual = std::find_if(shipped.begin(), shipped.end(),
                                      [&](const MetricRule& rule) { return rule.name == metric; });
      MetricRule rule = usual != shipped.end() ? *usual : MetricRule{metric};
      const auto worse = of_metric("worse", metric);
      const auto margin = of_metric("margins", metric);
      const auto expected = of_metric("expected", metric);
      for (const auto* part : {&worse, &margin, &expected}) {
        if (!*part) return part->error();
      }
      // A metric of the device's own has to be said of which way is worse, and what counts.
      const bool own_margin = *margin != nullptr || options_.margins.contains(metric);
      if (usual == shipped.end() && (*worse == nullptr || !own_margin)) continue;
      if (*worse != nullptr) {
        if (**worse != "up" && **worse != "down") {
          return fail(Errc::kInvalid, "judge.worse." + printable(metric, 64) + ": up or down");
        }
        rule.worse = **worse == "up" ? Worse::kUp : Worse::kDown;
      }
      if (*margin != nullptr) {
        const auto value = number_of(**margin, "judge.margins." + printable(metric, 64), kChange);
        if (!value) return value.error();
        rule.margin = *value;
      }
      if (*expected != nullptr) {
        const auto value =
            number_of(**expected, "judge.expected." + printable(metric, 64), kChange);
        if (!value) return value.error();
        rule.expected = *value;
      }
      if (const auto given = options_.margins.find(metric); given != options_.margins.end()) {
        rule.margin = given->second;
      }
      settings_.metrics.push_back(std::move(rule));
    }
    for (const char* key : {"margins", "expected", "worse"})
      known_.insert(key);
    return {};
  }

  const Json& judge_;
  const std::vector<std::string>& metrics_;
  const RecordingOptions& options_;
  JudgeSettings settings_;
  std::set<std::string, std::less<>> known_;
};

// The place of a name in the ascending list of them.
std::uint32_t place_of(const std::vector<std::string>& sorted, const std::string& name) {
  return static_cast<std::uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), name) -
                                    sorted.begin());
}

Result<void> read_devices(const Json& row, Cohort& cohort) {
  const auto found = row.find("devices");
  if (found == row.end() || !found->is_array() || found->empty()) {
    return fail(Errc::kInvalid, "devices: a list of devices is needed");
  }
  if (found->size() > kMostDevices) {
    return fail(Errc::kLimit, "devices: more than " + std::to_string(kMostDevices));
  }
  struct Named {
    std::string id;
    std::string model;
    std::string group;
  };
  std::vector<Named> named;
  std::set<std::string> ids;
  std::set<std::string> models;
  std::set<std::string> groups{""};
  for (const Json& device : *found) {
    if (!device.is_object() || !device.contains("id") || !device.contains("model")) {
      return fail(Errc::kInvalid, "devices: each needs an id and a model");
    }
    auto id = name_of(device["id"], "a device's id");
    if (!id) return id.error();
    auto hardware = name_of(device["model"], "the model of " + in_quotes(*id));
    if (!hardware) return hardware.error();
    std::string group;
    // Null and "" are none.
    const auto given = device.find("group");
    const bool none = given == device.end() || given->is_null() ||
                      (given->is_string() && given->get_ref<const std::string&>().empty());
    if (!none) {
      auto name = name_of(*given, "the group of " + in_quotes(*id));
      if (!name) return name.error();
      group = std::move(*name);
    }
    if (!ids.insert(*id).second) {
      return fail(Errc::kInvalid, "devices: " + in_quotes(*id) + " stands there twice");
    }
    models.insert(*hardware);
    groups.insert(group);
    named.push_back({std::move(*id), std::move(*hardware), std::move(group)});
  }
  cohort.models.assign(models.begin(), models.end());
  cohort.groups.assign(groups.begin(), groups.end());
  for (Named& device : named) {
    cohort.devices.push_back({std::move(device.id), place_of(cohort.models, device.model),
                              place_of(cohort.groups, device.group)});
  }
  return {};
}

Result<void> read_columns(const Json& row, const std::vector<std::string>& metrics,
                          const RecordingOptions& options, RecordingHead& head) {
  const auto limits = row.find("limits");
  if (limits != row.end() && !limits->is_object()) {
    return fail(Errc::kInvalid, "limits: an object by metric is needed");
  }
  for (const std::string& metric : metrics) {
    Column column;
    for (std::size_t rule = 0; rule < head.settings.metrics.size(); ++rule) {
      if (head.settings.metrics[rule].name == metric) column.rule = rule;
    }
    if (limits == row.end()) {
      if (const auto known = model::parse_metric(metric)) {
        column.limit = model::limit_of(options.thresholds, *known);
      }
    } else if (limits->contains(metric)) {
      const auto limit = number_of((*limits)[metric], "limits." + printable(metric, 64),
                                   {-kLargestReading, kLargestReading});
      if (!limit) return limit.error();
      column.limit = *limit;
    }
    head.cohort.columns.push_back(column);
  }
  return {};
}

}  // namespace

Result<WallTime> read_minute(const Json& row, const char* member) {
  const auto found = row.find(member);
  if (found == row.end() || !found->is_string()) {
    return fail(Errc::kInvalid,
                std::string(member) + ": a time such as 2026-03-04T00:00:00Z is needed");
  }
  const auto at = parse_rfc3339(found->get_ref<const std::string&>());
  if (!at) return fail(Errc::kInvalid, std::string(member) + ": " + at.error().context);
  if (std::chrono::floor<std::chrono::minutes>(*at) != *at) {
    return fail(Errc::kInvalid, std::string(member) + ": " +
                                    printable(found->get_ref<const std::string&>(), 40) +
                                    " is no whole minute");
  }
  return *at;
}

Result<RecordingHead> read_head(const Json& row, const RecordingOptions& options) {
  const auto type = row.find("type");
  if (type == row.end() || *type != "rollout") {
    return fail(Errc::kInvalid, R"(no recording of a rollout: its first row has "type":"rollout")");
  }
  const auto format = row.find("format");
  if (format == row.end() || *format != kRecordingFormat) {
    return fail(Errc::kInvalid,
                "format: this program reads format " + std::to_string(kRecordingFormat) + " alone");
  }
  RecordingHead head;
  if (const auto id = row.find("id"); id != row.end()) {
    auto name = name_of(*id, "id");
    if (!name) return name.error();
    head.cohort.id = std::move(*name);
  }
  const auto start = read_minute(row, "start");
  if (!start) return start.error();
  head.cohort.start = *start;
  const auto phases = names_of(row, "phases", kMostPhases);
  if (!phases) return phases.error();
  head.cohort.phases = static_cast<std::uint32_t>(phases->size());
  const auto metrics = names_of(row, "metrics", kMostMetrics);
  if (!metrics) return metrics.error();
  head.phases = *phases;
  head.metrics = *metrics;
  const Json none = Json::object();
  const auto judge = row.find("judge");
  auto settings = JudgeReader(judge == row.end() ? none : *judge, *metrics, options).read();
  if (!settings) return settings.error();
  head.settings = std::move(*settings);
  if (auto done = read_columns(row, *metrics, options, head); !done) return done.error();
  if (auto done = read_devices(row, head.cohort); !done) return done.error();
  return head;
}

}  // namespace ota::rollout

// The JSON forms of the model: storage, admin API and export share them. Members that older files
// lack get defaults; unknown members are ignored, so that a newer file can be read.

#include "base/json_numbers.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/device_members.h"
#include "model/event.h"
#include "model/job.h"
#include "model/release.h"
#include "model/time_json.h"
#include "model/verdict.h"

namespace ota::model {

using nlohmann::json;

namespace {

template <class Optional>
void put_optional(json& out, const char* key, const Optional& value) {
  if (value) out[key] = *value;
}
template <class Optional>
void get_optional(const json& in, const char* key, Optional& value) {
  const auto found = in.find(key);
  if (found != in.end() && !found->is_null()) found->get_to(value.emplace());
}
template <class T>
void get_or_keep(const json& in, const char* key, T& value) {
  const auto found = in.find(key);
  if (found != in.end()) found->get_to(value);
}

// The visitors of device_members.h: into a JSON object, and out of one.
class Writer {
 public:
  explicit Writer(json& out) : out_(out = json::object()) {}
  template <class T>
  void must_have(const char* name, const T& value) {
    out_[name] = value;
  }
  template <class T>
  void may_have(const char* name, const T& value) {
    out_[name] = value;
  }
  void may_have(const char* name, WallTime value) { out_[name] = time_json(value); }
  template <class T>
  void may_have(const char* name, const std::optional<T>& value) {
    put_optional(out_, name, value);
  }
  template <class T>
  void may_have(const char* name, const BoxedOptional<T>& value) {
    put_optional(out_, name, value);
  }

 private:
  json& out_;
};

class Reader {
 public:
  explicit Reader(const json& in) : in_(in) { expect_object(in); }
  template <class T>
  void must_have(const char* name, T& value) {
    in_.at(name).get_to(value);
  }
  template <class T>
  void may_have(const char* name, T& value) {
    get_or_keep(in_, name, value);
  }
  void may_have(const char* name, WallTime& value) { value = time_at(in_, name); }
  template <class T>
  void may_have(const char* name, std::optional<T>& value) {
    get_optional(in_, name, value);
  }
  template <class T>
  void may_have(const char* name, BoxedOptional<T>& value) {
    get_optional(in_, name, value);
  }

 private:
  const json& in_;
};

}  // namespace

bool valid_device_id(std::string_view id) {
  constexpr std::size_t kMaxLength = 63;
  if (id.empty() || id.size() > kMaxLength) return false;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!alphanumeric(id[0])) return false;
  for (char c : id) {
    if (!alphanumeric(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

bool Release::fits(std::string_view model) const {
  for (const std::string& candidate : hardware) {
    if (candidate == model) return true;
  }
  return false;
}

void to_json(json& out, const Signal& signal) {
  out = json{{"metric", signal.metric}, {"kind", signal.kind},   {"level", signal.level},
             {"value", signal.value},   {"limit", signal.limit}, {"since", time_json(signal.since)},
             {"share", signal.share},   {"text", signal.text}};
  put_optional(out, "expected", signal.expected);
  put_optional(out, "spread", signal.spread);
  put_optional(out, "tail", signal.tail);
}
void from_json(const json& in, Signal& signal) {
  in.at("metric").get_to(signal.metric);
  in.at("kind").get_to(signal.kind);
  in.at("level").get_to(signal.level);
  in.at("value").get_to(signal.value);
  get_or_keep(in, "limit", signal.limit);
  get_optional(in, "expected", signal.expected);
  get_optional(in, "spread", signal.spread);
  get_optional(in, "tail", signal.tail);
  signal.since = time_at(in, "since");
  get_or_keep(in, "share", signal.share);
  get_or_keep(in, "text", signal.text);
}

void to_json(json& out, const Verdict& verdict) {
  out = json{{"level", verdict.level},
             {"risk", verdict.risk},
             {"score", verdict.score},
             {"label", verdict.label},
             {"sentence", verdict.sentence},
             {"would_clear", verdict.would_clear},
             {"scope", verdict.scope},
             {"group", verdict.group},
             {"since", time_json(verdict.since)},
             {"signals", verdict.signals}};
}
void from_json(const json& in, Verdict& verdict) {
  in.at("level").get_to(verdict.level);
  in.at("risk").get_to(verdict.risk);
  get_or_keep(in, "score", verdict.score);
  get_or_keep(in, "label", verdict.label);
  get_or_keep(in, "sentence", verdict.sentence);
  get_or_keep(in, "would_clear", verdict.would_clear);
  get_or_keep(in, "scope", verdict.scope);
  get_or_keep(in, "group", verdict.group);
  verdict.since = time_at(in, "since");
  get_or_keep(in, "signals", verdict.signals);
}

void to_json(json& out, const Release& release) {
  out = json{{"version", release.version},     {"hardware", release.hardware},
             {"class", release.release_class}, {"notes", release.notes},
             {"target", release.target},       {"length", release.length},
             {"sha256", release.sha256}};
}
void from_json(const json& in, Release& release) {
  in.at("version").get_to(release.version);
  in.at("hardware").get_to(release.hardware);
  in.at("class").get_to(release.release_class);
  get_or_keep(in, "notes", release.notes);
  in.at("target").get_to(release.target);
  in.at("length").get_to(release.length);
  in.at("sha256").get_to(release.sha256);
}

void to_json(json& out, const DeviceSpec& spec) {
  out = json{
      {"id", spec.id}, {"hardware", spec.hardware}, {"group", spec.group}, {"notes", spec.notes}};
}
void from_json(const json& in, DeviceSpec& spec) {
  in.at("id").get_to(spec.id);
  in.at("hardware").get_to(spec.hardware);
  get_or_keep(in, "group", spec.group);
  get_or_keep(in, "notes", spec.notes);
}

void to_json(json& out, const Image& image) {
  Writer writer(out);
  each_member(image, writer);
}
void from_json(const json& in, Image& image) {
  Reader reader(in);
  each_member(image, reader);
}

void to_json(json& out, const Facts& facts) {
  Writer writer(out);
  each_member(facts, writer);
}
void from_json(const json& in, Facts& facts) {
  Reader reader(in);
  each_member(facts, reader);
}

void to_json(json& out, const DeviceRecord& record) {
  Writer writer(out);
  each_member(record, writer);
}
void from_json(const json& in, DeviceRecord& record) {
  Reader reader(in);
  each_member(record, reader);
}

void to_json(json& out, const CheckOutcome& outcome) {
  out = json{{"check", outcome.check},
             {"result", outcome.result},
             {"observed", outcome.observed},
             {"required", outcome.required},
             {"remedy", outcome.remedy}};
}
void from_json(const json& in, CheckOutcome& outcome) {
  in.at("check").get_to(outcome.check);
  in.at("result").get_to(outcome.result);
  get_or_keep(in, "observed", outcome.observed);
  get_or_keep(in, "required", outcome.required);
  get_or_keep(in, "remedy", outcome.remedy);
}

void to_json(json& out, const Decision& decision) {
  out = json{{"answer", decision.answer},    {"device", decision.device},
             {"version", decision.version},  {"sha256", decision.sha256},
             {"at", time_json(decision.at)}, {"headline", decision.headline},
             {"risk", decision.risk},        {"override_reason", decision.override_reason},
             {"checks", decision.checks}};
}
void from_json(const json& in, Decision& decision) {
  in.at("answer").get_to(decision.answer);
  in.at("device").get_to(decision.device);
  in.at("version").get_to(decision.version);
  get_or_keep(in, "sha256", decision.sha256);
  decision.at = time_at(in, "at");
  get_or_keep(in, "headline", decision.headline);
  get_or_keep(in, "risk", decision.risk);
  get_or_keep(in, "override_reason", decision.override_reason);
  get_or_keep(in, "checks", decision.checks);
}

void to_json(json& out, const JobStep& step) {
  out = json{{"state", step.state}, {"at", time_json(step.at)}, {"detail", step.detail}};
}
void from_json(const json& in, JobStep& step) {
  in.at("state").get_to(step.state);
  step.at = time_at(in, "at");
  get_or_keep(in, "detail", step.detail);
}

void to_json(json& out, const Job& job) {
  out = json{{"id", job.id},
             {"device", job.device},
             {"release", job.release},
             {"actor", job.actor},
             {"override_reason", job.override_reason},
             {"state", job.state},
             {"percent", job.percent},
             {"attempt", job.attempt},
             {"created", time_json(job.created)},
             {"updated", time_json(job.updated)},
             {"deadline", time_json(job.deadline)},
             {"error_code", job.error_code},
             {"detail", job.detail},
             {"watch", job.watch},
             {"watch_until", time_json(job.watch_until)},
             {"report_seq", job.report_seq},
             {"again", job.again},
             {"cancel_requested", job.cancel_requested},
             {"steps", job.steps}};
  if (job.claims_success) out["claims_success"] = true;
  if (!job.sent_boot.empty()) out["sent_boot"] = job.sent_boot;
  if (job.sent_bytes != 0) out["sent_bytes"] = job.sent_bytes;
  put_optional(out, "fetch", job.fetch);
  put_optional(out, "ddi", job.ddi);
}
void from_json(const json& in, Job& job) {
  in.at("id").get_to(job.id);
  in.at("device").get_to(job.device);
  in.at("release").get_to(job.release);
  get_or_keep(in, "actor", job.actor);
  get_or_keep(in, "override_reason", job.override_reason);
  in.at("state").get_to(job.state);
  get_or_keep(in, "percent", job.percent);
  get_or_keep(in, "attempt", job.attempt);
  job.created = time_at(in, "created");
  job.updated = time_at(in, "updated");
  job.deadline = time_at(in, "deadline");
  get_or_keep(in, "error_code", job.error_code);
  get_or_keep(in, "detail", job.detail);
  get_or_keep(in, "watch", job.watch);
  job.watch_until = time_at(in, "watch_until");
  get_or_keep(in, "report_seq", job.report_seq);
  get_or_keep(in, "again", job.again);
  get_or_keep(in, "cancel_requested", job.cancel_requested);
  get_or_keep(in, "claims_success", job.claims_success);
  get_or_keep(in, "sent_boot", job.sent_boot);
  get_or_keep(in, "sent_bytes", job.sent_bytes);
  get_optional(in, "fetch", job.fetch);
  get_or_keep(in, "steps", job.steps);
  get_optional(in, "ddi", job.ddi);
}

void to_json(json& out, const JobReport& report) {
  out = json{{"seq", report.seq},
             {"state", report.state},
             {"percent", report.percent},
             {"error_code", report.error_code},
             {"detail", report.detail}};
  put_optional(out, "written_sha256", report.written_sha256);
  if (!report.fetch) return;
  out["patched"] = true;
  out["patch_bytes"] = report.fetch->bytes;
  out["image_bytes"] = report.fetch->image_bytes;
  if (report.fetch->way == FetchWay::kPatch) out["patch_from"] = report.fetch->from;
}
void from_json(const json& in, JobReport& report) {
  in.at("seq").get_to(report.seq);
  in.at("state").get_to(report.state);
  get_or_keep(in, "percent", report.percent);
  get_or_keep(in, "error_code", report.error_code);
  get_or_keep(in, "detail", report.detail);
  get_optional(in, "written_sha256", report.written_sha256);
  bool patched = false;
  get_or_keep(in, "patched", patched);
  if (!patched) return;
  FetchPlan& fetch = report.fetch.emplace();
  in.at("patch_bytes").get_to(fetch.bytes);
  in.at("image_bytes").get_to(fetch.image_bytes);
  fetch.way = in.contains("patch_from") ? FetchWay::kPatch : FetchWay::kPacked;
  get_or_keep(in, "patch_from", fetch.from);
}

void to_json(json& out, const Event& event) {
  out = json{{"seq", event.seq},         {"at", time_json(event.at)}, {"severity", event.severity},
             {"kind", event.kind},       {"source", event.source},    {"actor", event.actor},
             {"message", event.message}, {"data", event.data}};
  if (!event.id.empty()) out["id"] = event.id;
  if (!event.hash.empty()) {
    out["previous"] = event.previous;
    out["hash"] = event.hash;
  }
}
void from_json(const json& in, Event& event) {
  get_or_keep(in, "seq", event.seq);  // of a stored one it is the place
  event.at = time_at(in, "at");
  in.at("severity").get_to(event.severity);
  in.at("kind").get_to(event.kind);
  in.at("source").get_to(event.source);
  get_or_keep(in, "actor", event.actor);
  in.at("message").get_to(event.message);
  get_or_keep(in, "data", event.data);
  get_or_keep(in, "id", event.id);
  get_or_keep(in, "previous", event.previous);
  get_or_keep(in, "hash", event.hash);
}

}  // namespace ota::model

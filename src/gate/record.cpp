#include "gate/record.h"

#include <cmath>

#include "anomaly/evidence.h"
#include "base/json.h"
#include "model/time_json.h"

namespace ota::gate {
namespace {

// The names of thresholds.json, so that a record can be read beside it.
template <class Thresholds, class Number, class Duration>
void each_threshold(Thresholds& limits, const Number& number, const Duration& duration) {
  number("cpu_threshold", limits.cpu_threshold);
  number("mem_threshold", limits.mem_threshold);
  number("disk_threshold", limits.disk_threshold);
  number("temp_threshold", limits.temp_threshold);
  number("hysteresis", limits.hysteresis);
  number("watch_margin", limits.watch_margin);
  number("min_samples", limits.min_samples);
  number("anomaly_score_threshold", limits.anomaly_score_threshold);
  duration("raise_after_s", limits.raise_after);
  duration("clear_after_s", limits.clear_after);
  duration("stale_after_s", limits.stale_after);
  duration("refractory_s", limits.refractory);
  duration("frozen_after_s", limits.frozen_after);
  duration("block_escalate_after_s", limits.block_escalate_after);
}

constexpr double kMillis = 1000;

Json thresholds_json(const model::Thresholds& limits) {
  Json out = Json::object();
  each_threshold(
      limits, [&](const char* name, auto value) { out[name] = value; },
      [&](const char* name, milliseconds value) {
        out[name] = static_cast<double>(value.count()) / kMillis;
      });
  return out;
}

model::Thresholds thresholds_of(const Json& in) {
  model::Thresholds limits;
  each_threshold(
      limits, [&](const char* name, auto& value) { in.at(name).get_to(value); },
      [&](const char* name, milliseconds& value) {
        value = milliseconds(std::llround(in.at(name).get<double>() * kMillis));
      });
  return limits;
}

template <class T>
void put(Json& out, const char* name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}
template <class T>
void get(const Json& in, const char* name, std::optional<T>& value) {
  const auto found = in.find(name);
  if (found != in.end()) value = found->template get<T>();
}

Json input_json(const Input& input) {
  Json out{{"device", input.device},
           {"online", input.online},
           {"silent_for_ms", input.silent_for.count()},
           {"release", input.release},
           {"release_published", input.release_published},
           {"override_reason", input.override_reason},
           {"again", input.again}};
  put(out, "spec", input.spec);
  put(out, "record", input.record);
  put(out, "confirmed_published_sha256", input.confirmed_published_sha256);
  put(out, "running_job", input.running_job);
  put(out, "unsaved", input.unsaved);
  if (input.ddi) {
    out["ddi"] = Json{{"has_agent", input.ddi->has_agent},
                      {"polls", input.ddi->polls},
                      {"silent_for_ms", input.ddi->silent_for.count()},
                      {"policy", input.ddi->policy}};
  }
  if (input.window) {
    out["window"] = Json{{"open", input.window->open},
                         {"name", input.window->name},
                         {"until", model::time_json(input.window->until)}};
  }
  return out;
}

Input input_of(const Json& in) {
  Input input;
  in.at("device").get_to(input.device);
  in.at("online").get_to(input.online);
  input.silent_for = milliseconds(in.at("silent_for_ms").get<std::int64_t>());
  in.at("release").get_to(input.release);
  in.at("release_published").get_to(input.release_published);
  in.at("override_reason").get_to(input.override_reason);
  in.at("again").get_to(input.again);
  get(in, "spec", input.spec);
  get(in, "record", input.record);
  get(in, "confirmed_published_sha256", input.confirmed_published_sha256);
  get(in, "running_job", input.running_job);
  get(in, "unsaved", input.unsaved);
  if (const auto ddi = in.find("ddi"); ddi != in.end()) {
    input.ddi = DdiSide{.has_agent = ddi->at("has_agent").get<bool>(),
                        .polls = ddi->at("polls").get<bool>(),
                        .silent_for = milliseconds(ddi->at("silent_for_ms").get<std::int64_t>()),
                        .policy = ddi->at("policy").get<model::DdiWithoutTelemetry>()};
  }
  if (const auto window = in.find("window"); window != in.end()) {
    input.window = model::WindowState{.open = window->at("open").get<bool>(),
                                      .name = window->at("name").get<std::string>(),
                                      .until = model::time_at(*window, "until")};
  }
  return input;
}

// `others`: none for the thresholds of the record.
Result<Recomputed> recompute_checked(const Json& record, const model::Thresholds* others) {
  const WallTime at = model::time_at(record, "at");
  const model::Thresholds limits = thresholds_of(record.at("thresholds"));
  auto verdict = anomaly::explain_evidence_under(record.at("evidence"), limits,
                                                 others == nullptr ? limits : *others, at);
  if (!verdict) return verdict.error();
  if (const auto found = record.find("peers"); found != record.end()) {
    anomaly::Peers peers;
    found->at("group").get_to(peers.group);
    found->at("online").get_to(peers.online);
    found->at("risen").get_to(peers.risen);
    anomaly::add_peers(*verdict, peers);
  }
  Recomputed made{std::move(*verdict), std::nullopt};
  if (const auto found = record.find("input"); found != record.end()) {
    Input input = input_of(*found);
    input.now = at;
    input.verdict = made.verdict;
    made.decision = evaluate(input);
  }
  return made;
}

Result<Recomputed> recompute_guarded(const Json& record, const model::Thresholds* others) {
  try {
    const int engine = record.at("engine").get<int>();
    if (engine != anomaly::kEngineVersion) {
      return fail(Errc::kUnavailable, "made by engine " + std::to_string(engine) +
                                          "; this program has engine " +
                                          std::to_string(anomaly::kEngineVersion));
    }
    return recompute_checked(record, others);
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("no record of a decision: ") + misfit(error));
  }
}

}  // namespace

Json verdict_record(const Grounds& grounds) {
  Json record{{"engine", anomaly::kEngineVersion},
              {"at", model::time_json(grounds.at)},
              {"thresholds", thresholds_json(grounds.thresholds)},
              {"evidence", grounds.evidence}};
  if (grounds.peers.online > 0) {
    record["peers"] = Json{{"group", grounds.peers.group},
                           {"online", grounds.peers.online},
                           {"risen", grounds.peers.risen}};
  }
  return record;
}

Json decision_record(const Grounds& grounds, const Input& input) {
  Json record = verdict_record(grounds);
  record["input"] = input_json(input);
  return record;
}

Result<Recomputed> recompute(const Json& record) {
  return recompute_guarded(record, nullptr);
}

Result<Recomputed> recompute_under(const Json& record, const model::Thresholds& others) {
  return recompute_guarded(record, &others);
}

}  // namespace ota::gate

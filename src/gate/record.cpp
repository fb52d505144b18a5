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

// The members of an input, named once for writing and reading. The binding names all of them, so
// that one more does not compile until it has its line. `now` and `verdict` stand in the grounds.
template <class Some, class Visit>
void each_member(Some& input, Visit&& visit) {
  auto& [now, device, spec, record, online, silent_for, verdict, release, release_published,
         confirmed_published_sha256, running_job, override_reason, again, unsaved, ddi, unusable,
         window, stop, data] = input;
  visit("device", device);
  visit("spec", spec);
  visit("record", record);
  visit("online", online);
  visit("silent_for_ms", silent_for);
  visit("release", release);
  visit("release_published", release_published);
  visit("confirmed_published_sha256", confirmed_published_sha256);
  visit("running_job", running_job);
  visit("override_reason", override_reason);
  visit("again", again);
  visit("unsaved", unsaved);
  visit("ddi", ddi);
  visit("unusable", unusable);
  visit("window", window);
  visit("stop", stop);
  visit("data", data);
}
template <class Some, class Visit>
void each_ddi_member(Some& side, Visit&& visit) {
  auto& [agent_asks, has_agent, polls, silent_for, policy] = side;
  visit("agent_asks", agent_asks);
  visit("has_agent", has_agent);
  visit("polls", polls);
  visit("silent_for_ms", silent_for);
  visit("policy", policy);
}
template <class Some, class Visit>
void each_unusable_member(Some& readings, Visit&& visit) {
  auto& [clock_off, ahead] = readings;
  visit("clock_off", clock_off);
  visit("ahead_ms", ahead);
}
template <class Some, class Visit>
void each_window_member(Some& state, Visit&& visit) {
  auto& [open, name, until] = state;
  visit("open", open);
  visit("name", name);
  visit("until", until);
}

template <class Some, class Visit>
void each_data_member(Some& side, Visit&& visit) {
  auto& [limit, used, planned, fits_at] = side;
  visit("limit", limit);
  visit("used", used);
  visit("planned", planned);
  visit("fits_at", fits_at);
}
template <class Some, class Visit>
void each_stop_member(Some& stop, Visit&& visit) {
  auto& [at, actor, reason] = stop;
  visit("at", at);
  visit("actor", actor);
  visit("reason", reason);
}

// Writes members into an object; what is not there is left out.
struct Writer {
  Json& out;

  template <class T>
  void operator()(const char* name, const T& value) {
    out[name] = value;
  }
  void operator()(const char* name, milliseconds value) { out[name] = value.count(); }
  void operator()(const char* name, WallTime value) { out[name] = model::time_json(value); }
  void operator()(const char* name, const DdiSide& side) {
    each_ddi_member(side, Writer{out[name] = Json::object()});
  }
  void operator()(const char* name, const Unusable& readings) {
    each_unusable_member(readings, Writer{out[name] = Json::object()});
  }
  void operator()(const char* name, const model::WindowState& state) {
    each_window_member(state, Writer{out[name] = Json::object()});
  }
  void operator()(const char* name, const DataSide& side) {
    each_data_member(side, Writer{out[name] = Json::object()});
  }
  void operator()(const char* name, const model::Stop& stop) {
    each_stop_member(stop, Writer{out[name] = Json::object()});
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) (*this)(name, *value);
  }
};

// Reads them from one. Throws where a member that must be there is missing or of another kind.
struct Reader {
  const Json& in;

  template <class T>
  void operator()(const char* name, T& value) {
    in.at(name).get_to(value);
  }
  void operator()(const char* name, milliseconds& value) {
    value = milliseconds(in.at(name).get<std::int64_t>());
  }
  void operator()(const char* name, WallTime& value) { value = model::time_at(in, name); }
  void operator()(const char* name, DdiSide& side) { each_ddi_member(side, Reader{in.at(name)}); }
  void operator()(const char* name, Unusable& readings) {
    each_unusable_member(readings, Reader{in.at(name)});
  }
  void operator()(const char* name, model::WindowState& state) {
    each_window_member(state, Reader{in.at(name)});
  }
  void operator()(const char* name, DataSide& side) { each_data_member(side, Reader{in.at(name)}); }
  void operator()(const char* name, model::Stop& stop) {
    each_stop_member(stop, Reader{in.at(name)});
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    if (in.contains(name)) (*this)(name, value.emplace());
  }
};

Json input_json(const Input& input) {
  Json out = Json::object();
  each_member(input, Writer{out});
  return out;
}

Input input_of(const Json& in) {
  Input input;
  each_member(input, Reader{in});
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

Result<void> same_version(const std::string& part, int made_by, int here) {
  if (made_by == here) return {};
  return fail(Errc::kUnavailable, "made by " + part + " " + std::to_string(made_by) +
                                      "; this program has " + part + " " + std::to_string(here));
}

Result<Recomputed> recompute_guarded(const Json& record, const model::Thresholds* others) {
  try {
    if (auto same = same_version("engine", record.at("engine").get<int>(), anomaly::kEngineVersion);
        !same) {
      return same.error();
    }
    if (record.contains("input")) {
      const int gate = record.contains("gate") ? record.at("gate").get<int>() : 1;
      if (auto same = same_version("gate", gate, kGateVersion); !same) return same.error();
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
  record["gate"] = kGateVersion;
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

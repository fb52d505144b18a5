#include "api/json_views.h"

#include <string>

#include "base/decimal.h"
#include "fleet/ddi_machine.h"
#include "model/time_json.h"

namespace ota::api {
namespace {

using model::time_json;

// Readings by their names; null where the device did not send one.
Json values_json(const std::array<std::optional<float>, model::kMetricCount>& values) {
  Json out = Json::object();
  for (const auto& [metric, word] : model::kMetricWords) {
    const auto& value = values.at(static_cast<std::size_t>(metric));
    out[std::string(word)] = value ? Json(as_written(*value)) : Json(nullptr);
  }
  return out;
}

std::string_view phase_text(model::ServerStatus::Phase phase) {
  using Phase = model::ServerStatus::Phase;
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kUp:
      return "up";
    case Phase::kDown:
      return "down";
    case Phase::kDraining:
      return "draining";
  }
  return "?";
}

std::string_view phase_text(model::AgentStatus::Phase phase) {
  using Phase = model::AgentStatus::Phase;
  switch (phase) {
    case Phase::kStopped:
      return "stopped";
    case Phase::kStarting:
      return "starting";
    case Phase::kRunning:
      return "running";
    case Phase::kBackoff:
      return "waiting";
    case Phase::kFailed:
      return "failed";
  }
  return "?";
}

}  // namespace

Json row_json(const fleet::DeviceRow& row) {
  Json out{{"id", row.id},
           {"hardware", row.hardware()},
           {"group", row.group()},
           {"listed", row.listed()},
           {"enrolled", row.enrolled()},
           {"revoked", row.revoked()},
           {"second_key_seen", row.second_key_seen()},
           {"in_two_places", row.in_two_places()},
           {"online", row.online},
           {"over_ddi", row.over_ddi},
           {"two_clients", row.two_clients},
           {"readings_unusable", row.readings_unusable},
           {"local", row.local},
           {"state", std::string(fleet::to_text(row.state))},
           {"level", row.level},
           {"risk", row.risk},
           {"label", row.label},
           {"level_since", time_json(row.level_since)},
           {"facts", row.facts()},
           {"values", values_json(row.values)},
           {"last_seen", time_json(row.last_seen)},
           {"gate", row.gate},
           {"refused_samples", row.refused_samples}};
  out["version"] = row.facts().confirmed ? Json(row.facts().confirmed->version) : Json(nullptr);
  out["target"] = row.target ? Json(*row.target) : Json(nullptr);
  if (const std::string client = row.ddi_client(); !client.empty()) out["ddi_client"] = client;
  if (row.clock_off) out["clock_off_s"] = row.clock_off->count();
  if (row.record && row.record->certificate_expires != WallTime{})
    out["certificate_ends"] = time_json(row.record->certificate_expires);
  if (!row.job.empty()) {
    out["job"] = row.job;
    out["job_state"] = row.job_state;
    out["job_percent"] = row.job_percent;
  }
  return out;
}

Json detail_json(const fleet::DeviceDetail& detail) {
  Json history = Json::array();
  for (const fleet::HistoryPoint& point : detail.history) {
    Json entry = values_json(point.values);
    entry["at"] = time_json(point.at);
    entry["score"] = as_written(point.score);
    entry["level"] = point.level;
    history.push_back(std::move(entry));
  }
  Json out{{"row", row_json(detail.row)},
           {"verdict", detail.verdict},
           {"history", std::move(history)},
           {"jobs", detail.jobs}};
  out["spec"] = detail.spec ? Json(*detail.spec) : Json(nullptr);
  out["record"] = detail.record ? Json(*detail.record) : Json(nullptr);
  if (detail.record && detail.record->ddi) {
    out["record"]["ddi"].erase("token_hash");
    out["ddi_log"] = fleet::last_ddi_log(detail.jobs);
  }
  out["gate"] = detail.gate ? Json(*detail.gate) : Json(nullptr);
  return out;
}

Json counts_json(const fleet::Counts& counts) {
  Json versions = Json::object();
  for (const auto& [version, devices] : counts.versions)
    versions[version] = devices;
  return {{"devices", counts.devices},
          {"online", counts.online},
          {"stable", counts.stable},
          {"watch", counts.watch},
          {"critical", counts.critical},
          {"unknown", counts.unknown},
          {"updating", counts.updating},
          {"failed", counts.failed},
          {"rolled_back", counts.rolled_back},
          {"certificates_ending", counts.certificates_ending},
          {"certificates_ended", counts.certificates_ended},
          {"versions", std::move(versions)}};
}

Json stop_json(const model::Stop* stop) {
  if (stop == nullptr) return nullptr;
  return {{"at", model::time_json(stop->at)}, {"actor", stop->actor}, {"reason", stop->reason}};
}

Json server_json(const model::ServerStatus& status) {
  return {{"phase", std::string(phase_text(status.phase))},
          {"listen", status.listen},
          {"ddi_listen", status.ddi_listen},
          {"problem", status.problem},
          {"started", time_json(status.started)},
          {"ca_fingerprint", status.ca_fingerprint},
          {"requests_per_second", status.requests_per_second},
          {"connections", status.connections},
          {"errors_4xx", status.errors_4xx},
          {"errors_5xx", status.errors_5xx},
          {"refused_handshakes", status.refused_handshakes}};
}

Json agents_json(const std::vector<model::AgentStatus>& agents) {
  Json out = Json::array();
  for (const model::AgentStatus& agent : agents) {
    out.push_back({{"id", agent.id},
                   {"phase", std::string(phase_text(agent.phase))},
                   {"pid", agent.pid},
                   {"restarts", agent.restarts},
                   {"since", time_json(agent.since)},
                   {"next_try", time_json(agent.next_try)},
                   {"last_exit", agent.last_exit},
                   {"output", agent.output}});
  }
  return out;
}

Json problems_json(const std::vector<fleet::ConfigProblem>& problems) {
  Json out = Json::array();
  for (const fleet::ConfigProblem& problem : problems) {
    out.push_back({{"file", problem.file},
                   {"message", problem.message},
                   {"since", time_json(problem.since)}});
  }
  return out;
}

}  // namespace ota::api

#include "agents/update_state.h"

#include <stdexcept>

#include "model/time_json.h"

namespace ota::agent {
namespace {

constexpr int kFormat = 1;

Json report_json(const std::string& job, const model::JobReport& report) {
  return Json{{"job", job}, {"report", report}};
}

Slot slot_at(const Json& in, const char* key) {
  const auto slot = parse_slot(in.at(key).get_ref<const std::string&>());
  if (!slot) throw std::invalid_argument(std::string(key) + " is no slot");
  return *slot;
}

Json trial_json(const Trial& trial) {
  return Json{{"slot", std::string(folder_name(trial.slot))},
              {"image", trial.image},
              {"job", trial.job},
              {"attempt", trial.attempt},
              {"boots", trial.boots},
              {"failure_code", trial.failure_code},
              {"failure", trial.failure}};
}

Trial trial_of(const Json& in) {
  Trial trial;
  trial.slot = slot_at(in, "slot");
  in.at("image").get_to(trial.image);
  in.at("job").get_to(trial.job);
  in.at("attempt").get_to(trial.attempt);
  in.at("boots").get_to(trial.boots);
  in.at("failure_code").get_to(trial.failure_code);
  in.at("failure").get_to(trial.failure);
  return trial;
}

UpdateState read(const Json& in) {
  if (in.at("format").get<int>() != kFormat) throw std::invalid_argument("unknown format");
  UpdateState state;
  state.confirmed_slot = slot_at(in, "confirmed_slot");
  in.at("confirmed").get_to(state.confirmed);
  in.at("highest").get_to(state.highest);
  if (in.contains("previous")) state.previous = in["previous"].get<model::Image>();
  if (in.contains("job")) {
    const Json& job = in["job"];
    state.job = ActiveJob{job.at("id").get<std::string>(),
                          job.at("attempt").get<int>(),
                          job.at("release").get<model::Release>(),
                          job.at("download_tries").get<unsigned>(),
                          job.value("word", ""),
                          job.value("nonce", ""),
                          job.value("admitted", false),
                          job.value("patch", ""),
                          {}};
    for (const Json& entry : job.value("without_patch", Json::array())) {
      state.job->without_patch.push_back(
          {entry.at("sha256").get<std::string>(), entry.at("code").get<std::string>()});
    }
  }
  if (in.contains("trial")) state.trial = trial_of(in["trial"]);
  for (const Json& entry : in.at("outbox")) {
    state.outbox.push_back(
        {entry.at("job").get<std::string>(), entry.at("report").get<model::JobReport>()});
  }
  for (const Json& entry : in.at("finished")) {
    state.finished.push_back({entry.at("job").get<std::string>(), entry.at("attempt").get<int>(),
                              entry.value("sha256", ""),
                              entry.at("report").get<model::JobReport>()});
  }
  in.at("next_seq").get_to(state.next_seq);
  in.at("fallback").get_to(state.fallback);
  in.at("fallback_sha256").get_to(state.fallback_sha256);
  state.clock_floor = model::time_at(in, "clock_floor");
  if (in.contains("spent")) in["spent"].get_to(state.spent);
  if (in.contains("floor")) in["floor"].get_to(state.floor);
  if (in.contains("restarts")) {
    for (const Json& entry : in["restarts"]) {
      const auto at = parse_rfc3339(entry.get_ref<const std::string&>());
      if (!at) throw std::invalid_argument("a restart's time is none");
      state.restarts.push_back(*at);
    }
  }
  return state;
}

}  // namespace

Json to_document(const UpdateState& state) {
  Json out{{"format", kFormat},
           {"confirmed_slot", std::string(folder_name(state.confirmed_slot))},
           {"confirmed", state.confirmed},
           {"highest", state.highest},
           {"next_seq", state.next_seq},
           {"fallback", state.fallback},
           {"fallback_sha256", state.fallback_sha256},
           {"clock_floor", model::time_json(state.clock_floor)},
           {"outbox", Json::array()},
           {"finished", Json::array()},
           {"spent", state.spent},
           {"floor", state.floor},
           {"restarts", Json::array()}};
  for (const WallTime at : state.restarts)
    out["restarts"].push_back(format_rfc3339(at));
  if (state.previous) out["previous"] = *state.previous;
  if (state.job) {
    out["job"] = Json{{"id", state.job->id},
                      {"attempt", state.job->attempt},
                      {"release", state.job->release},
                      {"download_tries", state.job->download_tries},
                      {"word", state.job->word},
                      {"nonce", state.job->nonce},
                      {"admitted", state.job->admitted},
                      {"patch", state.job->patch},
                      {"without_patch", Json::array()}};
    for (const RefusedPatch& refused : state.job->without_patch) {
      out["job"]["without_patch"].push_back(
          Json{{"sha256", refused.sha256}, {"code", refused.code}});
    }
  }
  if (state.trial) out["trial"] = trial_json(*state.trial);
  for (const QueuedReport& entry : state.outbox)
    out["outbox"].push_back(report_json(entry.job, entry.report));
  for (const FinishedJob& entry : state.finished) {
    Json finished = report_json(entry.id, entry.report);
    finished["attempt"] = entry.attempt;
    finished["sha256"] = entry.sha256;
    out["finished"].push_back(std::move(finished));
  }
  return out;
}

Result<UpdateState> from_document(const Json& document) {
  try {
    if (const int format = document.at("format").get<int>(); format > kFormat) {
      return fail(Errc::kConflict, "written by a newer agent (form " + std::to_string(format) +
                                       ", this one knows " + std::to_string(kFormat) + ")");
    }
    return read(document);
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("update state: ") + misfit(error));
  }
}

}  // namespace ota::agent

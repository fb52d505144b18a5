#include "world/oracle.h"

#include <array>

#include "world/invariants/all.h"

namespace ota::world {

std::vector<Json> updates_told(const Device* device, const Request& asked,
                               const http::Response& answer) {
  if (device == nullptr || answer.status != 200 || !asked.target.starts_with("/v1/commands"))
    return {};
  const auto said = parse_json(answer.body);
  if (!said) return {};
  std::vector<Json> updates;
  for (const Json& command : (*said)["commands"]) {
    if (command["type"] == "update") updates.push_back(command);
  }
  return updates;
}

std::optional<std::string> id_between(std::string_view target, std::string_view before,
                                      std::string_view after) {
  if (!target.starts_with(before) || !target.ends_with(after) ||
      target.size() < before.size() + after.size())
    return std::nullopt;
  return std::string(target.substr(before.size(), target.size() - before.size() - after.size()));
}

namespace {

// The last four are looked at by the world itself (world.cpp): they watch nothing.
std::unique_ptr<Invariant> by_the_world() {
  return std::make_unique<Invariant>();
}

constexpr std::array kInvariants{
    InvariantKind{"shown-was-true", "the version that is shown was confirmed by the device",
                  shown_was_true},
    InvariantKind{"counted-was-confirmed",
                  "a success is of an image that started and was confirmed", counted_was_confirmed},
    InvariantKind{"always-bootable", "one slot boots, and its image is whole", always_bootable},
    InvariantKind{"acknowledged-is-kept", "nothing that was acknowledged is lost",
                  acknowledged_is_kept},
    InvariantKind{"final-is-final", "a job that has ended stays as it ended", final_is_final},
    InvariantKind{"job-has-deadline", "no open job without a live deadline, nor two of a device",
                  job_has_deadline},
    InvariantKind{"offer-was-allowed", "no command without the gate's allow on disk",
                  offer_was_allowed},
    InvariantKind{"cancelled-is-over", "no offer after a cancel, no install of what is cancelled",
                  cancelled_is_over},
    InvariantKind{"never-below-floor", "no device tries a version below its signed floor",
                  never_below_floor},
    InvariantKind{"only-published-runs", "no device starts what was not signed for its model",
                  only_published_runs},
    InvariantKind{"token-once", "a join code lets in once", token_once},
    InvariantKind{"revoked-stays-out", "a revoked certificate opens nothing", revoked_stays_out},
    InvariantKind{"own-jobs-only", "a device says nothing about another one's job", own_jobs_only},
    InvariantKind{"verdict-survives", "no verdict gets better by a restart", verdict_survives},
    InvariantKind{"gate-word-is-the-gates", "the GATE column is the gate's answer of now",
                  gate_word_is_the_gates},
    InvariantKind{"log-is-whole", "the log grows at its end alone", log_is_whole},
    InvariantKind{"clone-is-noticed", "two machines with one identity are told", clone_is_noticed},
    InvariantKind{"everything-comes-to-rest",
                  "after the faults all are heard of and no job is open", everything_comes_to_rest},
    InvariantKind{"ends-are-counted-once", "the counts of ends are the counts of jobs",
                  ends_are_counted_once},
    InvariantKind{"ill-is-not-kept", "no device confirms an image whose own check fails",
                  ill_is_not_kept},
    InvariantKind{"newest-report-counts",
                  "no report that was acknowledged is undone by an older one",
                  newest_report_counts},
    InvariantKind{"trial-is-counted", "a start of an image on trial counts as one",
                  trial_is_counted},
    InvariantKind{"reports-are-delivered",
                  "an update's end is kept until the server has answered it",
                  reports_are_delivered},
    InvariantKind{"ddi-is-true", "what is said of a device on DDI is what it did", ddi_is_true},
    InvariantKind{"stopped-is-stopped", "no update is handed out while updates are stopped",
                  stopped_is_stopped},
    InvariantKind{"budget-is-kept", "no update is handed out that a data budget has no room for",
                  budget_is_kept},
    InvariantKind{"saved-is-kept", "what an agent made durable outlives a power cut",
                  saved_is_kept},
    InvariantKind{"started-was-allowed",
                  "a device starts no image that the server did not tell it to take",
                  started_was_allowed},
    InvariantKind{"screen-is-true", "the console's screen says nothing that is not so",
                  screen_is_true},
    InvariantKind{"import-is-told", "the log tells each state that was put back", import_is_told},
    InvariantKind{"no-server-error", "no request is answered by 500", no_server_error},
    InvariantKind{"server-starts", "the server opens whatever its disk holds after a cut",
                  by_the_world},
    InvariantKind{"updates-go-on", "whatever happened, a new release reaches every device",
                  by_the_world},
    InvariantKind{"restart-keeps-all", "a restart changes no record and no job", by_the_world},
    InvariantKind{"no-exception", "no part of the program throws out of itself", by_the_world},
};

}  // namespace

std::span<const InvariantKind> invariant_kinds() {
  return kInvariants;
}

Oracle::Oracle() {
  for (const InvariantKind& kind : kInvariants)
    watching_.push_back(kind.make());
}

// What watches nothing never breaks.
void Oracle::leave_out(std::string_view name) {
  for (std::size_t i = 0; i < watching_.size(); ++i) {
    if (kInvariants[i].name == name) watching_[i] = std::make_unique<Invariant>();
  }
}

}  // namespace ota::world

// Jobs, running and past, the steps of the selected one, and what is published.
#include <algorithm>

#include "base/text.h"
#include "console/export.h"
#include "console/views/table.h"
#include "console/views/view_spec.h"
#include "model/failure_code.h"

namespace ota::console {
namespace {

using Align = TableColumn::Align;
using model::Job;

enum Column : std::size_t {
  kJob,
  kDevice,
  kVersion,
  kState,
  kProgress,
  kTry,
  kAge,
  kWatch,
  kResult
};

Table job_table(int width) {
  return Table({{"JOB", 10, 3},
                {"DEVICE", 10, 0, Align::kLeft, 10},
                {"VERSION", 8, 0, Align::kLeft, 2},
                {"STATE", 11, 0},
                {"PROGRESS", 8, 1, Align::kLeft, 8},
                {"TRY", 3, 5, Align::kRight},
                {"AGE", 5, 2, Align::kRight},
                {"WATCH", 9, 4},
                {"RESULT", 8, 0, Align::kLeft, 50}},
               2, width);
}

// How far a job has come, in percent: the download is the part that has measured progress.
int progress_of(const Job& job) {
  using State = model::JobState;
  switch (job.state) {
    case State::kQueued:
    case State::kSent:
      return 0;
    case State::kDownloading:
      return job.percent * 60 / 100;
    case State::kVerifying:
      return 65;
    case State::kInstalling:
      return 75;
    case State::kBooting:
      return 85;
    case State::kConfirming:
      return 95;
    case State::kSucceeded:
      return 100;
    default:
      return job.percent * 60 / 100;
  }
}

// "64 %  212.0 KiB/s  7s left": measured from when the download began.
std::string download_text(const Job& job, WallTime now) {
  std::string text = std::to_string(job.percent) + " %";
  const auto step = std::find_if(job.steps.rbegin(), job.steps.rend(), [](const auto& done) {
    return done.state == model::JobState::kDownloading;
  });
  if (step == job.steps.rend() || job.percent <= 0) return text;
  const auto took = std::chrono::duration<double>(now - step->at).count();
  if (took < 1) return text;
  const std::uint64_t comes = job.fetch ? job.fetch->bytes : job.release.length;
  const double done = static_cast<double>(comes) * job.percent / 100;
  const double left = took * (100 - job.percent) / job.percent;
  return text + "  " + format_bytes(static_cast<std::uint64_t>(done / took)) + "/s  " +
         format_age(seconds(static_cast<long>(left))) + " left";
}

std::string result_of(const Job& job, WallTime now) {
  if (job.state == model::JobState::kDownloading) return download_text(job, now);
  if (job.error_code.empty()) return job.detail;
  return job.error_code + (job.detail.empty() ? "" : ": " + job.detail);
}

// What an operator can do about a job that did not end well; empty where nothing is to be done.
std::string next_step(const Job& job) {
  if (job.watch == model::Watch::kRegressed)
    return "the device turned critical after it: Enter, then b takes the update back";
  switch (job.state) {
    case model::JobState::kRolledBack:
      return "safe on its old image, which is not offered this release again: mend the release, or "
             "push with --again; Enter, then a acknowledges";
    case model::JobState::kFailed: {
      const model::FailureCode* code = model::find_failure_code(job.error_code);
      const std::string cause = code != nullptr && !code->remedy.empty()
                                    ? std::string(code->remedy) + " Then"
                                    : "Mend the cause above, then";
      return cause + " u asks again; Enter, then a acknowledges";
    }
    case model::JobState::kExpired:
      return "the device did not answer in time: is it online? then u asks again";
    default:
      return {};
  }
}

void draw_job_row(const Area& area, int y, const Table& table, const Scene& scene, const Job& job) {
  table.cell(area, y, kJob, job.id, {Ink::kDim});
  table.cell(area, y, kDevice, job.device);
  table.cell(area, y, kVersion, job.release.version.label());
  table.cell(area, y, kState, to_text(job.state), style_of(job.state));
  if (table.shows(kProgress)) {
    draw_bar(area, table.place(kProgress), y, table.width(kProgress), progress_of(job),
             style_of(job.state));
  }
  table.cell(area, y, kTry, std::to_string(job.attempt));
  table.cell(area, y, kAge, format_age(std::max(milliseconds(0), scene.model.now - job.created)),
             {Ink::kDim});
  const bool regressed = job.watch == model::Watch::kRegressed;
  table.cell(area, y, kWatch, job.watch == model::Watch::kNone ? "-" : to_text(job.watch),
             regressed ? bold(Ink::kBad) : Style{Ink::kDim});
  table.cell(area, y, kResult, result_of(job, scene.model.now), style_of(job.state));
}

const Job* selected_job(const Scene& scene) {
  const auto& jobs = scene.model.jobs;
  if (jobs.empty()) return nullptr;
  return jobs[index_of(jobs, scene.state.job).value_or(0)];
}

// What is published, newest first.
void draw_releases(const Area& area, const Scene& scene) {
  area.rule(0, "Published");
  const auto& releases = scene.model.fleet->releases;
  int y = 1;
  for (std::size_t i = 0; releases && i < releases->size(); ++i) {
    const model::Release& release = (*releases)[i];
    std::string models;
    for (const std::string& model : release.hardware)
      models += (models.empty() ? "" : ",") + model;
    area.put(1, y, release.version.label(), bold());
    area.put(10, y, to_text(release.release_class), {Ink::kDim});
    area.put(22, y, models);
    if (area.columns() >= 60)
      area.put(36, y, format_bytes(release.length) + "  " + release.notes, {Ink::kDim});
    ++y;
  }
  if (y == 1) area.put(1, 1, "nothing; otactl firmware add FILE", {Ink::kDim});
}

void draw_steps(const Area& area, const Scene& scene) {
  const Job* job = selected_job(scene);
  if (job == nullptr) return draw_releases(area, scene);
  area.rule(0, job->id + "  " + job->device + "  " + job->release.version.label(),
            "by " + job->actor + (job->override_reason.empty() ? "" : ", override"));
  const std::string next = next_step(*job);
  const int room = area.rows() - (next.empty() ? 1 : 3);
  const int lines = static_cast<int>(job->steps.size()) + (job->override_reason.empty() ? 0 : 1);
  int y = 1;
  if (!job->override_reason.empty() && room > 0) {
    area.put(1, y++, "override: " + job->override_reason, {Ink::kWarn});
  }
  // The newest steps where not all fit.
  const auto skipped = static_cast<std::size_t>(std::max(0, lines - room));
  for (std::size_t i = skipped; i < job->steps.size(); ++i, ++y) {
    const model::JobStep& step = job->steps[i];
    area.put(1, y, time_of_day(step.at), {Ink::kDim});
    area.put(12, y, to_text(step.state), style_of(step.state));
    area.put(25, y, step.detail);
  }
  if (next.empty()) return;
  area.put(1, y, "next", bold());
  put_wrapped(area, 12, y, next);
}

void draw_updates(const Area& area, const Scene& scene) {
  const int side = area.columns() >= 180 ? 80 : area.columns() >= 120 ? 38 : 0;
  const int width = area.columns() - side;
  const int steps = area.rows() >= 16 ? std::max(6, area.rows() * 2 / 5) : 0;
  const Area list = area.part(0, 0, width, area.rows() - steps);
  const auto& jobs = scene.model.jobs;
  const auto running =
      std::count_if(jobs.begin(), jobs.end(), [](const Job* job) { return !is_final(job->state); });
  // Of many, the newest are listed; the counts are of all.
  const fleet::Snapshot& fleet = *scene.model.fleet;
  std::uint64_t all = fleet.running_jobs;
  for (const auto& [state, count] : fleet.job_counts.ended)
    all += count;
  const bool lists_all = all <= fleet.jobs.size();
  const std::string of_all = lists_all ? "" : " of " + std::to_string(all);
  const std::string ended =
      lists_all ? ""
                : "  " + std::to_string(fleet.job_counts.of(model::JobState::kSucceeded)) +
                      " succeeded  " +
                      std::to_string(fleet.job_counts.of(model::JobState::kFailed)) + " failed";
  list.rule(0, "Updates " + std::to_string(jobs.size()) + of_all,
            std::to_string(lists_all ? static_cast<std::size_t>(running) : fleet.running_jobs) +
                " running" + ended +
                (fleet.job_counts.saved_bytes > 0
                     ? "  saved " + format_bytes(fleet.job_counts.saved_bytes)
                     : "") +
                "  filter " + (scene.state.job_filter.empty() ? "none" : scene.state.job_filter));
  if (jobs.empty()) {
    list.put(
        3, 2,
        scene.state.job_filter.empty()
            ? "No update yet.  u in the summary (1) starts one for the selected or marked devices."
            : "No job matches the filter.  Esc clears it.");
  } else {
    const Table table = job_table(width);
    table.header(list, 1);
    const int visible = list.rows() - 2;
    const std::size_t selected = index_of(jobs, scene.state.job).value_or(0);
    const int first = first_shown(selected, jobs.size(), visible);
    for (int i = 0; i < visible && first + i < static_cast<int>(jobs.size()); ++i) {
      const auto index = to_index(first + i);
      draw_job_row(list, i + 2, table, scene, *jobs[index]);
      if (index == selected) list.set(0, i + 2, U'▸', bold(Ink::kAccent));
    }
  }
  if (steps > 0) draw_steps(area.part(0, area.rows() - steps, width, steps), scene);
  if (side == 0) return;
  for (int y = 0; y < area.rows(); ++y)
    area.set(width, y, U'│', {Ink::kDim});
  draw_releases(area.part(width + 1, 0, side - 1, area.rows()), scene);
  area.set(width, 0, U'┬', {Ink::kDim});
}

void draw_updates_line(const Area& row, const Scene& scene) {
  const auto& jobs = scene.model.fleet->jobs;
  const auto count = [&](auto wanted) {
    return static_cast<std::size_t>(std::count_if(
        jobs.begin(), jobs.end(), [&](const auto& job) { return wanted(job->state); }));
  };
  using State = model::JobState;
  const std::size_t releases =
      scene.model.fleet->releases ? scene.model.fleet->releases->size() : 0;
  int x = row.put(1, 0, std::to_string(releases) + " images published") + 2;
  x = put_count(row, x, count([](State state) { return !is_final(state); }), "running",
                bold(Ink::kBusy));
  x = put_count(row, x, count([](State state) { return state == State::kSucceeded; }), "succeeded",
                {Ink::kGood});
  x = put_count(row, x, count([](State state) { return state == State::kFailed; }), "failed",
                bold(Ink::kBad));
  x = put_count(row, x, count([](State state) { return state == State::kRolledBack; }),
                "rolled back", bold(Ink::kWarn));
  warn_of_keys(row, x, scene);
}

std::string job_text(const Scene& scene) {
  const auto& jobs = scene.model.jobs;
  if (jobs.empty()) return {};
  const model::Job& job = *jobs[index_of(jobs, scene.state.job).value_or(0)];
  std::string text = job.id + "  " + job.device + "  " + job.release.version.label() + "  " +
                     std::string(to_text(job.state)) + "  " + std::to_string(job.percent) +
                     " %  try " + std::to_string(job.attempt);
  for (const std::string& part : {job.error_code, job.detail}) {
    if (!part.empty()) text += "  " + part;
  }
  return text;
}

std::string device_of_job(const Model& model, const UiState& state) {
  // Also of a device that is not known any more: the refusal names it.
  if (model.jobs.empty()) return {};
  return model.jobs[index_of(model.jobs, state.job).value_or(0)]->device;
}

void move_in_jobs(const Stage& stage, long lines) {
  const auto& jobs = stage.model.jobs;
  if (jobs.empty()) return;
  stage.state.job = jobs[moved_index(index_of(jobs, stage.state.job), jobs.size(), lines)]->id;
}

void open_device(const Stage& stage) {
  const std::string device = device_of_job(stage.model, stage.state);
  if (device.empty()) return;
  stage.state.device = device;
  show(stage.state, View::kDevice);
}

constexpr std::array<Binding, 2> kKeys{{
    {Action::kCancelJob, "c", "cancel", "cancel the selected job...", "cancel...", Access::kFull},
    {Action::kShowTrust, "K", "keys and trust",
     "signing roles, and changes that wait for signatures", "keys"},
}};

}  // namespace

ViewSpec updates_view() {
  return {.id = View::kUpdates,
          .title = "Updates",
          .tab = "Updates",
          .word = "updates",
          .show = Action::kShowUpdates,
          .keys = kKeys,
          .draw = draw_updates,
          .context = draw_updates_line,
          .device = device_of_job,
          .move = move_in_jobs,
          .open = open_device,
          .back = [](UiState& state) { state.job_filter.clear(); },
          .filter = [](UiState& state) -> std::string& { return state.job_filter; },
          .copy = job_text,
          .export_stem = [](const UiState&) { return std::string("jobs"); },
          .export_suffix = "jsonl",
          .export_text = [](const Scene& scene) { return json_lines(scene.model.jobs); }};
}

}  // namespace ota::console

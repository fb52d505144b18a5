#include "base/text.h"
#include "gate/checks.h"

namespace ota::gate::rules {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "nothing" : out;
}

}  // namespace

// -- published --

Reason published(const Question& asked) {
  if (asked.release != nullptr) return Reason::kPublished;
  return asked.wanted != nullptr ? Reason::kNotPublished : Reason::kNoTarget;
}

Words published_words(const Input& input, Reason found) {
  const std::string required = "in the signed metadata";
  const std::string label = input.release.version.label();
  if (found == Reason::kPublished) return {label + " is published", required, ""};
  return {found == Reason::kNoTarget ? "no target version is set"
                                     : label + " is not in the signed metadata",
          required, "publish it: otactl firmware add, or choose a version of otactl firmware list"};
}

// -- hardware --

constexpr std::string_view kNotListed = "unknown";

Reason hardware(const Question& asked) {
  if (asked.release == nullptr) return Reason::kNothingToFit;
  // Both as views: a string made of either would be gone at the end of the line.
  const std::string_view listed =
      asked.spec != nullptr ? std::string_view(asked.spec->hardware) : kNotListed;
  const bool says_other = asked.record != nullptr && !asked.record->hardware.empty() &&
                          asked.record->hardware != listed;
  if (says_other) return Reason::kSaysOtherModel;
  return asked.release->fits(listed) ? Reason::kFits : Reason::kOtherModel;
}

Words hardware_words(const Input& input, Reason found) {
  if (found == Reason::kNothingToFit) return {"no release to compare", "", ""};
  const std::string required = "one of " + joined(input.release.hardware);
  const std::string listed = input.spec ? input.spec->hardware : std::string(kNotListed);
  switch (found) {
    case Reason::kFits:
      return {listed, required, ""};
    case Reason::kSaysOtherModel:
      return {"listed as " + listed + ", says that it is " + input.record->hardware, required,
              "correct its model in config/devices.json or in the agent's configuration"};
    default:
      return {listed, required, "choose a release made for " + listed};
  }
}

// -- version --

// An image is its version and its digest: the same version with another digest is neither newer nor
// what the device has. A DDI client names a version alone.
Reason version(const Question& asked) {
  if (asked.record == nullptr || !asked.record->facts.confirmed) {
    return asked.ddi ? Reason::kDdiNoVersion : Reason::kNoVersion;
  }
  const model::Image& confirmed = *asked.record->facts.confirmed;
  static const model::Version kNone;
  const model::Version& wanted = asked.wanted != nullptr ? *asked.wanted : kNone;
  if (wanted > confirmed.version) return Reason::kNewer;
  if (wanted < confirmed.version) return Reason::kOlder;
  const bool other = asked.release != nullptr && !asked.release->sha256.empty() &&
                     !confirmed.sha256.empty() && asked.release->sha256 != confirmed.sha256;
  return other ? Reason::kOtherImage : Reason::kUpToDate;
}

Words version_words(const Input& input, Reason found) {
  const std::string required = "newer than the confirmed version";
  if (found == Reason::kDdiNoVersion) {
    return {"its attributes do not say which version it runs", required, ""};
  }
  if (found == Reason::kNoVersion) {
    return {"no confirmed version", required, "wait for the device's first report"};
  }
  const model::Image& confirmed = *input.record->facts.confirmed;
  const std::string observed =
      "confirmed " + confirmed.version.label() + ", asked for " + input.release.version.label();
  switch (found) {
    case Reason::kNewer:
      return {observed, required, ""};
    case Reason::kUpToDate:
      return {observed, required, "nothing to do"};
    case Reason::kOtherImage:
      return {"confirmed " + describe(confirmed) + ", asked for " +
                  describe({input.release.version, input.release.sha256}),
              required, "publish the image under a newer version"};
    default:
      return {observed, required,
              "choose a version newer than " + confirmed.version.label() +
                  "; to go back to the previous slot use rollback"};
  }
}

// -- no job --

Reason no_job(const Question& asked) {
  return asked.job_running ? Reason::kJobRunning : Reason::kNoJob;
}

Words no_job_words(const Input& input, Reason found) {
  const std::string required = "no update running";
  if (found == Reason::kNoJob) return {"none running", required, ""};
  const model::Job& job = *input.running_job;
  return {job.id + " to " + job.release.version.label() + " is " +
              std::string(model::to_text(job.state)),
          required, "wait for it, or otactl cancel " + job.id};
}

// -- not rejected --

Reason not_rejected(const Question& asked) {
  if (asked.record == nullptr || asked.release == nullptr || asked.release->sha256.empty()) {
    return Reason::kNotRejected;
  }
  if (!asked.record->rejected.contains(asked.release->sha256)) return Reason::kNotRejected;
  return asked.again ? Reason::kOfferedAgain : Reason::kRejected;
}

Words not_rejected_words(const Input& input, Reason found) {
  const std::string required = "never fallen back from";
  if (found == Reason::kNotRejected) {
    return {input.record ? "never fallen back from" : "never tried", required, ""};
  }
  const std::string observed =
      "fell back from it: " + input.record->rejected.at(input.release.sha256);
  return {observed, required,
          found == Reason::kOfferedAgain ? "offered again by explicit word"
                                         : "publish a mended version, or push with --again"};
}

// -- not stopped --

// No override helps: whoever stops everything means everything.
Reason not_stopped(const Question& asked) {
  return asked.stopped ? Reason::kStopped : Reason::kNotStopped;
}

Words not_stopped_words(const Input& input, Reason found) {
  const std::string required = "no operator has stopped all updates";
  if (found == Reason::kNotStopped) return {"not stopped", required, ""};
  const model::Stop& stop = *input.stop;
  return {"stopped by " + stop.actor + " at " + format_rfc3339(stop.at, Fraction::kNone) + ": " +
              stop.reason,
          required, "otactl resume, or ! in the console, when the reason is gone"};
}

// -- maintenance window --

Reason maintenance_window(const Question& asked) {
  if (!asked.window_open) return Reason::kNoWindow;
  if (*asked.window_open) return Reason::kWindowOpen;
  return overridden(asked) ? Reason::kWindowOverridden : Reason::kWindowClosed;
}

Words maintenance_window_words(const Input& input, Reason found) {
  const std::string required = "within a maintenance window of its group";
  if (found == Reason::kNoWindow) return {"no window names its group", required, ""};
  const model::WindowState& window = *input.window;
  const std::string until = format_rfc3339(window.until, Fraction::kNone);
  if (found == Reason::kWindowOpen) return {window.name + " is open until " + until, required, ""};
  const std::string observed =
      "closed; " + window.name + " opens " + until + ", in " + format_age(window.until - input.now);
  if (found == Reason::kWindowOverridden) {
    return {observed, required, "overridden: " + input.override_reason};
  }
  std::string remedy = "push at or after " + until;
  if (input.release.release_class != model::ReleaseClass::kFunctional) {
    remedy += "; or push with --override \"reason\"";
  }
  return {observed, required, remedy};
}

// -- data budget --

Reason data_budget(const Question& asked) {
  if (!asked.data) return Reason::kNoBudget;
  if (asked.data->used + asked.data->planned <= asked.data->limit) return Reason::kWithinBudget;
  return overridden(asked) ? Reason::kBudgetOverridden : Reason::kBudgetUsed;
}

Words data_budget_words(const Input& input, Reason found) {
  const std::string required = "within its data budget";
  if (found == Reason::kNoBudget) return {"no data budget holds for it", required, ""};
  const DataSide& data = *input.data;
  std::string observed = format_bytes(data.used) + " of " + format_bytes(data.limit) +
                         " fetched in the last 24 hours, " + format_bytes(data.planned) +
                         " to come";
  if (found == Reason::kWithinBudget) return {observed, required, ""};
  std::string until;
  if (data.fits_at) {
    until = format_rfc3339(*data.fits_at, Fraction::kNone);
    observed += "; used until " + until + ", for " + format_age(*data.fits_at - input.now);
  } else {
    observed += ", which is more than a day's";
  }
  if (found == Reason::kBudgetOverridden) {
    return {observed, required, "overridden: " + input.override_reason};
  }
  std::string remedy = data.fits_at ? "push at or after " + until
                                    : "raise data_budget in config/ota_settings.json, or make a "
                                      "patch: otactl firmware patches";
  if (input.release.release_class != model::ReleaseClass::kFunctional) {
    remedy += "; or push with --override \"reason\"";
  }
  return {observed, required, remedy};
}

// -- state saved --

Reason state_saved(const Question& asked) {
  return asked.unsaved ? Reason::kUnsaved : Reason::kSaved;
}

Words state_saved_words(const Input& input, Reason found) {
  const std::string required = "decisions are on disk before anyone is told";
  if (found == Reason::kSaved) return {"saved", required, ""};
  return {input.unsaved->empty() ? "not written" : *input.unsaved, required,
          "free disk space or make state/ writable"};
}

}  // namespace ota::gate::rules

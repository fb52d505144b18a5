// May this device have this image now? An ordered list of named checks, each a pure function of the
// input.
//
// The order of the table decides which refusal is the headline. One exception: a device that is
// known, enrolled, runs a trusted image and has the version already is skipped even where it is
// silent or sick, because nothing would be sent to it.
//
// An override ("remediation" or "security" release and a reason in words) turns a refusal of the
// verdict or of a closed maintenance window into kOverridden; it helps no other check, and a
// functional release never.
//
// Pure: no clock, no I/O; any thread. The same input gives the same Decision.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/job.h"
#include "model/maintenance.h"
#include "model/release.h"
#include "model/settings.h"
#include "model/verdict.h"

namespace ota::gate {

// A device that is updated over DDI: its polls are what is heard of it, and the policy says whether
// it may go without the rest.
struct DdiSide {
  bool has_agent = false;  // an agent on it is enrolled: then telemetry decides as everywhere
  bool polls = false;      // lately
  milliseconds silent_for{0};
  model::DdiWithoutTelemetry policy = model::DdiWithoutTelemetry::kBlock;
};

// Everything that a check may look at, gathered by the caller at one instant.
struct Input {
  WallTime now;
  std::string device;                         // as asked for
  std::optional<model::DeviceSpec> spec;      // whitelist entry, where there is one
  std::optional<model::DeviceRecord> record;  // enrolment and facts, where there are any
  bool online = false;
  milliseconds silent_for{0};  // since the last accepted sample
  model::Verdict verdict;
  model::Release release;
  bool release_published = true;  // still in the signed metadata
  std::optional<std::string>
      confirmed_published_sha256;         // digest that the catalogue has for the confirmed version
  std::optional<model::Job> running_job;  // a job of this device that is not final
  std::string override_reason;            // empty: none
  bool again = false;                     // explicit word: offer a release that it fell back from
  std::optional<std::string> unsaved;     // why the state takes no writes, where it takes none
  std::optional<DdiSide> ddi;             // it is updated over DDI
  std::optional<model::WindowState> window;  // maintenance windows name its group
};

// What a check found, and the two to four words that head a refusal because of it.
struct Finding {
  model::CheckResult result = model::CheckResult::kBlock;
  std::string observed;  // what is, in words and numbers
  std::string required;  // what would pass
  std::string remedy;    // what would have to change; empty where it passed
  std::string_view reason = {};
};

struct Check {
  std::string_view name;  // unique, as shown
  std::string_view help;  // one sentence
  Finding (*evaluate)(const Input&);
};

// The checks in their order: known, enrolled, online, trusted-image, verdict, published, hardware,
// version, no-job, not-rejected, window. The last is told of devices that have one.
std::span<const Check> checks();

// All checks are evaluated, so that the operator sees every reason at once; the first block or skip
// gives the headline.
model::Decision evaluate(const Input& input);

// The same for a question that starts nothing: where the answer is allow, the headline says
// "ALLOWED: Update to v2.1.5 may start now" and not that it was initiated.
model::Decision preview(const Input& input);

// The headline without its first word: "Anomaly Detected", "Device already on v2.1.5".
std::string_view headline_reason(const model::Decision& decision);

// A decision that allowed, turned into a refusal, since what cannot be written down is not started.
// It stands outside the table: it is about the server and not about the device. evaluate() does so
// where the input says that nothing can be saved.
model::Decision refuse_unsaved(model::Decision decision, const std::string& problem);

}  // namespace ota::gate

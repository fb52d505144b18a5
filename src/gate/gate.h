// May this device have this image now? An ordered list of named checks, each a pure function of the
// input.
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
#include "model/release.h"
#include "model/settings.h"
#include "model/verdict.h"

namespace ota::gate {

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
};

struct Check {
  std::string_view name;  // unique, as shown
  std::string_view help;  // one sentence
  model::CheckOutcome (*evaluate)(const Input&);
};

// The checks in their order: known, enrolled, online, trusted-image, verdict, hardware, version,
// no-job, not-rejected.
std::span<const Check> checks();

// All checks are evaluated, so that the operator sees every reason at once; the first block or skip
// gives the headline.
model::Decision evaluate(const Input& input);

}  // namespace ota::gate

// May this device have this image now? An ordered list of named checks (reason.h), each a pure
// function of the question.
//
// A check costs nanoseconds and answers with a Reason; sentences with numbers are made only where
// somebody reads them. So the summary's column and a decision are the same checks: the column asks
// for the reason alone.
//
// The order of the table decides which refusal is the headline. One exception: a device that is
// known, enrolled, runs a trusted image and has the version already is skipped even where it is
// silent or sick, because nothing would be sent to it.
//
// An override ("remediation" or "security" release and a reason in words) turns a refusal of the
// verdict, of a closed maintenance window or of a data budget into kOverridden; it helps no other
// check, and a functional release never.
//
// Pure: no clock, no I/O; any thread. The same input gives the same Decision.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "gate/reason.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/job.h"
#include "model/maintenance.h"
#include "model/release.h"
#include "model/settings.h"
#include "model/stop.h"
#include "model/verdict.h"

namespace ota::gate {

// Of the rules and their words: raised with each change that makes another Decision of the same
// input. A record of another version is shown and not made again. 1: before records named it.
inline constexpr int kGateVersion = 4;

// A device that is updated over DDI: its polls are what is heard of it, and the policy says whether
// it may go without the rest.
struct DdiSide {
  bool agent_asks = false;  // for updates too: two clients at once
  bool has_agent = false;   // an agent on it is enrolled: then telemetry decides as everywhere
  bool polls = false;       // lately
  milliseconds silent_for{0};
  model::DdiWithoutTelemetry policy = model::DdiWithoutTelemetry::kBlock;
};

// It is connected, and sends readings that cannot be used.
struct Unusable {
  bool clock_off = false;  // that is why; else they are refused for what they say
  milliseconds ahead{0};   // its clock, before the server's; negative: behind
};

// A data budget holds for the device (model/data_budget.h). Bytes.
struct DataSide {
  std::uint64_t limit = 0;          // in any 24 hours
  std::uint64_t used = 0;           // in those before now
  std::uint64_t planned = 0;        // by this update; 0: there is no release
  std::optional<WallTime> fits_at;  // when it is within the limit; none: time cannot bring that
};

// What the rules look at, borrowed from whoever asks: it makes no copies, so that it can be asked
// of every device.
struct Question {
  WallTime now;
  const model::DeviceSpec* spec = nullptr;      // null: not in the whitelist
  const model::DeviceRecord* record = nullptr;  // null: never enrolled, nothing heard
  bool online = false;
  model::Level level = model::Level::kUnknown;
  bool incomplete = false;                  // unknown for want of a reading, though others come
  const model::Version* wanted = nullptr;   // null: no target is set
  const model::Release* release = nullptr;  // null: not in the signed metadata
  std::string_view published_sha256 = {};   // of the confirmed version; empty: not published
  bool job_running = false;
  std::string_view override_reason = {};
  bool again = false;
  bool unsaved = false;
  std::optional<DdiSide> ddi = std::nullopt;
  std::optional<Unusable> unusable = std::nullopt;
  std::optional<bool> window_open = std::nullopt;  // none: no window names its group
  bool stopped = false;
  std::optional<DataSide> data = std::nullopt;  // none: no budget
};

// Everything that a decision is made and told of, gathered by the caller at one instant.
struct Input {
  WallTime now;
  std::string device;                         // as asked for
  std::optional<model::DeviceSpec> spec;      // whitelist entry, where there is one
  std::optional<model::DeviceRecord> record;  // enrolment and facts, where there are any
  bool online = false;
  milliseconds silent_for{0};  // since the last accepted sample; negative: none
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
  std::optional<Unusable> unusable;       // where it is not online for that
  std::optional<model::WindowState> window;  // maintenance windows name its group
  std::optional<model::Stop> stop;           // an operator has stopped all updates
  std::optional<DataSide> data;              // a data budget holds for it
};

// Borrows from `input`.
Question question_of(const Input& input);

// What a check found, for people.
struct Words {
  std::string observed;  // what is, in words and numbers
  std::string required;  // what would pass
  std::string remedy;    // what would have to change; empty where it passed
};

struct Check {
  CheckName name;
  Reason (*judge)(const Question&);
  Words (*words)(const Input&, Reason);  // for a reason that its rule gave
};

// In the order of CheckName.
std::span<const Check, kCheckCount> checks();

// Whether a device that runs `image` is trusted: kPublishedImage, kKnownImage, or why it is not
// (kNoDigest, kAlteredImage, kUnknownImage). A part of the trusted-image check, asked too before a
// device is sent back to `image`. `published_sha256`: what the catalogue has of its version for its
// hardware, empty where it is not published. `known`: the images that the device is known to have.
Reason image_trust(const model::Image& image, std::string_view published_sha256,
                   std::span<const model::Image> known);

// What one check says, whatever the others do.
Reason judge(CheckName check, const Input& input);

// The reason that heads the answer: kAllowed, or the first block or skip. No allocation.
Reason deciding_reason(const Question& asked);

// All checks are told, so that the operator sees every reason at once; the headline is that of
// deciding_reason().
model::Decision evaluate(const Input& input);

// The same for a question that starts nothing: where the answer is allow, the headline says
// "ALLOWED: Update to v2.1.5 may start now" and not that it was initiated.
model::Decision preview(const Input& input);

// The headline without its first word: "Anomaly Detected", "Device already on v2.1.5".
std::string_view headline_reason(const model::Decision& decision);

// A decision that allowed, turned into a refusal, since it could not be written down: what
// evaluate() says at once where the input says that nothing can be saved.
model::Decision refuse_unsaved(model::Decision decision, const std::string& problem);

}  // namespace ota::gate

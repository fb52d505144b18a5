// What the update client must know after a power cut: one document, replaced whole (README.md has
// its form).
//
// Progress, the report queue and the trial of a new image stand in the same document, so that no
// two of them can disagree. Plain values; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/slot.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/device.h"
#include "model/job.h"
#include "model/release.h"

namespace ota::agent {

// A shorter way for an image that did not lead to it.
struct RefusedPatch {
  std::string sha256;  // of the patch or packed image
  std::string code;    // why
};

// The update in progress, as long as the new image is not armed.
struct ActiveJob {
  std::string id;
  int attempt = 1;
  model::Release release;
  unsigned download_tries = 0;  // failed ones
  std::string word{};           // the director's
  std::string nonce{};          // of the word
  bool admitted = false;        // the word was found good: it is spent when the job ends
  std::string patch{};          // sha256 of what the image is made of; empty: it comes as such
  std::vector<RefusedPatch> without_patch{};
};

// An image that was, or is about to be, made the current one and is not confirmed.
struct Trial {
  Slot slot = Slot::kB;
  model::Image image;
  std::string job;  // empty: an operator's rollback
  int attempt = 1;
  unsigned boots = 0;        // starts from `slot` so far
  std::string failure_code;  // not empty: the device is on its way back to the confirmed slot
  std::string failure;
};

struct QueuedReport {
  std::string job;
  model::JobReport report;
};

struct FinishedJob {
  std::string id;
  int attempt = 1;
  std::string sha256;       // of the job's image; empty where it is not known
  model::JobReport report;  // the final one
};

struct UpdateState {
  Slot confirmed_slot = Slot::kA;
  model::Image confirmed;
  model::Version highest;  // ever confirmed, or the floor where that is higher
  model::Version floor{};  // signed: no order of anybody's takes the device below it
  std::optional<model::Image>
      previous;  // in the other slot: confirmed earlier, whole, good to return to
  std::optional<ActiveJob> job;
  std::optional<Trial> trial;
  std::vector<QueuedReport> outbox;   // oldest first
  std::vector<FinishedJob> finished;  // the last few, oldest first
  std::uint64_t next_seq = 1;
  std::string fallback;         // why the device last fell back; empty after an update that held
  std::string fallback_sha256;  // the image that it fell back from
  WallTime clock_floor;         // newest time that is known to have passed
  std::vector<std::string> spent{};  // nonces of words that had their job, oldest first
  std::vector<WallTime> restarts{};  // that a server caused, the last few, oldest first
};

Json to_document(const UpdateState& state);
// kInvalid where the document is not one of ours, kConflict where a newer agent has written it.
Result<UpdateState> from_document(const Json& document);

}  // namespace ota::agent

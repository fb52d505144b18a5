// The dialog that starts an update, as a state machine: keys and answers in, requests out.
//
//   version --Enter--> checking --answer--> gate --Enter--> confirm --Start--> sending --answer-->
//   closed
//                         ^                  | o: reason ---+   (more than one device: the version
//                         is typed)
//                         +------ r, x ------+
//
// Each device's gate result stands there before anything is asked, and nothing is sent before the
// last step but evaluations that store nothing. Esc goes one step back, Cancel is preselected. Late
// answers are known by their ticket. Pure; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/key.h"
#include "fleet/fleet.h"
#include "model/release.h"

namespace ota::console {

using Releases = std::shared_ptr<const std::vector<model::Release>>;

class UpdateFlow {
 public:
  enum class Step : std::uint8_t {
    kVersion,
    kChecking,
    kGate,
    kReason,
    kConfirm,
    kSending,
    kClosed
  };

  // What must be sent to the backend; its answer comes back by answered() with the same ticket.
  struct Ask {
    unsigned ticket = 0;
    fleet::PushRequest request;
  };

  // `releases`, newest first, is not empty; `preferred` is selected where it is among them.
  UpdateFlow(std::vector<std::string> devices, Releases releases,
             const std::optional<model::Version>& preferred);

  // Starts with this version's gate check at once, as the command line does.
  std::optional<Ask> choose(const model::Version& version);
  std::optional<Ask> handle(const Key& key);
  void answered(unsigned ticket, const Result<std::vector<fleet::PushOutcome>>& answer);

  // -- for the view --
  Step step() const { return step_; }
  const std::vector<std::string>& devices() const { return devices_; }
  const std::vector<model::Release>& releases() const { return *releases_; }
  std::size_t release_index() const { return release_; }
  const model::Release& release() const { return (*releases_)[release_]; }
  const std::vector<fleet::PushOutcome>& outcomes() const { return outcomes_; }
  std::size_t outcome_index() const { return outcome_; }
  const std::string& reason() const { return reason_; }
  const std::string& typed() const { return typed_; }
  const std::string& problem() const { return problem_; }
  bool on_start() const { return on_start_; }
  // The devices that the last step sends: those that the gate allows, or all where it allows none
  // (the refusal is then recorded).
  std::vector<std::string> to_send() const;
  bool any_allowed() const;
  bool needs_typing() const { return to_send().size() > 1; }
  bool may_override() const { return release().release_class != model::ReleaseClass::kFunctional; }
  // What was answered to the push; only in kClosed, none where nothing was sent.
  const std::optional<Result<std::vector<fleet::PushOutcome>>>& result() const { return result_; }

 private:
  Ask ask(std::vector<std::string> devices, bool dry_run);
  std::optional<Ask> check();
  std::optional<Ask> handle_version(const Key& key);
  std::optional<Ask> handle_gate(const Key& key);
  std::optional<Ask> handle_reason(const Key& key);
  std::optional<Ask> handle_confirm(const Key& key);
  std::optional<Ask> leave_out();

  std::vector<std::string> devices_;
  Releases releases_;
  std::size_t release_ = 0;
  Step step_ = Step::kVersion;
  unsigned ticket_ = 0;
  std::vector<fleet::PushOutcome> outcomes_;
  std::size_t outcome_ = 0;
  std::string reason_;
  std::string typed_;
  std::string problem_;
  bool on_start_ = false;
  std::optional<Result<std::vector<fleet::PushOutcome>>> result_;
};

// Adds a key or a paste to a line that is being typed, or takes from it; at most `limit` bytes.
// False where the key is no text.
bool edit_line(std::string& line, const Key& key, std::size_t limit = 200);

}  // namespace ota::console

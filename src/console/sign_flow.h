// The dialog that signs a waiting change, as a state machine: keys in, one request out.
//
//   words --Enter--> key file --Enter--> passphrase --Enter--> sending --answer--> closed
//
// What would be signed stands there in words before a key or a passphrase is asked for, and the
// request carries the digest of exactly those words' bytes. Esc goes one step back. The passphrase
// is never shown, and wiped when it was sent. Pure; one thread at a time.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "console/key.h"
#include "tuf/ceremony.h"
#include "tuf/sign_order.h"

namespace ota::console {

class SignFlow {
 public:
  enum class Step : std::uint8_t { kWords, kKey, kPassphrase, kSending, kClosed };

  explicit SignFlow(tuf::PendingRole change) : change_(std::move(change)) {}

  std::optional<tuf::SignOrder> handle(const Key& key);
  void answered(const Result<tuf::Outcome>& answer);

  // -- for the view --
  Step step() const { return step_; }
  const tuf::PendingRole& change() const { return change_; }
  int scroll() const { return scroll_; }
  const std::string& key_file() const { return key_file_; }
  std::size_t passphrase_length() const { return passphrase_.size(); }
  const std::string& problem() const { return problem_; }
  // What was answered; only in kClosed, none where nothing was sent.
  const std::optional<tuf::Outcome>& outcome() const { return outcome_; }

 private:
  void read(const Key& key);

  tuf::PendingRole change_;
  Step step_ = Step::kWords;
  int scroll_ = 0;
  std::string key_file_;
  std::string passphrase_;
  std::string problem_;
  std::optional<tuf::Outcome> outcome_;
};

}  // namespace ota::console

#include "console/update_flow.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

bool is_text(const Key& key, char32_t point) {
  return key.kind == Kind::kText && key.point == point;
}

// The index after a key that moves in a list of `count`.
std::size_t moved(std::size_t index, std::size_t count, const Key& key) {
  if (count == 0) return 0;
  if (key.kind == Kind::kUp || is_text(key, U'k')) return index == 0 ? 0 : index - 1;
  if (key.kind == Kind::kDown || is_text(key, U'j')) return std::min(index + 1, count - 1);
  if (key.kind == Kind::kHome) return 0;
  if (key.kind == Kind::kEnd) return count - 1;
  return index;
}

}  // namespace

bool edit_line(std::string& line, const Key& key, std::size_t limit) {
  if (key.kind == Kind::kBackspace) {
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80)
      line.pop_back();
    if (!line.empty()) line.pop_back();
    return true;
  }
  if (key.kind == Kind::kCtrl && key.point == U'u') return line.clear(), true;
  std::string more;
  if (key.kind == Kind::kPaste) {
    more = printable(key.text, limit);
  } else if (key.kind == Kind::kText) {
    // ASCII is enough for names, versions and words of a filter; a reason may hold more by paste.
    if (key.point >= 0x80) return true;
    more = std::string(1, static_cast<char>(key.point));
  } else {
    return false;
  }
  if (line.size() + more.size() <= limit) line += more;
  return true;
}

UpdateFlow::UpdateFlow(std::vector<std::string> devices, Releases releases,
                       const std::optional<model::Version>& preferred)
    : devices_(std::move(devices)), releases_(std::move(releases)) {
  OTA_ASSERT(!devices_.empty() && releases_ && !releases_->empty());
  for (std::size_t i = 0; preferred && i < releases_->size(); ++i) {
    if ((*releases_)[i].version == *preferred) release_ = i;
  }
}

UpdateFlow::Ask UpdateFlow::ask(std::vector<std::string> devices, bool dry_run) {
  fleet::PushRequest request;
  request.devices = std::move(devices);
  request.version = release().version;
  request.override_reason = reason_;
  request.dry_run = dry_run;
  request.actor = "console";
  return {++ticket_, std::move(request)};
}

std::optional<UpdateFlow::Ask> UpdateFlow::check() {
  step_ = Step::kChecking;
  problem_.clear();
  return ask(devices_, true);
}

std::optional<UpdateFlow::Ask> UpdateFlow::choose(const model::Version& version) {
  for (std::size_t i = 0; i < releases_->size(); ++i) {
    if ((*releases_)[i].version != version) continue;
    release_ = i;
    return check();
  }
  problem_ = version.label() + " is not published";
  return std::nullopt;
}

bool UpdateFlow::any_allowed() const {
  return std::any_of(outcomes_.begin(), outcomes_.end(), [](const fleet::PushOutcome& outcome) {
    return outcome.decision.answer == model::Answer::kAllow;
  });
}

std::vector<std::string> UpdateFlow::to_send() const {
  std::vector<std::string> chosen;
  const bool some = any_allowed();
  for (const fleet::PushOutcome& outcome : outcomes_) {
    if (some && outcome.decision.answer != model::Answer::kAllow) continue;
    chosen.push_back(outcome.decision.device);
  }
  return chosen;
}

void UpdateFlow::answered(unsigned ticket, const Result<std::vector<fleet::PushOutcome>>& answer) {
  if (ticket != ticket_) return;  // of a step that was left
  if (step_ == Step::kSending) {
    result_ = answer;
    step_ = Step::kClosed;
  } else if (step_ == Step::kChecking) {
    if (!answer) {
      problem_ = answer.error().text();
      step_ = Step::kVersion;
      return;
    }
    outcomes_ = *answer;
    outcome_ = std::min(outcome_, outcomes_.empty() ? 0 : outcomes_.size() - 1);
    step_ = Step::kGate;
  }
}

std::optional<UpdateFlow::Ask> UpdateFlow::handle(const Key& key) {
  switch (step_) {
    case Step::kVersion:
      return handle_version(key);
    case Step::kGate:
      return handle_gate(key);
    case Step::kReason:
      return handle_reason(key);
    case Step::kConfirm:
      return handle_confirm(key);
    case Step::kChecking:
      if (key.kind == Kind::kEscape) {
        ++ticket_;
        step_ = Step::kVersion;
      }
      return std::nullopt;
    case Step::kSending:  // it is on its way; the answer closes the dialog
    case Step::kClosed:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<UpdateFlow::Ask> UpdateFlow::handle_version(const Key& key) {
  if (key.kind == Kind::kEscape) {
    step_ = Step::kClosed;
    return std::nullopt;
  }
  if (key.kind == Kind::kEnter) return check();
  release_ = moved(release_, releases_->size(), key);
  return std::nullopt;
}

std::optional<UpdateFlow::Ask> UpdateFlow::leave_out() {
  if (outcomes_.size() < 2) {
    problem_ = "the last device cannot be left out; Esc goes back";
    return std::nullopt;
  }
  const std::string left = outcomes_[outcome_].decision.device;
  outcomes_.erase(outcomes_.begin() + static_cast<std::ptrdiff_t>(outcome_));
  std::erase(devices_, left);
  outcome_ = std::min(outcome_, outcomes_.size() - 1);
  return std::nullopt;
}

std::optional<UpdateFlow::Ask> UpdateFlow::handle_gate(const Key& key) {
  problem_.clear();
  if (key.kind == Kind::kEscape) {
    reason_.clear();
    step_ = Step::kVersion;
  } else if (key.kind == Kind::kEnter && !outcomes_.empty()) {
    typed_.clear();
    on_start_ = false;
    step_ = Step::kConfirm;
  } else if (is_text(key, U'r')) {
    return check();
  } else if (is_text(key, U'x') && !outcomes_.empty()) {
    return leave_out();
  } else if (is_text(key, U'o')) {
    if (may_override()) {
      step_ = Step::kReason;
    } else {
      problem_ = "a functional release cannot be overridden; only security and remediation ones";
    }
  } else {
    outcome_ = moved(outcome_, outcomes_.size(), key);
  }
  return std::nullopt;
}

std::optional<UpdateFlow::Ask> UpdateFlow::handle_reason(const Key& key) {
  if (key.kind == Kind::kEscape) {
    reason_.clear();
    step_ = Step::kGate;
  } else if (key.kind == Kind::kEnter) {
    if (!reason_.empty()) return check();
    problem_ = "an override needs a reason; it is kept in the audit log";
  } else {
    edit_line(reason_, key);
  }
  return std::nullopt;
}

std::optional<UpdateFlow::Ask> UpdateFlow::handle_confirm(const Key& key) {
  problem_.clear();
  if (key.kind == Kind::kEscape) {
    step_ = Step::kGate;
  } else if (key.kind == Kind::kTab || key.kind == Kind::kBackTab || key.kind == Kind::kLeft ||
             key.kind == Kind::kRight) {
    on_start_ = !on_start_;
  } else if (key.kind == Kind::kEnter) {
    if (!on_start_) {
      step_ = Step::kClosed;
      return std::nullopt;
    }
    const model::Version& version = release().version;
    if (needs_typing() && typed_ != version.text() && typed_ != version.label()) {
      problem_ = "type " + version.text() + " to confirm for more than one device";
      return std::nullopt;
    }
    step_ = Step::kSending;
    return ask(to_send(), false);
  } else if (needs_typing()) {
    edit_line(typed_, key, 64);
  }
  return std::nullopt;
}

}  // namespace ota::console

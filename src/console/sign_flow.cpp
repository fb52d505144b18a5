#include "console/sign_flow.h"

#include <algorithm>

#include "console/update_flow.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

constexpr std::size_t kLongestPath = 400;
constexpr int kPage = 8;

}  // namespace

void SignFlow::read(const Key& key) {
  const bool text = key.kind == Kind::kText;
  int lines = 0;
  if (key.kind == Kind::kDown || (text && key.point == U'j')) lines = 1;
  if (key.kind == Kind::kUp || (text && key.point == U'k')) lines = -1;
  if (key.kind == Kind::kPageDown) lines = kPage;
  if (key.kind == Kind::kPageUp) lines = -kPage;
  const int last = std::max(0, static_cast<int>(change_.words.size()) - 1);
  scroll_ = std::clamp(scroll_ + lines, 0, last);
}

std::optional<tuf::SignOrder> SignFlow::handle(const Key& key) {
  if (step_ == Step::kSending) return std::nullopt;
  problem_.clear();
  const bool enter = key.kind == Kind::kEnter;
  const bool back = key.kind == Kind::kEscape;
  switch (step_) {
    case Step::kWords:
      if (back) {
        step_ = Step::kClosed;
      } else if (enter) {
        step_ = Step::kKey;
      } else {
        read(key);
      }
      return std::nullopt;
    case Step::kKey:
      if (back) {
        step_ = Step::kWords;
      } else if (!enter) {
        edit_line(key_file_, key, kLongestPath);
      } else if (key_file_.empty()) {
        problem_ = "a key file such as /media/stick/targets-1.pem, or pkcs11:token=T;object=O";
      } else {
        step_ = Step::kPassphrase;
      }
      return std::nullopt;
    case Step::kPassphrase:
      if (back) {
        passphrase_.clear();
        step_ = Step::kKey;
      } else if (!enter) {
        edit_line(passphrase_, key, kLongestPath);
      } else {
        step_ = Step::kSending;
        tuf::SignOrder ask{change_.role, change_.sha256, key_file_, passphrase_};
        std::ranges::fill(passphrase_, '\0');
        passphrase_.clear();
        return ask;
      }
      return std::nullopt;
    case Step::kSending:
    case Step::kClosed:
      return std::nullopt;
  }
  return std::nullopt;
}

void SignFlow::answered(const Result<tuf::Outcome>& answer) {
  if (step_ != Step::kSending) return;
  if (answer) {
    outcome_ = *answer;
    step_ = Step::kClosed;
    return;
  }
  problem_ = answer.error().text();
  step_ = Step::kPassphrase;
}

}  // namespace ota::console

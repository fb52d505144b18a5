#include "fleet/identity_watch.h"

#include <algorithm>
#include <utility>

namespace ota::fleet {
namespace {

// A request of the start before may be on its way for this long after a restart.
constexpr seconds kStraggler{5};
// So many returns, none longer than this after the one before, are no accident.
constexpr std::uint8_t kProof = 3;
constexpr std::chrono::hours kMemory{1};

}  // namespace

void IdentityWatch::move_to(const model::BootId& boot, std::string_view address, MonoTime since) {
  boot_ = boot;
  since_ = since;
  if (address == address_) return;
  other_address_ = std::exchange(address_, std::string(address));
}

IdentityWatch::Places IdentityWatch::odd(MonoTime now) {
  if (returns_ > 0 && now - last_return_ > kMemory) returns_ = 0;
  last_return_ = now;
  returns_ = std::min<std::uint8_t>(returns_ + 1, kProof);
  return returns_ == kProof ? Places::kTwo : Places::kOne;
}

IdentityWatch::Places IdentityWatch::heard(const model::BootId& boot, std::string_view address,
                                           const Clock& clock) {
  if (any_ && boot == boot_) return Places::kOne;
  const MonoTime now = clock.mono();
  if (!any_) {
    any_ = true;
    move_to(boot, address, now);
    return Places::kOne;
  }
  const auto known = std::find(earlier_.begin(), earlier_.end(), boot);
  if (known == earlier_.end()) {
    earlier_[next_earlier_] = boot_;
    next_earlier_ = static_cast<std::uint8_t>((next_earlier_ + 1) % earlier_.size());
    contradicted_ = 0;
    move_to(boot, address, now);
    return Places::kOne;
  }
  if (since_ != MonoTime{} && now - since_ < kStraggler) return Places::kOne;
  *known = boot_;
  move_to(boot, address, MonoTime{});
  return odd(now);
}

IdentityWatch::Places IdentityWatch::contradicted(std::uint64_t seq, std::string_view address,
                                                  const Clock& clock) {
  if (seq <= contradicted_) return Places::kOne;
  contradicted_ = seq;
  if (address != address_) other_address_ = address;
  return odd(clock.mono());
}

std::string IdentityWatch::addresses() const {
  if (other_address_.empty() || other_address_ == address_) return address_;
  return other_address_ + " and " + address_;
}

}  // namespace ota::fleet

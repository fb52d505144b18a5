#include "main/operator_asks.h"

#include <utility>

namespace ota::main {

void OperatorAsks::listen_on(std::uint16_t port) {
  const MutexLock lock(mutex_);
  other_port_ = OtherPort{port, std::nullopt};
}

std::uint16_t OperatorAsks::port_for(std::uint16_t configured) {
  const MutexLock lock(mutex_);
  if (!other_port_) return configured;
  if (!other_port_->in_place_of) other_port_->in_place_of = configured;
  if (*other_port_->in_place_of != configured) other_port_.reset();
  return other_port_ ? other_port_->port : configured;
}

bool OperatorAsks::demonstration(Done& done) {
  const MutexLock lock(mutex_);
  if (demonstration_) return false;
  demonstration_ = std::move(done);
  return true;
}

OperatorAsks::Done OperatorAsks::take_demonstration() {
  const MutexLock lock(mutex_);
  return std::exchange(demonstration_, nullptr);
}

}  // namespace ota::main

#include "agents/server_time.h"

#include <chrono>

namespace ota::agent {
namespace {

constexpr milliseconds kSlowest{10000};    // an answer that took longer tells too little
constexpr milliseconds kTolerance{5000};   // clocks that are set by the network differ by less
constexpr milliseconds kDrift{2000};       // more than whole seconds and a slow line account for
constexpr milliseconds kHalfASecond{500};  // a Date is cut to whole seconds

milliseconds span(MonoTime from, MonoTime to) {
  return std::chrono::duration_cast<milliseconds>(to - from);
}

}  // namespace

void ServerTime::heard(WallTime date, MonoTime asked, MonoTime answered, WallTime own) {
  const milliseconds took = span(asked, answered);
  if (took > kSlowest) return;
  const WallTime server = date + kHalfASecond + took / 2;
  // What is known already holds as long as it agrees: stamps go on evenly.
  const bool holds = known_ && std::chrono::abs(server - (server_ + span(at_, answered))) < kDrift;
  if (!holds) {
    known_ = true;
    at_ = answered;
    server_ = server;
  }
  const milliseconds ahead = own - (server_ + span(at_, answered));
  const milliseconds before = seconds(off_.load());
  if (std::chrono::abs(ahead) < kTolerance) {
    off_ = kAgrees;
  } else if (std::chrono::abs(ahead - before) >= kDrift) {
    off_ = std::chrono::duration_cast<seconds>(ahead).count();
  }
}

std::optional<seconds> ServerTime::off() const {
  const seconds ahead(off_.load());
  return ahead.count() == kAgrees ? std::nullopt : std::optional(ahead);
}

// Not by off(): a clock that jumped since the last answer is found out here.
WallTime ServerTime::stamp(MonoTime at, WallTime own) const {
  if (!known_) return own;
  const WallTime server = server_ + span(at_, at);
  return std::chrono::abs(own - server) < kTolerance ? own : server;
}

}  // namespace ota::agent

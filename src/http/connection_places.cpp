#include "http/connection_places.h"

#include <algorithm>
#include <utility>

#include "base/host_port.h"

namespace ota::http {
namespace {

// Told to go and not gone: more newcomers than this at once are refused instead.
constexpr std::uint32_t kMostLeaving = 1024;

}  // namespace

ConnectionPlaces::Entry ConnectionPlaces::enter(const std::string& address,
                                                const model::ServerLimits& limits, MonoTime now) {
  std::string key = address_key(address);
  Entry entry;
  const MutexLock lock(mutex_);
  const auto strangers = static_cast<std::uint32_t>(strangers_.size());
  const std::uint32_t live = open_ - leaving_;
  const std::uint32_t known = live - strangers;
  const std::uint32_t rest = limits.connections > known ? limits.connections - known : 0;
  const std::uint32_t room = std::max(kSpare, std::min(limits.stranger_connections, rest));
  const auto mine = by_key_.find(key);
  if (mine != by_key_.end() && mine->second.size() >= limits.connections_per_address) {
    entry.crowd = Crowd::kAddress;
    if (now - mine->second.front()->since < kTimeToSpeak) return entry;
    entry.out = mine->second.front();
  } else if (strangers >= room) {
    entry.crowd = rest < room ? Crowd::kAll : Crowd::kStrangers;
    entry.out = strangers_.front();
  }
  if (entry.out) {
    if (leaving_ >= kMostLeaving) return {nullptr, nullptr, entry.crowd};
    take_out(entry.out);
    entry.out->standing = Standing::kLeaving;
    ++leaving_;
  }
  entry.place = std::make_shared<Place>();
  Place& place = *entry.place;
  place.key = std::move(key);
  place.since = now;
  place.in_all = strangers_.insert(strangers_.end(), entry.place);
  List& same = by_key_[place.key];
  place.in_key = same.insert(same.end(), entry.place);
  ++open_;
  return entry;
}

// A stranger, out of both lists.
void ConnectionPlaces::take_out(const PlacePtr& place) {
  // `place` may be the list's own.
  const PlacePtr kept = place;  // NOLINT(performance-unnecessary-copy-initialization)
  strangers_.erase(kept->in_all);
  const auto same = by_key_.find(kept->key);
  same->second.erase(kept->in_key);
  if (same->second.empty()) by_key_.erase(same);
}

bool ConnectionPlaces::known(const PlacePtr& place, Standing standing,
                             const model::ServerLimits& limits) {
  const MutexLock lock(mutex_);
  if (place->standing != Standing::kStranger) return place->standing != Standing::kLeaving;
  const auto others = static_cast<std::uint32_t>(open_ - leaving_ - strangers_.size());
  if (standing != Standing::kOperator && others >= limits.connections) return false;
  take_out(place);
  place->standing = standing;
  return true;
}

void ConnectionPlaces::leave(const PlacePtr& place) {
  const MutexLock lock(mutex_);
  if (place->standing == Standing::kStranger) take_out(place);
  if (place->standing == Standing::kLeaving) --leaving_;
  if (--open_ == 0) none_left_.notify_all();
}

bool ConnectionPlaces::has_to_go(const PlacePtr& place) const {
  const MutexLock lock(mutex_);
  return place->standing == Standing::kLeaving;
}

std::uint32_t ConnectionPlaces::open() const {
  const MutexLock lock(mutex_);
  return open_;
}

std::uint32_t ConnectionPlaces::strangers() const {
  const MutexLock lock(mutex_);
  return static_cast<std::uint32_t>(strangers_.size());
}

bool ConnectionPlaces::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  const MutexLock lock(mutex_);
  while (open_ > 0) {
    if (none_left_.wait_until(mutex_, deadline) == std::cv_status::timeout) return open_ == 0;
  }
  return true;
}

}  // namespace ota::http

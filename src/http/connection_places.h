// Who may hold a connection: the whole has a limit, and strangers have a small part of it.
//
// A connection is a stranger's until it has shown a certificate that is admitted, or a route has
// said whom it serves (Request::speaks_for). Strangers are counted by address (IPv6: by its /64,
// which one host owns) and together. Where an address has its number, the oldest of them makes
// room if it has had time to say who it is; else the newcomer is refused, so that many honest ones
// that come at once do not push each other out. Where strangers have their part, the oldest of all
// makes room. Those who are known count only for the whole: a site's devices share an address. A
// few places past the whole stay for newcomers, so that an operator always gets in.
//
// Pure but for its lock: closing is the caller's. Thread: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
#include "model/settings.h"

namespace ota::http {

class Connection;
class IoThread;

class ConnectionPlaces {
 public:
  // Places past `connections` that are a newcomer's.
  static constexpr std::uint32_t kSpare = 8;
  // After this long without a word who it is a stranger makes room for one of its own address.
  static constexpr milliseconds kTimeToSpeak{2000};

  enum class Standing : std::uint8_t { kStranger, kLeaving, kDevice, kOperator };

  struct Place {
    std::string key;
    MonoTime since;
    Standing standing = Standing::kStranger;  // under the lock
    std::list<std::shared_ptr<Place>>::iterator in_all, in_key;
    // Whose connection it is: the caller's, on that io thread.
    IoThread* thread = nullptr;
    Connection* connection = nullptr;
  };
  using PlacePtr = std::shared_ptr<Place>;

  enum class Crowd : std::uint8_t { kNone, kAddress, kStrangers, kAll };
  struct Entry {
    PlacePtr place;              // none: refused
    PlacePtr out;                // who has to go for it: close it, then leave() as always
    Crowd crowd = Crowd::kNone;  // which limit was met
  };

  Entry enter(const std::string& address, const model::ServerLimits& limits, MonoTime now);
  // It has said who it is. False where the whole is full already: close it.
  bool known(const PlacePtr& place, Standing standing, const model::ServerLimits& limits);
  void leave(const PlacePtr& place);
  // Whether somebody else has been given its place meanwhile.
  bool has_to_go(const PlacePtr& place) const;

  std::uint32_t open() const;
  std::uint32_t strangers() const;
  // False after the patience, where some are left.
  bool wait_until_empty(std::chrono::steady_clock::time_point deadline);

 private:
  using List = std::list<PlacePtr>;
  void take_out(const PlacePtr& place) OTA_REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar none_left_;
  List strangers_ OTA_GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<std::string, List> by_key_ OTA_GUARDED_BY(mutex_);
  std::uint32_t open_ OTA_GUARDED_BY(mutex_) = 0;     // all that have not left
  std::uint32_t leaving_ OTA_GUARDED_BY(mutex_) = 0;  // told to go
};

// Bytes of bodies that are on their way, against a budget. Thread: any; no lock.
class BodyMemory {
 public:
  bool take(std::size_t bytes, std::size_t budget) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= budget) return true;
    give(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> used_{0};
};

}  // namespace ota::http

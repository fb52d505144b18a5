// What a device, and strangers together, may have written to the disk.
//
// Durable writes are what a stranger or a stolen device could fill the disk with. Each device has
// so many events and bytes an hour, strangers together kStrangers times as many; what was not used
// comes back evenly, so an hour's worth may come at once. Past it
//  - its events are left out, counted, and told in one sentence now and then ("budget.spent");
//  - its requests that would be written are refused with the time to wait (wait()).
// The same event of one stranger, again within a minute, is told as "(N more suppressed)".
// What an operator did, decisions and jobs' steps are never left out: operators bound their number.
//
// Thread: any; one short lock, a leaf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "model/event.h"

namespace ota::fleet {

struct BudgetLimits {
  std::uint32_t events_per_hour = 0;  // of one device; 0: no limit
  std::uint32_t kib_per_hour = 0;
};

// For metrics; parts are from 0 to 1 (over 1 where the last write was large).
struct BudgetUse {
  double strangers_events = 0;
  double strangers_bytes = 0;
  double busiest_device = 0;           // the largest part that one device has used
  std::size_t devices_spent = 0;       // devices that have nothing left now
  std::uint64_t left_out_devices = 0;  // events, since the start
  std::uint64_t left_out_strangers = 0;
  std::uint64_t refused = 0;  // requests
};

class WriteBudget {
 public:
  static constexpr double kStrangers = 10;
  static constexpr std::string_view kStrangersName = "strangers";

  void set_limits(BudgetLimits limits);
  // Whether `device` may have something written now; else how long until it may.
  std::optional<seconds> wait(const std::string& device, MonoTime now);
  // Leaves out of `events` what is past its budget, and repeats; charges for the others.
  void sift(std::vector<model::Event>& events, MonoTime now);
  // A document of the device was written.
  void charge(const std::string& device, std::size_t bytes, MonoTime now);
  // What has been left out, where it is time to say so. Not to be sifted.
  std::vector<model::Event> sum_up(MonoTime now, WallTime wall);
  BudgetUse use(MonoTime now);

 private:
  // Fills with use and empties with time: an hour's worth fits.
  struct Bucket {
    double used = 0;
    MonoTime at{};
    void leak(MonoTime now, double per_hour);
  };
  struct Account {
    Bucket events;
    Bucket bytes;
    std::map<std::string, std::uint64_t, std::less<>> left_out;  // by kind
    MonoTime tell_at{};
    bool told_before = false;
  };
  struct Repeat {
    model::Event event;
    std::uint64_t more = 0;
    MonoTime until{};
  };
  // Whose event it is: null for nobody's, which is never left out.
  const std::string* payer(const model::Event& event) const;
  bool repeats(const model::Event& event, MonoTime now) OTA_REQUIRES(mutex_);
  bool pays(const std::string& name, const model::Event& event, MonoTime now) OTA_REQUIRES(mutex_);
  void tell_repeats(Repeat& repeat, MonoTime now, WallTime wall, std::vector<model::Event>& out)
      OTA_REQUIRES(mutex_);
  static model::Event left_out_of(const std::string& name, Account& from, WallTime wall);
  Account& account(const std::string& name, MonoTime now) OTA_REQUIRES(mutex_);
  double events_per_hour(std::string_view name) const OTA_REQUIRES(mutex_);
  double bytes_per_hour(std::string_view name) const OTA_REQUIRES(mutex_);

  Mutex mutex_;
  BudgetLimits limits_ OTA_GUARDED_BY(mutex_);
  const std::string strangers_{kStrangersName};
  std::unordered_map<std::string, Account> accounts_ OTA_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Repeat> repeats_ OTA_GUARDED_BY(mutex_);
  MonoTime looked_at_ OTA_GUARDED_BY(mutex_){};
  std::uint64_t left_out_devices_ OTA_GUARDED_BY(mutex_) = 0;
  std::uint64_t left_out_strangers_ OTA_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ OTA_GUARDED_BY(mutex_) = 0;
};

}  // namespace ota::fleet

// What the fleet keeps for DDI besides its devices: the gateway token's hash, and the ids that
// spoke with it and wait for an operator's word.
//
// The waiting list is memory only: who still wants in polls again. It is bounded; beyond the bound
// newcomers are refused like anybody unknown. Thread: any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/ddi.h"

namespace ota::fleet {

class DdiRegistry {
 public:
  static constexpr std::size_t kMostWaiting = 100;
  static constexpr std::string_view kGatewayKey = "gateway";

  // A stored document of the collection "ddi".
  Result<void> read(std::string_view key, const std::string& document);
  std::string gateway_document() const;

  void set_gateway(std::string token_hash);  // empty: off
  bool gateway_is_on() const;
  bool opens_gateway(std::string_view token_hash) const;

  // False where the list is full. True, with `is_new` set where it was not on it.
  bool wait(const std::string& id, const std::string& client, const std::string& address,
            bool listed, WallTime now, bool& is_new);
  bool take(const std::string& id);                // from the list; false: it was not there
  std::vector<model::DdiWaiting> waiting() const;  // oldest first
  // Whether the list changed since the last call.
  bool take_changed();

 private:
  mutable Mutex mutex_;
  std::string gateway_hash_ OTA_GUARDED_BY(mutex_);
  std::map<std::string, model::DdiWaiting> waiting_ OTA_GUARDED_BY(mutex_);
  bool changed_ OTA_GUARDED_BY(mutex_) = false;
};

}  // namespace ota::fleet

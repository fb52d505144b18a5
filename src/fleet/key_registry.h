// Whose each public key is, or was: one key is one device's. A key that enrols under a second name
// is a copied device, or a stolen key.
//
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "model/device.h"

namespace ota::fleet {

class KeyRegistry {
 public:
  void clear();
  // The keys of a stored record, present and earlier ones.
  void note(const model::DeviceRecord& record);
  // Gives the key to the device, unless it is, or was, another one's: that one is the answer.
  std::optional<std::string> claim(const std::string& fingerprint, const std::string& device);

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::string> holders_
      OTA_GUARDED_BY(mutex_);  // fingerprint -> device
};

}  // namespace ota::fleet

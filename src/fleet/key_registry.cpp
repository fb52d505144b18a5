#include "fleet/key_registry.h"

namespace ota::fleet {

void KeyRegistry::clear() {
  const MutexLock lock(mutex_);
  holders_.clear();
}

void KeyRegistry::note(const model::DeviceRecord& record) {
  const MutexLock lock(mutex_);
  if (!record.key_fingerprint.empty()) holders_.try_emplace(record.key_fingerprint, record.id);
  for (const std::string& earlier : record.earlier_keys)
    holders_.try_emplace(earlier, record.id);
}

std::optional<std::string> KeyRegistry::claim(const std::string& fingerprint,
                                              const std::string& device) {
  const MutexLock lock(mutex_);
  const auto [holder, fresh] = holders_.try_emplace(fingerprint, device);
  if (fresh || holder->second == device) return std::nullopt;
  return holder->second;
}

}  // namespace ota::fleet

// What was learnt of devices, given out and taken back by the device: see fleet/memory_file.h.
#include "fleet/impl.h"

namespace ota::fleet {

std::vector<std::string> Fleet::learnt_devices() const {
  std::vector<std::string> ids;
  for (DeviceTable::Stripe& stripe : impl_->table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [id, device] : stripe.devices) {
      if (device->detector.has_samples()) ids.push_back(id);
    }
  }
  return ids;
}

std::string Fleet::keep_detector(const std::string& device) const {
  std::string kept;
  impl_->table.look(device, [&](const LiveDevice& live) { kept = live.detector.keep(); });
  return kept;
}

Result<void> Fleet::restore_detector(const std::string& device, std::string_view kept) {
  Result<void> restored = fail(Errc::kNotFound, device);
  impl_->table.with(device, [&](LiveDevice& live) { restored = live.detector.restore(kept); });
  return restored;
}

}  // namespace ota::fleet

// Fleet: a device beside the others of its group, and what its verdict is made of.
#include <utility>

#include "fleet/impl.h"

namespace ota::fleet {

void Fleet::Impl::count_groups(WallTime now) {
  constexpr seconds kEvery{1};
  const bool back = now < groups_counted_at;  // the clock was set back
  if (!back && now - groups_counted_at < kEvery) return;
  groups_counted_at = now;
  auto groups = std::make_shared<Groups>();
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      device->counted_online = device->online && device->spec != nullptr;
      device->counted_risen = device->detector.risen();
      if (!device->counted_online) continue;
      anomaly::Peers& group = (*groups)[device->spec->group];
      ++group.online;
      for (std::size_t i = 0; i < group.risen.size(); ++i)
        group.risen[i] += (device->counted_risen >> i) & 1U;
    }
  }
  for (auto& [name, group] : *groups)
    group.group = name;
  const std::lock_guard lock(settings_mutex);
  groups_now = std::move(groups);
}

anomaly::Peers Fleet::Impl::peers_of(const LiveDevice& device) const {
  if (!device.spec) return {};
  std::shared_ptr<const Groups> groups;
  {
    const std::lock_guard lock(settings_mutex);
    groups = groups_now;
  }
  const auto found = groups->find(device.spec->group);
  if (found == groups->end()) return {};
  anomaly::Peers peers = found->second;
  if (!device.counted_online) return peers;
  if (peers.online > 0) --peers.online;
  for (std::size_t i = 0; i < peers.risen.size(); ++i) {
    if (((device.counted_risen >> i) & 1U) != 0 && peers.risen[i] > 0) --peers.risen[i];
  }
  return peers;
}

model::Verdict Fleet::Impl::verdict_of(const LiveDevice& device, WallTime now) const {
  model::Verdict verdict = device.detector.verdict(now);
  anomaly::add_peers(verdict, peers_of(device));
  return verdict;
}

gate::Grounds Fleet::Impl::grounds_of(const LiveDevice& device, WallTime now) const {
  return {device.detector.thresholds(), device.detector.evidence(), peers_of(device), now};
}

}  // namespace ota::fleet

// Fleet: a device beside the others of its group, and what its verdict is made of.
#include <cstdint>
#include <utility>

#include "fleet/impl.h"

namespace ota::fleet {
namespace {

enum class Step : std::uint8_t { kIn, kOut };

// Counts the device into its group, or out of it. Never below none: a reader may have a device's
// new counts beside the group's old ones for an instant.
void count(anomaly::Peers& group, const LiveDevice& device, Step step) {
  const auto add = [step](std::uint32_t& number) {
    if (step == Step::kIn) ++number;
    if (step == Step::kOut && number > 0) --number;
  };
  add(group.online);
  for (std::size_t i = 0; i < group.risen.size(); ++i) {
    if (((device.counted_risen >> i) & 1U) != 0) add(group.risen[i]);
  }
}

}  // namespace

void Fleet::Impl::regroup(DeviceTable::Stripe& stripe, LiveDevice& device) {
  const model::DeviceSpec* in = device.online ? device.spec.get() : nullptr;
  const bool same =
      in == device.counted_in.get() && device.detector.risen() == device.counted_risen;
  if (same || device.regrouped) return;
  device.regrouped = true;
  stripe.regrouped.push_back(&device);
}

void Fleet::Impl::count_groups(WallTime now) {
  constexpr seconds kEvery{1};
  const bool back = now < groups_counted_at;  // the clock was set back
  if (!back && now - groups_counted_at < kEvery) return;
  groups_counted_at = now;
  auto groups = std::make_shared<Groups>();
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (LiveDevice* device : stripe.regrouped) {
      if (device->counted_in) count(stripe.groups[device->counted_in->group], *device, Step::kOut);
      device->counted_in = device->online ? device->spec : nullptr;
      device->counted_risen = device->detector.risen();
      if (device->counted_in) count(stripe.groups[device->counted_in->group], *device, Step::kIn);
      device->regrouped = false;
    }
    stripe.regrouped.clear();
    for (const auto& [name, here] : stripe.groups) {
      anomaly::Peers& group = (*groups)[name];
      group.group = name;
      group.online += here.online;
      for (std::size_t i = 0; i < group.risen.size(); ++i)
        group.risen[i] += here.risen[i];
    }
  }
  const std::lock_guard lock(settings_mutex);
  groups_now = std::move(groups);
}

anomaly::Peers Core::peers_of(const LiveDevice& device) const {
  if (!device.spec) return {};
  std::shared_ptr<const Groups> groups;
  {
    const std::lock_guard lock(settings_mutex);
    groups = groups_now;
  }
  const auto found = groups->find(device.spec->group);
  if (found == groups->end() || found->second.online == 0) return {};
  anomaly::Peers peers = found->second;
  if (device.counted_in && device.counted_in->group == device.spec->group)
    count(peers, device, Step::kOut);
  return peers;
}

model::Verdict Core::verdict_of(const LiveDevice& device, WallTime now) const {
  model::Verdict verdict = device.detector.verdict(now);
  anomaly::add_peers(verdict, peers_of(device));
  return verdict;
}

gate::Grounds Core::grounds_of(const LiveDevice& device, WallTime now) const {
  return {device.detector.thresholds(), device.detector.evidence(), peers_of(device), now};
}

}  // namespace ota::fleet

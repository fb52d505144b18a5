#include "anomaly/peers.h"

#include <algorithm>
#include <optional>

namespace ota::anomaly {
namespace {

bool is_rise(const model::Signal& signal) {
  return signal.kind == model::SignalKind::kLimit || signal.kind == model::SignalKind::kBaseline;
}

}  // namespace

void add_peers(model::Verdict& verdict, const Peers& peers) {
  if (peers.online < kFewestPeers || verdict.level < model::Level::kWatch) return;
  bool any = false;
  std::uint32_t most = 0;
  for (const model::Signal& signal : verdict.signals) {
    const auto metric = model::parse_metric(signal.metric);
    if (!is_rise(signal) || !metric) continue;
    any = true;
    most = std::max(most, peers.risen[static_cast<std::size_t>(*metric)]);
  }
  if (!any) return;
  verdict.scope = 2 * most >= peers.online ? model::Scope::kShared : model::Scope::kOwn;
  const std::string others = std::to_string(peers.online) + " others of group " + peers.group;
  verdict.group = most == 0 ? "none of " + others + " shows it"
                            : std::to_string(most) + " of " + others +
                                  (most == 1 ? " shows it too" : " show it too");
}

}  // namespace ota::anomaly

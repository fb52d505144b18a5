#include "rollout/order.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "base/digest.h"

namespace ota::rollout {
namespace {

// A draw of the rollout for a name: 256 bits that nobody chooses.
Digest256 draw(std::string_view rollout, std::string_view what, std::string_view name) {
  std::string text(rollout);
  text.append("/").append(what).append("/").append(name);
  return sha256(as_bytes(text));
}

// In [0, 1).
double fraction_of(const Digest256& drawn) {
  constexpr int kBits = 53;  // that a double holds
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof bits; ++i)
    bits = bits << 8U | drawn[i];
  return std::ldexp(static_cast<double>(bits >> (64 - kBits)), -kBits);
}

// Within each cell of model, version and group a shuffle; the cells are merged by how far each has
// come, so that after any part of the order each cell has given that part of its own.
std::vector<std::size_t> representative(std::string_view rollout,
                                        const std::vector<Candidate>& candidates) {
  using Cell = std::tuple<std::string_view, std::string_view, std::string_view>;
  std::map<Cell, std::vector<std::pair<Digest256, std::size_t>>> cells;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    cells[{one.model, one.from, one.group}].emplace_back(draw(rollout, "device", one.id), i);
  }
  std::vector<std::tuple<double, Digest256, std::size_t>> merged;
  merged.reserve(candidates.size());
  for (auto& [cell, devices] : cells) {
    std::sort(devices.begin(), devices.end());
    std::string name(std::get<0>(cell));
    name.append("\n").append(std::get<1>(cell)).append("\n").append(std::get<2>(cell));
    const double offset = fraction_of(draw(rollout, "cell", name));
    for (std::size_t place = 0; place < devices.size(); ++place) {
      const double at = (static_cast<double>(place) + offset) / static_cast<double>(devices.size());
      merged.emplace_back(at, devices[place].first, devices[place].second);
    }
  }
  std::sort(merged.begin(), merged.end());
  std::vector<std::size_t> order;
  order.reserve(merged.size());
  for (const auto& [at, digest, device] : merged)
    order.push_back(device);
  return order;
}

}  // namespace

Drawn draw_order(std::string_view rollout, const std::vector<Candidate>& candidates,
                 const CanaryRule& rule) {
  struct Model {
    std::size_t devices = 0;
    std::size_t with_way_back = 0;
    std::size_t to_draw = 0;
  };
  std::map<std::string_view, Model> models;
  for (const Candidate& one : candidates) {
    Model& model = models[one.model];
    ++model.devices;
    if (one.way_back == WayBack::kYes) ++model.with_way_back;
  }
  std::size_t of_models = 0;
  for (auto& [name, model] : models) {
    if (model.devices < kModelWithCanaries) continue;
    model.to_draw = rule.per_model;
    of_models += model.to_draw;
  }
  constexpr double kHundred = 100;
  const auto part = static_cast<std::size_t>(
      std::ceil(static_cast<double>(candidates.size()) * rule.percent / kHundred));
  const std::size_t wanted = std::min(
      candidates.size(), std::max({part, static_cast<std::size_t>(rule.least), of_models}));

  const std::vector<std::size_t> order = representative(rollout, candidates);
  std::vector<bool> taken(candidates.size());
  Drawn drawn;
  drawn.order.reserve(candidates.size());
  const auto take = [&](std::size_t device) {
    taken[device] = true;
    drawn.order.push_back(device);
  };
  const auto may_be_canary = [&](std::size_t device) {
    return candidates[device].way_back == WayBack::kYes ||
           models[candidates[device].model].with_way_back == 0;
  };
  for (const std::size_t device : order) {
    Model& model = models[candidates[device].model];
    if (model.to_draw == 0 || !may_be_canary(device)) continue;
    --model.to_draw;
    take(device);
  }
  for (const std::size_t device : order) {
    if (drawn.order.size() >= wanted) break;
    if (!taken[device] && may_be_canary(device)) take(device);
  }
  drawn.canaries = drawn.order.size();
  for (const std::size_t device : order) {
    if (!taken[device]) take(device);
  }
  return drawn;
}

}  // namespace ota::rollout

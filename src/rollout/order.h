// Who comes when: a random order of a rollout's devices whose every beginning is representative, and
// the canaries out of it.
//
// Drawn by the rollout's id and nothing else, so that every gateway and every replay draws alike, a
// device cannot choose its place, and the list's own order has no say. The tests of a look rest on
// this draw.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ota::rollout {

// Whether a device can be sent back to the image that it has now.
enum class WayBack : std::uint8_t { kYes, kNone };

struct Candidate {
  std::string id;
  std::string model;
  std::string from;   // the version that it runs
  std::string group;  // empty: none
  WayBack way_back = WayBack::kYes;
};

// The largest of the three counts.
struct CanaryRule {
  double percent = 1;           // of the devices
  std::uint32_t least = 5;      // devices
  std::uint32_t per_model = 4;  // of each model with kModelWithCanaries devices or more
};
inline constexpr std::size_t kModelWithCanaries = 45;

struct Drawn {
  std::vector<std::size_t> order;  // places in the list of candidates; the canaries come first
  std::size_t canaries = 0;
};

// A device without a way back is a canary only where its model has no others. At most a second for
// 100,000 devices.
Drawn draw_order(std::string_view rollout, const std::vector<Candidate>& candidates,
                 const CanaryRule& rule);

}  // namespace ota::rollout

// What happens to a world beside its own life: what operators do, what breaks, what is stolen.
//
// A kind is one function and one line of the table in acts.cpp. Thread: the world's.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "world/plan.h"

namespace ota::world {

class World;

struct ActKind {
  const char* name;
  const char* help;
  double weight;  // how often, against the others
  bool always;    // in every swarm
  void (*carry_out)(World&, const Act&);
  // Which kinds it is drawn with (plan.cpp): each group's draws leave those of the others alone, so
  // that a seed's world stays what it was before there was another group.
  enum class Group : std::uint8_t {
    kFleet,
    kDdi,
    kDisk,
    kHostileDdi,
    kSwitch,
    kImport,
    kThief,
    kOtactl
  };
  Group group = Group::kFleet;
};

std::span<const ActKind> act_kinds();
// It befalls one that is updated over DDI: act.device is a number of those.
inline bool is_ddi(const ActKind& kind) {
  return std::string_view(kind.name).starts_with("ddi-");
}
const ActKind* find_act(std::string_view name);  // null: no such kind

}  // namespace ota::world

// What happens to a world beside its own life: what operators do, what breaks, what is stolen.
//
// A kind is one function and one line of the table in acts.cpp. Thread: the world's.
#pragma once

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
};

std::span<const ActKind> act_kinds();
const ActKind* find_act(std::string_view name);  // null: no such kind

}  // namespace ota::world

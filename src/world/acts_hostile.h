// What is done to a world by those who mean harm: devices that lie, DDI clients that say what they
// please, and whoever has taken the server's place. The table of acts (acts.cpp) names them.
//
// Thread: the world's.
#pragma once

#include "world/plan.h"

namespace ota::world {

class World;

// A device reports on another one's job.
void forge_report(World& world, const Act& act);
// It reports a success that is none.
void claim_success(World& world, const Act& act);
// A DDI client feeds back on actions of others.
void ddi_forge(World& world, const Act& act);
// And on its own, whatever comes to its mind, in any order and again.
void ddi_contradict(World& world, const Act& act);
// Asks for what has ended.
void ddi_ask_again(World& world, const Act& act);
// Bodies that no client sends, at every route that takes one.
void ddi_absurd(World& world, const Act& act);
// The thief answers a device for a while.
void take_over(World& world, const Act& act);

}  // namespace ota::world

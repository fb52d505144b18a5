// What the gate's checks look at, taken from one device: for a decision as an Input, with all that
// its words need; for the summary's column as the Question alone.
//
// The column's answer is kept with the device and found anew when something that it hangs on has
// changed: an operator's or the device's word (DeviceTable::Stripe::touch), its level or silence
// (follow_verdict, follow_online), what holds for all devices (Impl::judge_anew), or the time that
// the answer is good until.
//
// Under the device's stripe lock.
#pragma once

#include <string_view>

#include "fleet/catalogue.h"
#include "fleet/live_device.h"
#include "gate/gate.h"
#include "model/fetch_plan.h"
#include "model/settings.h"

namespace ota::fleet {

// What an update to `release` would make this device fetch.
model::FetchPlan fetch_plan_of(const LiveDevice& device, const model::Release& release,
                               Reach reach);

// What is the same for every device at one instant; the caller keeps it alive.
struct GateSide {
  const model::Settings& settings;
  const Catalogue& catalogue;
  bool store_writable = true;
  std::string_view store_problem = {};
  WallTime now;
  const model::Stop* stop = nullptr;  // null: none
};

// All but the verdict's words, the running job and what whoever pushes says. `wanted`, `release`:
// null where there is none.
gate::Input gate_input_of(const LiveDevice& device, const GateSide& side,
                          const model::Version* wanted, const model::Release* release);
// Of an id that no device has.
gate::Input gate_input_of(std::string id, const GateSide& side, const model::Version* wanted,
                          const model::Release* release);

// The reason that heads the answer for the version that the settings want, and until when time
// alone keeps it so: silence and the verdict have their own times (Impl::next_due).
struct GateAnswer {
  gate::Reason reason = gate::Reason::kNotListed;
  WallTime good_until = WallTime::max();
  // False: silence or the verdict have moved on since they were told last, and may come back before
  // anybody tells of it.
  bool as_told = true;
};
GateAnswer gate_answer(const LiveDevice& device, const GateSide& side);

// Finds the kept answer anew where that is due.
void follow_gate(LiveDevice& device, const GateSide& side);

}  // namespace ota::fleet

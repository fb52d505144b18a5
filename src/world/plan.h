// What a seed draws before a world begins: how many devices, which faults and how often, and what
// people and misfortune do when.
//
// Swarm testing (Groce et al., "Swarm Testing", 2012): each seed leaves most kinds of acts out and
// does the rest often, since faults hide each other. A plan is written into a failure's file as it
// is, so that it plays again after what draws plans has changed, and what is shrunk is a plan.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "world/link.h"

namespace ota::world {

struct Act {
  milliseconds at{0};  // since the world's beginning
  std::string kind;    // acts.h; "cancel@installing": once the device's job is in that state
  std::size_t device = 0;
  std::int64_t a = 0;  // what it means is the kind's
  std::int64_t b = 0;
};

struct Plan {
  std::uint64_t seed = 0;
  std::size_t devices = 5;
  std::size_t models = 1;       // of hardware, in turns
  std::size_t ddi = 0;          // devices beside them that are updated over DDI
  milliseconds chaos{0};        // how long there are faults and acts
  milliseconds interval{5000};  // between samples
  milliseconds tick{250};
  milliseconds slowest_sync{20};
  bool agents_lose_unsynced = false;  // what they wrote and did not sync, at a power cut
  std::int64_t server_drift_ppm = 0;
  std::int64_t device_drift_ppm = 0;  // at most, either way
  std::int64_t sick = 0;              // of ten devices: whose sensors do not stay healthy
  LinkFaults link;
  milliseconds fastest_boot{500};
  milliseconds slowest_boot{10'000};
  milliseconds watch_period{60'000};
  milliseconds deadline{60'000};  // of a job's short states
  std::int64_t max_retries = 1;
  bool imports = false;    // old states are put back
  std::int64_t thief = 0;  // 1: one takes the server's place at times; 2: with the director's key
  std::vector<Act> acts;   // by time
};

Plan draw_plan(std::uint64_t seed);
Json to_document(const Plan& plan);
// kInvalid where it is no plan.
Result<Plan> plan_from(const Json& document);

}  // namespace ota::world

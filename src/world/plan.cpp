#include "world/plan.h"

#include <algorithm>

#include "model/job.h"
#include "world/acts.h"
#include "world/random.h"

namespace ota::world {
namespace {

using std::chrono::minutes;

// Most links are good, some are bad in one way, few in all.
LinkFaults draw_link(Random& random) {
  LinkFaults faults;
  faults.most = milliseconds(random.between(20, 2000));
  const double much = random.chance(0.3) ? 0.1 : 0.02;
  for (double* rate : {&faults.late, &faults.lost, &faults.unanswered, &faults.twice}) {
    if (random.chance(0.4)) *rate = much;
  }
  if (random.chance(0.3)) faults.half_open = 0.5;
  if (random.chance(0.4)) faults.cut = 0.1;
  faults.bytes_per_second = random.chance(0.5) ? 1U << 20 : 1024U << random.below(6);
  return faults;
}

// Kinds of acts, each as often against the others as its weight says.
class Swarm {
 public:
  void add(const ActKind& kind, double weight) {
    kinds_.emplace_back(&kind, weight);
    sum_ += weight;
  }
  // An act of one of them, at any time of the faults, on any of so many devices.
  Act draw(Random& random, milliseconds chaos, std::size_t devices) const {
    double at = static_cast<double>(random.below(1U << 30)) / (1U << 30) * sum_;
    const ActKind* chosen = kinds_.front().first;
    for (const auto& [kind, weight] : kinds_) {
      chosen = kind;
      if ((at -= weight) < 0) break;
    }
    Act act;
    act.at = random.between(minutes(1), chaos);
    act.kind = chosen->name;
    act.device = random.below(devices);
    act.a = static_cast<std::int64_t>(random.below(1U << 20));
    act.b = static_cast<std::int64_t>(random.below(1U << 20));
    return act;
  }

 private:
  std::vector<std::pair<const ActKind*, double>> kinds_;
  double sum_ = 0;
};

// Many faults show in one state of a job alone, which a moment that is drawn seldom meets.
void wait_for_a_state(Act& act, Random& random) {
  const auto state = static_cast<model::JobState>(
      random.below(static_cast<std::uint64_t>(model::JobState::kSucceeded)));
  act.kind += "@" + std::string(model::to_text(state));
}

// Devices that are updated over DDI, and what happens to them: drawn apart, so that the rest of a
// seed's world is as it was before there were any.
void draw_ddi(Plan& plan, Random random) {
  if (!random.chance(0.4)) return;
  plan.ddi = static_cast<std::size_t>(random.between(1, 3));
  Swarm swarm;
  for (const ActKind& kind : act_kinds()) {
    if (kind.group != ActKind::Group::kDdi || (!kind.always && !random.chance(0.5))) continue;
    swarm.add(kind, kind.weight);
  }
  for (auto left = random.between(3, 25); left > 0; --left) {
    Act act = swarm.draw(random, plan.chaos, plan.ddi);
    if (!act.kind.starts_with("ddi-push") && random.chance(0.5)) wait_for_a_state(act, random);
    plan.acts.push_back(std::move(act));
  }
}

// Acts of a group, at any of so many devices; some wait for a state of a job.
void draw_group(Plan& plan, ActKind::Group group, std::int64_t least, std::int64_t most,
                std::size_t of, double for_a_state, Random& random) {
  Swarm swarm;
  for (const ActKind& kind : act_kinds()) {
    if (kind.group == group) swarm.add(kind, kind.weight);
  }
  for (auto left = random.between(least, most); left > 0; --left) {
    Act act = swarm.draw(random, plan.chaos, of);
    if (random.chance(for_a_state)) wait_for_a_state(act, random);
    plan.acts.push_back(std::move(act));
  }
}

// What came after the fleet and DDI, each in some of the worlds.
void draw_more(Plan& plan, std::uint64_t seed) {
  using enum ActKind::Group;
  Random disks(seed, "disks");
  plan.agents_lose_unsynced = disks.chance(0.5);
  if (plan.agents_lose_unsynced) draw_group(plan, kDisk, 3, 20, plan.devices, 0.6, disks);
  Random liars(seed, "ddi-liars");
  if (plan.ddi > 0 && liars.chance(0.4)) draw_group(plan, kHostileDdi, 2, 12, plan.ddi, 0.6, liars);
  Random switches(seed, "switches");
  if (switches.chance(0.2)) draw_group(plan, kSwitch, 2, 10, plan.devices, 0.4, switches);
  Random lines(seed, "otactl");
  if (lines.chance(0.4)) draw_group(plan, kOtactl, 2, 30, plan.devices, 0.5, lines);
  Random imports(seed, "imports");
  plan.imports = imports.chance(0.1);
  if (plan.imports) draw_group(plan, kImport, 1, 4, plan.devices, 0.3, imports);
  Random thieves(seed, "thieves");
  if (thieves.chance(0.15)) {
    plan.thief = thieves.between(1, 2);
    draw_group(plan, kThief, 2, 8, plan.devices, 0.3, thieves);
  }
}

}  // namespace

Plan draw_plan(std::uint64_t seed) {
  Random random(seed, "plan");
  Plan plan;
  plan.seed = seed;
  plan.devices = static_cast<std::size_t>(random.between(2, random.chance(0.2) ? 12 : 5));
  plan.models = random.chance(0.3) ? 2 : 1;
  plan.chaos = minutes(random.between(8, 40));
  plan.interval = milliseconds(1000 * random.between(2, 10));
  plan.tick = milliseconds(random.chance(0.5) ? 250 : 1000);
  plan.slowest_sync = milliseconds(random.chance(0.5) ? 20 : random.between(20, 3000));
  plan.server_drift_ppm = random.chance(0.5) ? 0 : random.between(-100, 100);
  plan.device_drift_ppm = random.chance(0.5) ? 0 : random.between(0, 500);
  plan.sick = random.chance(0.4) ? random.between(1, 5) : 0;
  if (random.chance(0.8)) plan.link = draw_link(random);
  plan.slowest_boot = milliseconds(random.between(500, 60'000));
  plan.watch_period = milliseconds(1000 * random.between(10, 120));
  plan.deadline = milliseconds(1000 * random.between(20, 180));
  plan.max_retries = random.between(0, 2);

  // The swarm: which kinds there are, and how often each.
  Swarm swarm;
  for (const ActKind& kind : act_kinds()) {
    if (kind.group != ActKind::Group::kFleet || (!kind.always && !random.chance(0.35))) continue;
    swarm.add(kind, kind.weight * (random.chance(0.2) ? 4 : 1));
  }
  const auto count = static_cast<std::size_t>(random.between(5, 60));
  const double in_the_middle = random.chance(0.7) ? 0.7 : 0.1;
  std::vector<Act> updates;  // what sets a job going, so that others can fall into its course
  for (std::size_t i = 0; i < count; ++i) {
    Act act = swarm.draw(random, plan.chaos, plan.devices);
    const bool update = act.kind.starts_with("push") || act.kind == "override";
    if (update) {
      updates.push_back(act);
    } else if (!updates.empty() && random.chance(in_the_middle)) {
      const Act& during = random.of(updates);
      act.device = during.device;
      act.at = during.at + random.between(milliseconds(0), plan.slowest_boot + seconds(30));
    }
    if (!update && random.chance(in_the_middle)) wait_for_a_state(act, random);
    plan.acts.push_back(std::move(act));
  }
  draw_ddi(plan, Random(seed, "ddi"));
  draw_more(plan, seed);
  std::ranges::stable_sort(plan.acts, {}, &Act::at);
  return plan;
}

namespace {

bool came_later(std::string_view name) {
  return name == "ddi" || name == "agents_lose_unsynced" || name == "thief" || name == "imports";
}

// One list of members for both directions.
template <class Each>
void members(Plan& plan, const Each& each) {
  each("seed", plan.seed);
  each("devices", plan.devices);
  each("models", plan.models);
  each("ddi", plan.ddi);
  each("chaos_ms", plan.chaos);
  each("interval_ms", plan.interval);
  each("tick_ms", plan.tick);
  each("slowest_sync_ms", plan.slowest_sync);
  each("agents_lose_unsynced", plan.agents_lose_unsynced);
  each("server_drift_ppm", plan.server_drift_ppm);
  each("device_drift_ppm", plan.device_drift_ppm);
  each("sick", plan.sick);
  each("link_least_ms", plan.link.least);
  each("link_most_ms", plan.link.most);
  each("link_late", plan.link.late);
  each("link_lost", plan.link.lost);
  each("link_unanswered", plan.link.unanswered);
  each("link_twice", plan.link.twice);
  each("link_half_open", plan.link.half_open);
  each("link_cut", plan.link.cut);
  each("link_bytes_per_second", plan.link.bytes_per_second);
  each("fastest_boot_ms", plan.fastest_boot);
  each("slowest_boot_ms", plan.slowest_boot);
  each("watch_period_ms", plan.watch_period);
  each("deadline_ms", plan.deadline);
  each("max_retries", plan.max_retries);
  each("thief", plan.thief);
  each("imports", plan.imports);
}

}  // namespace

Json to_document(const Plan& plan) {
  Json out = Json::object();
  Plan copy = plan;
  members(copy, [&out](const char* name, const auto& value) {
    if constexpr (requires { value.count(); }) {
      out[name] = value.count();
    } else {
      out[name] = value;
    }
  });
  out["acts"] = Json::array();
  for (const Act& act : plan.acts) {
    out["acts"].push_back({{"at_ms", act.at.count()},
                           {"kind", act.kind},
                           {"device", act.device},
                           {"a", act.a},
                           {"b", act.b}});
  }
  return out;
}

Result<Plan> plan_from(const Json& document) {
  Plan plan;
  try {
    members(plan, [&document](const char* name, auto& value) {
      if (came_later(name) && !document.contains(name)) return;  // a plan from before it
      if constexpr (requires { value.count(); }) {
        value = milliseconds(document.at(name).template get<std::int64_t>());
      } else {
        document.at(name).get_to(value);
      }
    });
    for (const Json& one : document.at("acts")) {
      Act act;
      act.at = milliseconds(one.at("at_ms").get<std::int64_t>());
      one.at("kind").get_to(act.kind);
      one.at("device").get_to(act.device);
      one.at("a").get_to(act.a);
      one.at("b").get_to(act.b);
      if (find_act(act.kind) == nullptr) return fail(Errc::kInvalid, "no such act: " + act.kind);
      plan.acts.push_back(std::move(act));
    }
  } catch (const Json::exception& error) {
    return fail(Errc::kInvalid, std::string("not a plan: ") + error.what());
  }
  if (plan.devices == 0 || plan.models == 0)
    return fail(Errc::kInvalid, "a plan without devices or models");
  return plan;
}

}  // namespace ota::world

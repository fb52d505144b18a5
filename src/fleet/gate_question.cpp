#include "fleet/gate_question.h"

#include <algorithm>
#include <span>
#include <utility>

namespace ota::fleet {
namespace {

const std::string kNoHardware;

struct Gathered {
  gate::Question asked;
  std::optional<model::WindowState> window;
};

std::optional<gate::DataSide> data_side(const LiveDevice& device, const GateSide& side,
                                        const model::Release* release, Reach reach) {
  const std::uint64_t limit =
      side.settings.ota.data_budget.limit_for(device.id, device.spec->group);
  if (limit == 0) return std::nullopt;
  gate::DataSide data;
  data.limit = limit;
  if (release != nullptr) data.planned = fetch_plan_of(device, *release, reach).bytes;
  std::span<const model::Fetched> fetched;
  if (device.record) fetched = device.record->fetched;
  data.used = model::fetched_within(fetched, side.now) + device.sent_bytes;
  data.fits_at = model::fits_at(fetched, device.sent_bytes, data.planned, limit, side.now);
  return data;
}

Gathered gather(const LiveDevice& device, const GateSide& side, const model::Version* wanted,
                const model::Release* release) {
  Gathered found;
  gate::Question& asked = found.asked;
  asked.now = side.now;
  asked.spec = device.spec.get();
  if (device.record) asked.record = &*device.record;
  // Asked now, not as of the last tick: silence may have grown since.
  asked.online = device.spec && device.heard(side.settings, side.now);
  if (!asked.online && device.unusable.told) {
    asked.unusable = gate::Unusable{device.unusable.clock_off(), device.unusable.ahead};
  }
  asked.level = device.detector.level(side.now);
  asked.incomplete = device.detector.incomplete(side.now);
  asked.wanted = wanted;
  asked.release = release;
  asked.job_running = device.job_running;
  asked.unsaved = !side.store_writable;
  asked.stopped = side.stop != nullptr;
  const Reach reach = device.reach(side.settings.console.ddi, side.now);
  if (reach != Reach::kAgent) {
    asked.ddi = gate::DdiSide{.agent_asks = reach == Reach::kBoth,
                              .has_agent = !device.ddi_alone(),
                              .polls = device.ddi_polls(side.settings.console.ddi, side.now),
                              .silent_for = device.ddi_silent_for(side.now),
                              .policy = side.settings.ota.ddi_without_telemetry};
  }
  if (!device.spec) return found;
  asked.data = data_side(device, side, release, reach);
  if (asked.record != nullptr && asked.record->facts.confirmed) {
    asked.published_sha256 =
        side.catalogue.digest_of(asked.record->facts.confirmed->version, device.spec->hardware);
  }
  found.window =
      model::window_state(side.settings.ota.maintenance_windows, device.spec->group, side.now);
  if (found.window) asked.window_open = found.window->open;
  return found;
}

gate::Input input_for(std::string id, const GateSide& side, const model::Version* wanted,
                      const model::Release* release) {
  gate::Input input;
  input.now = side.now;
  input.device = std::move(id);
  input.silent_for = milliseconds(-1);
  input.release_published = release != nullptr;
  if (release != nullptr) {
    input.release = *release;
  } else if (wanted != nullptr) {
    input.release.version = *wanted;
  }
  if (!side.store_writable) input.unsaved = side.store_problem;
  if (side.stop != nullptr) input.stop = *side.stop;
  return input;
}

}  // namespace

model::FetchPlan fetch_plan_of(const LiveDevice& device, const model::Release& release,
                               Reach reach) {
  const bool takes = device.record && device.record->patch_format != 0 && reach == Reach::kAgent;
  std::string_view running;
  if (takes && device.record->facts.confirmed) running = device.record->facts.confirmed->sha256;
  return model::plan_fetch(release, running,
                           takes ? model::Shorter::kTaken : model::Shorter::kNotTaken);
}

gate::Input gate_input_of(std::string id, const GateSide& side, const model::Version* wanted,
                          const model::Release* release) {
  return input_for(std::move(id), side, wanted, release);
}

gate::Input gate_input_of(const LiveDevice& device, const GateSide& side,
                          const model::Version* wanted, const model::Release* release) {
  Gathered found = gather(device, side, wanted, release);
  const gate::Question& asked = found.asked;
  gate::Input input = input_for(device.id, side, wanted, release);
  if (asked.spec != nullptr) input.spec = *asked.spec;
  if (asked.record != nullptr) input.record = *asked.record;
  input.online = asked.online;
  input.silent_for = device.silent_for(side.now);
  if (!asked.published_sha256.empty()) input.confirmed_published_sha256 = asked.published_sha256;
  input.ddi = asked.ddi;
  input.unusable = asked.unusable;
  input.data = asked.data;
  input.window = std::move(found.window);
  return input;
}

GateAnswer gate_answer(const LiveDevice& device, const GateSide& side) {
  const std::string& hardware = device.spec ? device.spec->hardware : kNoHardware;
  const std::optional<model::Version> wanted = side.settings.ota.target_for(hardware);
  const model::Release* release = wanted ? side.catalogue.find(*wanted, hardware) : nullptr;
  const Gathered found = gather(device, side, wanted ? &*wanted : nullptr, release);
  GateAnswer answer;
  answer.reason = gate::deciding_reason(found.asked);
  answer.as_told = found.asked.online == device.online && found.asked.level == device.level;
  if (found.window) answer.good_until = found.window->until;
  // What counts towards a budget falls by the hour.
  if (found.asked.data && found.asked.data->fits_at.value_or(side.now) > side.now)
    answer.good_until = std::min(answer.good_until, *found.asked.data->fits_at);
  // One of two update clients stops by asking no more.
  constexpr seconds kLookAgain{5};
  if (device.record && device.record->ddi)
    answer.good_until = std::min(answer.good_until, side.now + kLookAgain);
  if (device.record && device.record->certificate_expires > side.now) {
    answer.good_until = std::min(answer.good_until, device.record->certificate_expires);
  }
  return answer;
}

void follow_gate(LiveDevice& device, const GateSide& side) {
  // Of a device that sends and is not judged yet, any reading may be the one that was missing.
  const bool unjudged = device.online && device.level == model::Level::kUnknown;
  if (!device.gate_due && !unjudged && side.now < device.gate_good_until) return;
  const GateAnswer answer = gate_answer(device, side);
  device.gate_reason = answer.reason;
  device.gate_good_until = answer.good_until;
  device.gate_due = !answer.as_told;
}

}  // namespace ota::fleet

#include "fleet/write_budget.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

constexpr double kHour = 3600;
constexpr seconds kRepeatWindow{60};
// Strangers' texts that are watched for repeats; under a flood of more, each pays by itself.
constexpr std::size_t kMostRepeats = 1024;
constexpr seconds kFirstSum{60};
constexpr seconds kNextSum{15 * 60};
constexpr seconds kSweep{1};
constexpr std::size_t kEventBytes = 256;  // an event's row beside its texts

// Kinds that anybody who reaches the port can cause.
constexpr std::array<std::string_view, 4> kStrangersKinds{
    model::event_kind::kAuthFail, model::event_kind::kEnrolRefused, model::event_kind::kDdiWaiting,
    model::event_kind::kServerCrowded};
// Kinds that a device can cause as often as it likes, by what they start with.
constexpr std::array<std::string_view, 4> kDevicesKinds{"verdict.", "device.", "ddi.",
                                                        model::event_kind::kEnrolRenewed};
// Of these, what is caused by time or by a file.
constexpr std::array<std::string_view, 2> kNotTheirs{model::event_kind::kVerdictBlockEscalated,
                                                     model::event_kind::kDeviceUnlisted};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view kind) {
  return std::find(list.begin(), list.end(), kind) != list.end();
}

double seconds_between(MonoTime from, MonoTime to) {
  return std::chrono::duration<double>(to - from).count();
}

std::size_t size_of(const model::Event& event) {
  const std::size_t data = event.data.empty() ? 2 : dump_json(event.data).size();
  return kEventBytes + event.kind.size() + event.source.size() + event.message.size() + data;
}

}  // namespace

void WriteBudget::Bucket::leak(MonoTime now, double per_hour) {
  if (now > at) used = std::max(0.0, used - seconds_between(at, now) * per_hour / kHour);
  at = std::max(at, now);
}

void WriteBudget::set_limits(BudgetLimits limits) {
  const MutexLock lock(mutex_);
  limits_ = limits;
}

double WriteBudget::events_per_hour(std::string_view name) const {
  return limits_.events_per_hour * (name == kStrangersName ? kStrangers : 1);
}

double WriteBudget::bytes_per_hour(std::string_view name) const {
  return limits_.kib_per_hour * 1024.0 * (name == kStrangersName ? kStrangers : 1);
}

// As of now.
WriteBudget::Account& WriteBudget::account(const std::string& name, MonoTime now) {
  Account& found = accounts_[name];
  found.events.leak(now, events_per_hour(name));
  found.bytes.leak(now, bytes_per_hour(name));
  return found;
}

const std::string* WriteBudget::payer(const model::Event& event) const {
  if (!event.actor.empty()) return nullptr;
  if (holds(kStrangersKinds, event.kind)) return &strangers_;
  if (holds(kNotTheirs, event.kind)) return nullptr;
  const bool theirs =
      std::any_of(kDevicesKinds.begin(), kDevicesKinds.end(),
                  [&](std::string_view start) { return event.kind.starts_with(start); });
  return theirs ? &event.source : nullptr;
}

bool WriteBudget::repeats(const model::Event& event, MonoTime now) {
  const std::string key = event.kind + '\n' + event.source + '\n' + event.message;
  const auto found = repeats_.find(key);
  // Also past its window, as long as sum_up() has not told what was counted.
  if (found != repeats_.end() && (now < found->second.until || found->second.more > 0)) {
    ++found->second.more;
    ++left_out_strangers_;
    return true;
  }
  if (found == repeats_.end() && repeats_.size() >= kMostRepeats) return false;
  repeats_[key] = {event, 0, now + kRepeatWindow};
  return false;
}

bool WriteBudget::pays(const std::string& name, const model::Event& event, MonoTime now) {
  Account& payer = account(name, now);
  const double most_events = events_per_hour(name);
  const double most_bytes = bytes_per_hour(name);
  const bool enough = (most_events == 0 || payer.events.used + 1 <= most_events) &&
                      (most_bytes == 0 || payer.bytes.used < most_bytes);
  if (enough) {
    ++payer.events.used;
    payer.bytes.used += static_cast<double>(size_of(event));
    return true;
  }
  if (payer.left_out.empty()) payer.tell_at = now + (payer.told_before ? kNextSum : kFirstSum);
  ++payer.left_out[event.kind];
  ++(name == kStrangersName ? left_out_strangers_ : left_out_devices_);
  return false;
}

void WriteBudget::sift(std::vector<model::Event>& events, MonoTime now) {
  const MutexLock lock(mutex_);
  std::erase_if(events, [&](const model::Event& event) OTA_REQUIRES(mutex_) {
    const std::string* name = payer(event);
    if (name == nullptr) return false;
    if (name == &strangers_ && repeats(event, now)) return true;
    return !pays(*name, event, now);
  });
}

void WriteBudget::charge(const std::string& device, std::size_t bytes, MonoTime now) {
  const MutexLock lock(mutex_);
  account(device, now).bytes.used += static_cast<double>(bytes);
}

std::optional<seconds> WriteBudget::wait(const std::string& device, MonoTime now) {
  const MutexLock lock(mutex_);
  const auto found = accounts_.find(device);
  const double most = bytes_per_hour(device);
  if (found == accounts_.end() || most == 0) return std::nullopt;
  const double over = account(device, now).bytes.used - most;
  if (over < 0) return std::nullopt;
  ++refused_;
  return seconds(static_cast<std::int64_t>(std::ceil(over * kHour / most)) + 1);
}

// One more of it, with how often it came meanwhile.
void WriteBudget::tell_repeats(Repeat& repeat, MonoTime now, WallTime wall,
                               std::vector<model::Event>& out) {
  model::Event event = repeat.event;
  event.at = wall;
  event.message += " (" + std::to_string(repeat.more) + " more suppressed)";
  if (pays(strangers_, event, now)) out.push_back(std::move(event));
  repeat.more = 0;
  repeat.until = now + kRepeatWindow;
}

// One sentence about all that was left out of an account, which forgets it.
model::Event WriteBudget::left_out_of(const std::string& name, Account& from, WallTime wall) {
  model::Event event;
  event.at = wall;
  event.severity = model::Severity::kWarning;
  event.kind = "budget.spent";
  event.source = name;
  std::uint64_t all = 0;
  std::string kinds;
  for (const auto& [kind, count] : from.left_out) {
    all += count;
    kinds += (kinds.empty() ? "" : ", ") + kind + " " + std::to_string(count);
    event.data[kind] = count;
  }
  event.message = std::to_string(all) + " more suppressed of " + name +
                  ", who had used up what may be written for it in an hour: " + kinds;
  from.left_out.clear();
  from.told_before = true;
  return event;
}

std::vector<model::Event> WriteBudget::sum_up(MonoTime now, WallTime wall) {
  const MutexLock lock(mutex_);
  std::vector<model::Event> out;
  if (now - looked_at_ < kSweep) return out;
  looked_at_ = now;
  for (auto at = repeats_.begin(); at != repeats_.end();) {
    Repeat& repeat = at->second;
    const bool over = now >= repeat.until;
    if (over && repeat.more == 0) {
      at = repeats_.erase(at);
      continue;
    }
    if (over) tell_repeats(repeat, now, wall, out);
    ++at;
  }
  for (auto at = accounts_.begin(); at != accounts_.end();) {
    Account& each = account(at->first, now);
    const bool quiet = each.left_out.empty();
    if (quiet && each.events.used <= 0 && each.bytes.used <= 0) {
      at = accounts_.erase(at);
      continue;
    }
    if (!quiet && now >= each.tell_at) out.push_back(left_out_of(at->first, each, wall));
    ++at;
  }
  return out;
}

BudgetUse WriteBudget::use(MonoTime now) {
  const MutexLock lock(mutex_);
  BudgetUse out;
  out.left_out_devices = left_out_devices_;
  out.left_out_strangers = left_out_strangers_;
  out.refused = refused_;
  for (const auto& [name, unused] : accounts_) {
    const Account& each = account(name, now);
    const double most_events = events_per_hour(name);
    const double most_bytes = bytes_per_hour(name);
    const double events = most_events > 0 ? each.events.used / most_events : 0;
    const double bytes = most_bytes > 0 ? each.bytes.used / most_bytes : 0;
    if (name == kStrangersName) {
      out.strangers_events = events;
      out.strangers_bytes = bytes;
      continue;
    }
    out.busiest_device = std::max({out.busiest_device, events, bytes});
    const bool no_event_left = most_events > 0 && each.events.used + 1 > most_events;
    if (no_event_left || (most_bytes > 0 && bytes >= 1)) ++out.devices_spent;
  }
  return out;
}

}  // namespace ota::fleet

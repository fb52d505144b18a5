#include "anomaly/memory.h"

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "anomaly/device_state.h"
#include "anomaly/evidence.h"
#include "base/clock_jump.h"

namespace ota::anomaly {
namespace {

struct Any {
  template <class T>
  void operator()(const char*, T&) const {}
};
template <class T>
concept HasKept = requires(T& part) {
  T::each_kept(part, Any{});
};
template <class T>
concept HasTold = requires(T& part) {
  T::each_told(part, Any{});
};

template <class Self, class Visit>
void each_kept_of(Self& part, const Visit& visit) {
  using T = std::remove_const_t<Self>;
  if constexpr (HasKept<T>) {
    T::each_kept(part, visit);
  } else {
    static_assert(HasTold<T>);
    T::each_told(part, visit);
  }
}

template <class Self, class Visit>
void each_kept_of(Self& channel,
                  const Visit& visit) requires std::is_same_v<std::remove_const_t<Self>, Channel> {
  visit("name", channel.name);
  visit("limit", channel.limit);
  visit("anchor", channel.anchor);
  visit("flat", channel.flat);
  visit("alone", channel.alone);
  visit("lead", channel.lead);
  visit("value", channel.value);
  visit("centre", channel.centre);
  visit("spread", channel.spread);
  visit("rarity", channel.rarity);
  visit("seen", channel.seen_at);
}

template <class Self, class Visit>
void each_kept_of(Self& state, const Visit& visit) requires
    std::is_same_v<std::remove_const_t<Self>, DeviceState> {
  visit("refused", state.refusals.last);
  visit("refused_in_a_row", state.refusals.in_a_row);
  visit("impossible_at", state.refusals.impossible_at);
  visit("impossible_since", state.refusals.impossible_since);
  visit("engine", state.engine);
  visit("told", state.told);
  visit("alarms_asked", state.alarms_asked);
  visit("copy", state.copy);
  visit("restarts", state.restarts);
  visit("last_at", state.last_at);
  visit("level", state.last_level);
  visit("level_since", state.last_level_since);
}

struct BytesOut {
  std::string& out;

  void bytes(const void* from, std::size_t count) const {
    if (count > 0) out.append(static_cast<const char*>(from), count);
  }
  void size(std::size_t count) const {
    const auto written = static_cast<std::uint32_t>(count);
    bytes(&written, sizeof written);
  }
  void operator()(const char*, const Readings& readings) const {
    const auto form = readings.form();
    bytes(&form.room, sizeof form.room);
    bytes(&form.digits, 1);
    bytes(&form.width, 1);
    bytes(readings.raw().data(), readings.raw().size());
  }
  void operator()(const char*, const Rarity& rarity) const {
    Rarity::each_kept(rarity, *this);
    const std::vector<std::uint32_t> counts = rarity.counts();
    size(counts.size());
    bytes(counts.data(), counts.size() * sizeof counts[0]);
  }
  template <class T>
  void operator()(const char* name, const std::vector<T>& all) const {
    size(all.size());
    for (const T& one : all)
      (*this)(name, one);
  }
  template <class T>
  void operator()(const char*, const T& value) const {
    if constexpr (std::is_trivially_copyable_v<T> && !HasKept<T> && !HasTold<T>) {
      bytes(&value, sizeof value);
    } else {
      each_kept_of(value, *this);
    }
  }
};

// Reads what BytesOut wrote; throws where it cannot be.
struct BytesIn {
  std::string_view& in;

  void bytes(void* to, std::size_t count) const {
    if (in.size() < count) throw std::invalid_argument("it ends too soon");
    if (count > 0) std::memcpy(to, in.data(), count);
    in.remove_prefix(count);
  }
  std::size_t size(std::size_t most) const {
    std::uint32_t count = 0;
    bytes(&count, sizeof count);
    if (count > most) throw std::invalid_argument("a count is out of range");
    return count;
  }
  void operator()(const char*, Readings& readings) const {
    Readings::Form form;
    bytes(&form.room, sizeof form.room);
    bytes(&form.digits, 1);
    bytes(&form.width, 1);
    constexpr std::size_t kWidest = sizeof(double);
    const std::size_t width = std::min<std::size_t>(form.width, kWidest);
    const std::size_t room = std::min<std::size_t>(form.room, MetricScore::kSlots);
    std::vector<std::byte> raw(room * width);
    bytes(raw.data(), raw.size());
    if (!readings.restore(form, raw)) throw std::invalid_argument("no readings");
  }
  void operator()(const char*, Rarity& rarity) const {
    Rarity::each_kept(rarity, *this);
    constexpr std::size_t kMost = 64 * kSizeCount;
    std::vector<std::uint32_t> counts(size(kMost));
    bytes(counts.data(), counts.size() * sizeof(std::uint32_t));
    if (!rarity.restore(counts)) throw std::invalid_argument("counts that do not add up");
  }
  template <class T>
  void operator()(const char* name, std::vector<T>& all) const {
    constexpr std::size_t kMost = 64;
    all.resize(size(kMost));
    for (T& one : all)
      (*this)(name, one);
  }
  void operator()(const char*, bool& value) const {
    std::uint8_t read = 0;
    bytes(&read, sizeof read);
    if (read > 1) throw std::invalid_argument("neither true nor false");
    value = read == 1;
  }
  template <class T>
  void operator()(const char*, T& value) const {
    if constexpr (std::is_trivially_copyable_v<T> && !HasKept<T> && !HasTold<T>) {
      bytes(&value, sizeof value);
      if constexpr (std::is_floating_point_v<T>) {
        if (!std::isfinite(value)) throw std::invalid_argument("a number out of range");
      }
    } else {
      each_kept_of(value, *this);
    }
  }
};

// Moves every time that is kept.
struct Shift {
  milliseconds jump;
  WallTime now;

  void operator()(const char*, WallTime& at) const { at = after_jump(at, jump, now); }
  template <class T>
  void operator()(const char* name, std::vector<T>& all) const {
    for (T& one : all)
      (*this)(name, one);
  }
  template <class T>
  void operator()(const char*, T& value) const {
    if constexpr (HasKept<T> || HasTold<T> || std::is_same_v<T, Channel>) {
      each_kept_of(value, *this);
    }
  }
};

// FNV-1a: against damage, not against an adversary, who could write the whole state.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
  return hash;
}

constexpr std::array<std::uint32_t, 2> kHead{kMemoryVersion, kEngineVersion};

}  // namespace

std::string keep(const DeviceState& state) {
  std::string out;
  const BytesOut writer{out};
  writer.bytes(kHead.data(), sizeof kHead);
  each_kept_of(state, writer);
  writer.size(state.channels.size());
  for (const Channel& channel : state.channels)
    each_kept_of(channel, writer);
  const std::uint64_t sum = checksum(out);
  writer.bytes(&sum, sizeof sum);
  return out;
}

void move_times(DeviceState& state, milliseconds jump, WallTime now) {
  const Shift shift{jump, now};
  each_kept_of(state, shift);
  shift("channels", state.channels);
  shift("boot_at", state.boot_at);
}

Result<void> restore(DeviceState& state, std::string_view kept) {
  const auto none = [](const std::string& why) {
    return fail(Errc::kInvalid, "no memory of a detector: " + why);
  };
  std::array<std::uint32_t, 2> head{};
  std::uint64_t sum = 0;
  if (kept.size() < sizeof head + sizeof sum || kept.size() > kLargestMemory) {
    return none("its size is " + std::to_string(kept.size()));
  }
  std::memcpy(head.data(), kept.data(), sizeof head);
  if (head != kHead) return none("another program's");
  const std::string_view body = kept.substr(0, kept.size() - sizeof sum);
  std::memcpy(&sum, kept.data() + body.size(), sizeof sum);
  if (sum != checksum(body)) return none("it is damaged");
  std::string_view rest = body.substr(sizeof head);
  const BytesIn reader{rest};
  try {
    each_kept_of(state, reader);
    const std::size_t count = reader.size(model::kMetricCount + model::kMaxExtraMetrics);
    for (std::size_t i = 0; i < count; ++i) {
      Channel read;
      each_kept_of(read, reader);
      read.name.back() = '\0';
      Channel* const channel = state.channel(read.name.data());
      if (channel != state.channels.data() + i) throw std::invalid_argument("metrics in disorder");
      read.metric = channel->metric;
      *channel = read;
    }
  } catch (const std::exception& error) {
    return none(error.what());
  }
  if (!rest.empty() || state.engine.metrics() > state.channels.size() ||
      !state.engine.plausible()) {
    return none("it does not fit together");
  }
  return {};
}

}  // namespace ota::anomaly

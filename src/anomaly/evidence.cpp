#include "anomaly/evidence.h"

#include <bit>
#include <concepts>
#include <type_traits>

#include "anomaly/device_state.h"
#include "base/json.h"

namespace ota::anomaly {
namespace {

constexpr std::int64_t kLastStamp = 253402300799999;  // the end of the year 9999

template <class T>
concept Told = requires(T& part) {
  T::each_told(part, [](const char*, auto&) {});
};

// A negative zero is written: it prints as one.
bool is_zero(double value) {
  return std::bit_cast<std::uint64_t>(value) == 0;
}

struct Writer {
  Json& out;

  void operator()(const char* name, bool value) const {
    if (value) out[name] = true;
  }
  template <std::unsigned_integral Count>
  void operator()(const char* name, Count value) const {
    if (value != 0) out[name] = value;
  }
  void operator()(const char* name, double value) const {
    if (!is_zero(value)) out[name] = value;
  }
  void operator()(const char* name, float value) const {
    (*this)(name, static_cast<double>(value));
  }
  void operator()(const char* name, WallTime value) const {
    if (value != WallTime{}) out[name] = value.time_since_epoch().count();
  }
  template <class E>
  requires std::is_enum_v<E>
  void operator()(const char* name, E value) const {
    out[name] = value;  // always: what a state begins with is not its first word
  }
  template <Told T>
  void operator()(const char* name, const T& part) const {
    Json inner = Json::object();
    T::each_told(part, Writer{inner});
    if (!inner.empty()) out[name] = std::move(inner);
  }
};

// Reads what Writer wrote, and leaves at its default what it left out. Throws where a member is of
// another type.
struct Reader {
  const Json& in;

  template <class T>
  void operator()(const char* name, T& value) const {
    const auto found = in.find(name);
    if (found == in.end()) return;
    if constexpr (Told<T>) {
      if (!found->is_object()) throw std::invalid_argument(std::string(name) + " is no object");
      T::each_told(value, Reader{*found});
    } else if constexpr (std::is_same_v<T, WallTime>) {
      const auto count = found->template get<std::int64_t>();
      if (count < 0 || count > kLastStamp) throw std::invalid_argument("a time out of range");
      value = WallTime(milliseconds(count));
    } else if constexpr (std::is_same_v<T, float>) {
      value = static_cast<float>(found->template get<double>());
    } else {
      found->get_to(value);
    }
  }
};

template <class Self, class Visit>
void each_told(Self& channel,
               const Visit& visit) requires std::is_same_v<std::remove_const_t<Self>, Channel> {
  visit("value", channel.value);
  visit("seen", channel.seen_at);
  visit("limit", channel.limit);
  visit("centre", channel.centre);
  visit("spread", channel.spread);
  visit("rarity", channel.rarity);
  visit("alone", channel.alone);
  visit("lead", channel.lead);
  visit("anchor", channel.anchor);
  visit("flat", channel.flat);
}

template <class Self, class Visit>
void each_told(Self& state,
               const Visit& visit) requires std::is_same_v<std::remove_const_t<Self>, DeviceState> {
  visit("refused", state.refusals.last);
  visit("refused_in_a_row", state.refusals.in_a_row);
  visit("impossible_at", state.refusals.impossible_at);
  visit("impossible_since", state.refusals.impossible_since);
  visit("copied", state.copy);
  visit("restarts", state.restarts);
  visit("samples_of_boot", state.boot_samples);
  visit("boot_at", state.boot_at);
  visit("last_at", state.last_at);
  visit("score", state.told);
  visit("level", state.last_level);
  visit("level_since", state.last_level_since);
}

void read(const Json& evidence, DeviceState& state) {
  each_told(state, Reader{evidence});
  // The first sample makes them, whatever is in it.
  if (state.boot_samples > 0) state.channel(model::to_text(model::Metric::kCpu));
  const Json& channels = evidence.at("metrics");
  if (!channels.is_array()) throw std::invalid_argument("metrics is no list");
  for (const Json& told : channels) {
    const auto& name = told.at("name").get_ref<const std::string&>();
    Channel* channel = state.channel(name);
    if (channel == nullptr) throw std::invalid_argument("too many metrics, or a bad name: " + name);
    each_told(*channel, Reader{told});
  }
}

}  // namespace

Json evidence_of(const DeviceState& state) {
  Json out = Json::object();
  each_told(state, Writer{out});
  Json& channels = out["metrics"] = Json::array();  // their order counts where two are as bad
  for (const Channel& channel : state.channels) {
    if (!channel.seen()) continue;
    Json told{{"name", channel.name.data()}};
    each_told(channel, Writer{told});
    const auto index = static_cast<std::size_t>(&channel - state.channels.data());
    if (index < state.engine.metrics()) told["sizes"] = state.engine.metric(index).sizes();
    channels.push_back(std::move(told));
  }
  return out;
}

Result<model::Verdict> explain_evidence(const Json& evidence, const model::Thresholds& thresholds,
                                        WallTime now) {
  return explain_evidence_under(evidence, thresholds, thresholds, now);
}

Result<model::Verdict> explain_evidence_under(const Json& evidence,
                                              const model::Thresholds& thresholds,
                                              const model::Thresholds& others, WallTime now) {
  DeviceState state(std::make_shared<const model::Thresholds>(thresholds));
  try {
    read(evidence, state);
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("no evidence of a verdict: ") + misfit(error));
  }
  if (others != thresholds) {
    state.set_thresholds(std::make_shared<const model::Thresholds>(others));
    state.hold_limits();
  }
  return explain(state, now);
}

}  // namespace ota::anomaly

// Which devices an operator means: one language for the console's `/`, for --filter of otactl and
// for the API.
//
//   a b             both; case is ignored everywhere
//   a,b             one of them; what has no key of its own has that of the one before: group:x,y
//   !a              not: !a,b is neither
//   word            in the id, model, group, state, verdict's label, the gate's word, a version
//   id: model: group:                that very name, or a pattern of the shell's: line-*, iot-00[1-3]
//   state: verdict: job:             one of the words that the screen has; job:none
//   gate:cpu                         in the gate's word
//   version:2.1.4 target:>=2.2.0     with <, <=, >, >= or nothing; none: it has none
//   behind                           its target is newer than what it runs
//   seen:>5m seen:<1h seen:never     when it was last heard of
//
// A name is matched whole, for who acts on group:line-1 does not mean line-10. Pure value; thread:
// any, const only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fleet/snapshot.h"

namespace ota::fleet {

inline constexpr std::size_t kMaxFilter = 1000;  // bytes

class DeviceFilter {
 public:
  DeviceFilter() = default;  // all devices
  // kInvalid, with what is taken instead: an unknown key, a value that its key does not know, more
  // than kMaxFilter bytes.
  static Result<DeviceFilter> parse(std::string_view text);

  bool matches(const DeviceRow& row, WallTime now) const;
  // Whether the passing of time alone changes the answer.
  bool reads_clock() const;

 private:
  enum class Key : std::uint8_t {
    kAnywhere,
    kId,
    kModel,
    kGroup,
    kState,
    kVerdict,
    kJob,
    kGate,
    kVersion,
    kTarget,
    kBehind,
    kSeen,
  };
  enum class Relation : std::uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
  struct Alternative {
    Key key = Key::kAnywhere;
    Relation relation = Relation::kEqual;
    bool none = false;  // that it has no version or job, or was never seen
    std::string text = {};
    model::Version version = {};
    seconds age{0};
  };
  struct Term {
    bool wanted = true;
    std::vector<Alternative> alternatives;
  };

  static Result<Alternative> alternative_of(Key key, std::string_view value);
  static bool matches(const Alternative& one, const DeviceRow& row, WallTime now);

  std::vector<Term> terms_;
};

}  // namespace ota::fleet

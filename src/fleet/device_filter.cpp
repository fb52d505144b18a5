#include "fleet/device_filter.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/fold.h"
#include "base/text.h"

namespace ota::fleet {
namespace {

constexpr std::string_view kNone = "none";
constexpr std::string_view kNever = "never";

bool is_named(const std::string& name, const std::string& pattern) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

template <class E, std::size_t N>
Result<std::string> known_word(const model::EnumTable<E, N>& table, std::string_view word,
                               std::string_view key, std::string_view also = "") {
  std::string known(also);
  for (const auto& [value, text] : table) {
    if (equal_folded(text, word)) return std::string(text);
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return fail(Errc::kInvalid,
              "no " + std::string(key) + " '" + printable(word, 40) + "': it is one of " + known);
}

const model::Version* running(const DeviceRow& row) {
  return row.facts().confirmed ? &row.facts().confirmed->version : nullptr;
}

}  // namespace

Result<DeviceFilter::Alternative> DeviceFilter::alternative_of(Key key, std::string_view value) {
  Alternative one{.key = key};
  one.text = std::string(value);
  if (value.empty()) return fail(Errc::kInvalid, "a key without a value: write group:line-1");
  const auto take = [&](std::string_view sign, Relation relation) {
    if (!value.starts_with(sign)) return false;
    value.remove_prefix(sign.size());
    one.relation = relation;
    return true;
  };
  const auto named = [&](Result<std::string> word) -> Result<Alternative> {
    if (!word) return word.error();
    one.text = std::move(*word);
    return std::move(one);
  };
  switch (key) {
    case Key::kState:
      return named(known_word(kDeviceStateWords, value, "state"));
    case Key::kVerdict:
      return named(known_word(model::kLevelWords, value, "verdict"));
    case Key::kJob:
      one.none = equal_folded(value, kNone);
      if (one.none) return one;
      return named(known_word(model::kJobStateWords, value, "job", kNone));
    case Key::kVersion:
    case Key::kTarget: {
      one.none = equal_folded(value, kNone);
      if (one.none) return one;
      (void)(take("<=", Relation::kLessOrEqual) || take(">=", Relation::kGreaterOrEqual) ||
             take("<", Relation::kLess) || take(">", Relation::kGreater));
      auto version = model::Version::parse(value);
      if (!version) return version.error();
      one.version = std::move(*version);
      return one;
    }
    case Key::kSeen: {
      one.none = equal_folded(value, kNever);
      if (one.none) return one;
      if (!take(">", Relation::kGreater) && !take("<", Relation::kLess)) {
        return fail(Errc::kInvalid, "seen: is followed by >5m, <1h or never");
      }
      const auto age = parse_duration(value);
      if (!age) return age.error();
      one.age = *age;
      return one;
    }
    default:
      return one;
  }
}

Result<DeviceFilter> DeviceFilter::parse(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Key>, 10> kKeys{
      {{"id", Key::kId},
       {"model", Key::kModel},
       {"group", Key::kGroup},
       {"state", Key::kState},
       {"verdict", Key::kVerdict},
       {"job", Key::kJob},
       {"gate", Key::kGate},
       {"version", Key::kVersion},
       {"target", Key::kTarget},
       {"seen", Key::kSeen}}};
  if (text.size() > kMaxFilter) {
    return fail(Errc::kLimit, "a filter has at most " + std::to_string(kMaxFilter) + " bytes");
  }
  DeviceFilter filter;
  for (const std::string& word : split(text, ' ')) {
    if (word.empty()) continue;
    Term term;
    std::string_view rest = word;
    term.wanted = !rest.starts_with('!');
    if (!term.wanted) rest.remove_prefix(1);
    Key key = Key::kAnywhere;
    for (const std::string& part : split(rest, ',')) {
      if (part.empty()) continue;
      if (part.starts_with('!')) {
        return fail(Errc::kInvalid,
                    "'" + printable(word, 40) + "': one '!', before the whole word");
      }
      std::string_view value = part;
      if (const auto colon = value.find(':'); colon != std::string_view::npos) {
        const std::string_view name = value.substr(0, colon);
        const auto* known = std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& entry) {
          return equal_folded(entry.first, name);
        });
        if (known == kKeys.end()) {
          std::string keys;
          for (const auto& entry : kKeys)
            keys += std::string(keys.empty() ? "" : ", ") + std::string(entry.first) + ":";
          return fail(Errc::kInvalid,
                      "no key '" + printable(name, 40) + ":': there are " + keys + " and behind");
        }
        key = known->second;
        value.remove_prefix(colon + 1);
      } else if (key == Key::kAnywhere && equal_folded(value, "behind")) {
        term.alternatives.push_back({.key = Key::kBehind});
        continue;
      }
      auto one = alternative_of(key, value);
      if (!one) return one.error();
      term.alternatives.push_back(std::move(*one));
    }
    if (term.alternatives.empty())
      return fail(Errc::kInvalid, "'" + printable(word, 40) + "' names nothing");
    filter.terms_.push_back(std::move(term));
  }
  return filter;
}

bool DeviceFilter::matches(const Alternative& one, const DeviceRow& row, WallTime now) {
  const auto compares = [&](const model::Version* version) {
    if (one.none || version == nullptr) return one.none && version == nullptr;
    switch (one.relation) {
      case Relation::kEqual:
        return *version == one.version;
      case Relation::kLess:
        return *version < one.version;
      case Relation::kLessOrEqual:
        return *version <= one.version;
      case Relation::kGreater:
        return *version > one.version;
      case Relation::kGreaterOrEqual:
        return *version >= one.version;
    }
    return false;
  };
  switch (one.key) {
    case Key::kAnywhere:
      return contains_folded(row.id, one.text) || contains_folded(row.hardware(), one.text) ||
             contains_folded(row.group(), one.text) ||
             contains_folded(to_text(row.state), one.text) ||
             contains_folded(row.label, one.text) || contains_folded(row.gate, one.text) ||
             (running(row) != nullptr && contains_folded(running(row)->label(), one.text)) ||
             (row.target && contains_folded(row.target->label(), one.text));
    case Key::kId:
      return is_named(row.id, one.text);
    case Key::kModel:
      return is_named(row.hardware(), one.text);
    case Key::kGroup:
      return is_named(row.group(), one.text);
    case Key::kState:
      return to_text(row.state) == one.text;
    case Key::kVerdict:
      return model::to_text(row.level) == one.text;
    case Key::kJob:
      return one.none ? row.job.empty()
                      : !row.job.empty() && model::to_text(row.job_state) == one.text;
    case Key::kGate:
      return contains_folded(row.gate, one.text);
    case Key::kVersion:
      return compares(running(row));
    case Key::kTarget:
      return compares(row.target ? &*row.target : nullptr);
    case Key::kBehind:
      return row.target && running(row) != nullptr && *running(row) < *row.target;
    case Key::kSeen: {
      const bool never = row.last_seen == WallTime{};
      if (one.none || never) return one.none && never;
      const auto age = now - row.last_seen;
      return one.relation == Relation::kLess ? age < one.age : age > one.age;
    }
  }
  return false;
}

bool DeviceFilter::matches(const DeviceRow& row, WallTime now) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return term.wanted ==
           std::any_of(term.alternatives.begin(), term.alternatives.end(),
                       [&](const Alternative& one) { return matches(one, row, now); });
  });
}

bool DeviceFilter::reads_clock() const {
  return std::any_of(terms_.begin(), terms_.end(), [](const Term& term) {
    return std::any_of(term.alternatives.begin(), term.alternatives.end(),
                       [](const Alternative& one) { return one.key == Key::kSeen && !one.none; });
  });
}

}  // namespace ota::fleet

// What the JSON forms of the model share. Wall times: RFC 3339 text, null for "never" (the epoch).
#pragma once

#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "base/json_numbers.h"

namespace ota::model {

// A find() in what is no object finds nothing: all that is optional would be taken as absent.
inline void expect_object(const nlohmann::json& in) {
  if (!in.is_object()) throw std::invalid_argument("no object");
}

inline nlohmann::json time_json(WallTime time) {
  if (time == WallTime{}) return nullptr;
  return format_rfc3339(time);
}

inline WallTime time_of(const nlohmann::json& in) {
  if (in.is_null()) return {};
  auto time = parse_rfc3339(in.get_ref<const std::string&>());
  if (!time) throw std::invalid_argument(time.error().text());
  return *time;
}

// The member's time, "never" where it is absent.
inline WallTime time_at(const nlohmann::json& in, const char* key) {
  const auto found = in.find(key);
  return found == in.end() ? WallTime{} : time_of(*found);
}

}  // namespace ota::model

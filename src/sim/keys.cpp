#include "sim/keys.h"

#include <algorithm>

#include "base/text.h"

namespace ota::sim {
namespace {

std::string_view words_of(KeyType type) {
  switch (type) {
    case KeyType::kText:
      return "a text";
    case KeyType::kNumber:
      return "a number of zero or more";
    case KeyType::kSwitch:
      return "true or false";
    case KeyType::kTexts:
      return "a text or a list of texts";
    case KeyType::kObject:
      return "an object";
    case KeyType::kList:
      return "a list";
    case KeyType::kAny:
      return "anything";
  }
  return "";
}

bool fits(const Json& value, KeyType type) {
  switch (type) {
    case KeyType::kText:
      return value.is_string();
    case KeyType::kNumber:
      return value.is_number() && value.get<double>() >= 0;
    case KeyType::kSwitch:
      return value.is_boolean();
    case KeyType::kTexts:
      return value.is_string() ||
             (value.is_array() &&
              std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); }));
    case KeyType::kObject:
      return value.is_object();
    case KeyType::kList:
      return value.is_array();
    case KeyType::kAny:
      return true;
  }
  return false;
}

}  // namespace

Result<void> check_keys(const Json& object, const std::vector<Key>& keys,
                        const std::string& place) {
  if (!object.is_object()) return fail(Errc::kInvalid, place + ": accepted: an object");
  for (const auto& [name, value] : object.items()) {
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    if (known == keys.end()) {
      std::string accepted;
      for (const Key& key : keys)
        accepted.append(accepted.empty() ? "" : ", ").append(key.name);
      return fail(Errc::kInvalid,
                  place + "." + printable(name, 40) + ": no such key; accepted: " + accepted);
    }
    if (!fits(value, known->type)) {
      return fail(Errc::kInvalid, place + "." + name + " is " + printable(dump_json(value), 60) +
                                      "; accepted: " + std::string(words_of(known->type)));
    }
  }
  for (const Key& key : keys) {
    if (key.need == Need::kRequired && !object.contains(key.name)) {
      return fail(Errc::kInvalid,
                  place + "." + std::string(key.name) + " is missing: " + std::string(key.help));
    }
  }
  return {};
}

}  // namespace ota::sim

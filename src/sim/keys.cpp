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
    case KeyType::kSigned:
      return "a number";
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
    case KeyType::kSigned:
      return value.is_number();
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
  for (const auto& member : object.items()) {
    const std::string& name = member.key();
    std::string where = place;
    where.append(".").append(printable(name, 40));
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    if (known == keys.end()) {
      where += ": no such key; accepted: ";
      for (const Key& key : keys)
        where.append(&key == keys.data() ? "" : ", ").append(key.name);
      return fail(Errc::kInvalid, where);
    }
    if (!fits(member.value(), known->type)) {
      where.append(" is ").append(printable(dump_json(member.value()), 60));
      return fail(Errc::kInvalid, where.append("; accepted: ").append(words_of(known->type)));
    }
  }
  for (const Key& key : keys) {
    if (key.need == Need::kRequired && !object.contains(key.name)) {
      std::string where = place;
      where.append(".").append(key.name).append(" is missing: ").append(key.help);
      return fail(Errc::kInvalid, where);
    }
  }
  return {};
}

}  // namespace ota::sim

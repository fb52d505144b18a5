// Strict reading of a JSON object by a list of its keys. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ota::sim {

enum class KeyType { kText, kNumber, kSigned, kSwitch, kTexts, kObject, kList, kAny };
enum class Need { kRequired, kOptional };

struct Key {
  std::string_view name;
  KeyType type = KeyType::kText;
  Need need = Need::kOptional;
  std::string_view help;
};

// kInvalid names `place` and the key: unknown, missing or of the wrong type.
Result<void> check_keys(const Json& object, const std::vector<Key>& keys, const std::string& place);

}  // namespace ota::sim

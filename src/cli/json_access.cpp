// Forgiving reads of the server's answers (see api.h).
#include <algorithm>
#include <cctype>

#include "base/bytes.h"
#include "cli/api.h"

namespace ota::cli {

namespace {

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string url_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%' + to_hex(ByteView(&byte, 1));
    }
  }
  return out;
}

std::string text_at(const Json& object, const char* key, std::string_view fallback) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string(fallback);
}

double number_at(const Json& object, const char* key, double fallback) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_number() ? found->get<double>() : fallback;
}

std::uint64_t count_at(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr || !found->is_number_integer()) return 0;
  if (found->is_number_unsigned()) return found->get<std::uint64_t>();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(found->get<std::int64_t>(), 0));
}

bool is_set(const Json& object, const char* key) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

WallTime stamp_at(const Json& object, const char* key) {
  const auto parsed = parse_rfc3339(text_at(object, key));
  return parsed ? *parsed : WallTime{};
}

const Json& list_at(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const Json* found = member(object, key);
  return found != nullptr && found->is_array() ? *found : kEmpty;
}

const Json& object_at(const Json& object, const char* key) {
  static const Json kEmpty = Json::object();
  const Json* found = member(object, key);
  return found != nullptr && found->is_object() ? *found : kEmpty;
}

}  // namespace ota::cli

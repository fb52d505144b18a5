#include "base/json.h"

#include <set>
#include <vector>

namespace ota {
namespace {

// Where byte `offset` of `text` is, for a person: "line 3, column 14".
std::string position(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i + 1 < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Errc::kLimit, "JSON of more than " + std::to_string(limits.max_bytes) + " bytes");
  }
  // nlohmann keeps the last of duplicate keys and recurses without a bound; its callback sees both
  // in time.
  std::vector<std::set<std::string>> keys;
  std::string problem;
  bool too_deep = false;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (static_cast<std::size_t>(depth) > limits.max_depth) {
      too_deep = true;
      throw std::length_error("nested too deep");
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      problem = "key \"" + parsed.get<std::string>() + "\" stands twice in one object";
      throw std::invalid_argument(problem);
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    return fail(Errc::kInvalid, position(text, error.byte) + ": malformed JSON");
  } catch (const std::exception& error) {
    if (too_deep)
      return fail(Errc::kLimit, "JSON nested deeper than " + std::to_string(limits.max_depth));
    return fail(Errc::kInvalid, problem.empty() ? std::string("JSON: ") + error.what() : problem);
  }
}

}  // namespace ota

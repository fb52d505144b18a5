#include "config/section.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/nearest_word.h"
#include "base/text.h"

namespace ota::config {
namespace {

std::string range_words(std::string_view what, double least, double most) {
  return std::string(what) + " from " + format_number(least, 4) + " to " + format_number(most, 4);
}

std::string advice(std::string_view unknown, const std::vector<std::string_view>& names) {
  if (const std::string_view nearest = nearest_word(unknown, names); !nearest.empty()) {
    return "; did you mean \"" + std::string(nearest) + "\"?";
  }
  std::string list;
  for (const std::string_view name : names)
    list.append(list.empty() ? "" : ", ").append(name);
  return "; accepted: " + list;
}

}  // namespace

std::string whole_number_words(std::uint64_t least, std::uint64_t most) {
  return range_words("a whole number", static_cast<double>(least), static_cast<double>(most));
}

std::optional<std::uint64_t> whole_number(const JsonNode& node, std::uint64_t least,
                                          std::uint64_t most) {
  const bool fits =
      node.kind == JsonNode::Kind::kNumber && node.number >= static_cast<double>(least) &&
      node.number <= static_cast<double>(most) && std::floor(node.number) == node.number;
  if (!fits) return std::nullopt;
  return static_cast<std::uint64_t>(node.number);
}

void Report::add(Place place, std::string message) {
  problems.push_back({file, place.line, place.column, std::move(message)});
}

Section::Section(const JsonNode* node, std::string path, Report& report)
    : node_(node), path_(std::move(path)), report_(report) {}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Section::complain(const JsonNode& node, std::string_view key, std::string_view accepted) {
  report_.add(node.place,
              path_of(key) + " is " + node.described() + "; accepted: " + std::string(accepted));
}

template <class Text>
const JsonMember* Section::known(std::string_view key, std::string_view accepted,
                                 const Text& default_text) {
  names_.push_back(key);
  if (node_ == nullptr) {
    report_.keys.push_back(
        {report_.file, path_of(key), std::string(accepted), std::string(default_text())});
    return nullptr;
  }
  return node_->find(key);
}

void Section::number(std::string_view key, double& value, double least, double most) {
  const std::string accepted = range_words("a number", least, most);
  const JsonMember* member = known(key, accepted, [&] { return format_number(value, 4); });
  if (member == nullptr) return;
  const JsonNode& found = member->value;
  if (found.kind == JsonNode::Kind::kNumber && found.number >= least && found.number <= most) {
    value = found.number;
  } else {
    complain(found, key, accepted);
  }
}

void Section::count(std::string_view key, std::uint64_t& value, std::uint64_t least,
                    std::uint64_t most) {
  const std::string accepted = whole_number_words(least, most);
  const JsonMember* member = known(key, accepted, [&] { return std::to_string(value); });
  if (member == nullptr) return;
  if (const auto found = whole_number(member->value, least, most)) {
    value = *found;
  } else {
    complain(member->value, key, accepted);
  }
}

void Section::count(std::string_view key, std::uint32_t& value, std::uint32_t least,
                    std::uint32_t most) {
  std::uint64_t wide = value;
  count(key, wide, std::uint64_t{least}, std::uint64_t{most});
  value = static_cast<std::uint32_t>(wide);
}

void Section::duration(std::string_view key, std::chrono::milliseconds& value, double least,
                       double most, std::chrono::milliseconds unit) {
  const auto ms_per_unit = static_cast<double>(unit.count());
  double number_of_units = static_cast<double>(value.count()) / ms_per_unit;
  number(key, number_of_units, least, most);
  value = std::chrono::milliseconds(std::llround(number_of_units * ms_per_unit));
}

void Section::text(std::string_view key, std::string& value, std::string_view accepted,
                   const std::function<bool(const std::string&)>& good) {
  const JsonMember* member = known(key, accepted, [&] { return "\"" + value + "\""; });
  if (member == nullptr) return;
  const JsonNode& found = member->value;
  if (found.kind == JsonNode::Kind::kString && good(found.text)) {
    value = found.text;
  } else {
    complain(found, key, accepted);
  }
}

void Section::require(std::string_view key, std::string_view accepted) {
  if (node_ == nullptr || node_->find(key) != nullptr) return;
  report_.add(node_->place, path_of(key) + " is missing; accepted: " + std::string(accepted));
}

void Section::required_text(std::string_view key, std::string& value, std::string_view accepted,
                            const std::function<bool(const std::string&)>& good) {
  require(key, accepted);
  if (node_ == nullptr) {
    known(key, accepted, [] { return "required"; });
  } else {
    text(key, value, accepted, good);
  }
}

void Section::version(std::string_view key, std::optional<model::Version>& value) {
  constexpr std::string_view kAccepted = "a version such as \"2.1.5\", or null for none";
  const JsonMember* member = known(
      key, kAccepted, [&] { return value ? "\"" + value->text() + "\"" : std::string("null"); });
  if (member == nullptr) return;
  const JsonNode& found = member->value;
  if (found.kind == JsonNode::Kind::kNull) {
    value.reset();
    return;
  }
  if (found.kind == JsonNode::Kind::kString) {
    if (auto parsed = model::Version::parse(found.text)) {
      value = *parsed;
      return;
    }
  }
  complain(found, key, kAccepted);
}

const JsonMember* Section::of_kind(std::string_view key, std::string_view accepted,
                                   JsonNode::Kind kind, std::string_view default_text) {
  const JsonMember* member = known(key, accepted, [&] { return default_text; });
  if (member == nullptr || member->value.kind == kind) return member;
  complain(member->value, key, accepted);
  return nullptr;
}

void Section::texts(std::string_view key, std::string_view accepted,
                    const std::function<bool(const std::string&)>& good,
                    const std::function<void(const std::string&)>& take) {
  const JsonMember* list = array(key, accepted);
  if (list == nullptr) return;
  for (const JsonNode& item : list->value.items) {
    if (item.kind == JsonNode::Kind::kString && good(item.text)) {
      take(item.text);
    } else {
      complain(item, key, accepted);
    }
  }
}

const JsonMember* Section::object(std::string_view key, std::string_view accepted) {
  return of_kind(key, accepted, JsonNode::Kind::kObject, "{}");
}

const JsonMember* Section::array(std::string_view key, std::string_view accepted) {
  return of_kind(key, accepted, JsonNode::Kind::kArray, "[]");
}

const JsonMember* Section::required_array(std::string_view key, std::string_view accepted) {
  require(key, accepted);
  return of_kind(key, accepted, JsonNode::Kind::kArray, "required");
}

void Section::finish() {
  if (node_ == nullptr) return;
  const auto among = [](const std::vector<std::string_view>& keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const JsonMember& member : node_->members) {
    if (among(names_, member.key) || among(former_, member.key)) continue;
    report_.add(member.place, "unknown key \"" + printable(path_of(member.key), 80) + "\"" +
                                  advice(member.key, names_));
  }
}

}  // namespace ota::config

#include "fleet/record_reader.h"

#include <simdjson.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/device_members.h"

namespace ota::fleet {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::size_t kMaxDepth = 16;

// take(): false where the element is of another form than the value.

// What few records have, by its ordinary JSON form.
template <class T>
bool take(const element& in, T& value) {
  const auto json = parse_json(std::string(simdjson::minify(in)));
  if (!json) return false;
  auto read = json_as<T>(*json, "");
  if (read) value = std::move(*read);
  return read.has_value();
}

bool take(const element& in, bool& value) {
  return in.get_bool().get(value) == simdjson::SUCCESS;
}

bool take(const element& in, std::uint32_t& value) {
  std::uint64_t number = 0;
  if (in.get_uint64().get(number) != simdjson::SUCCESS || number > UINT32_MAX) return false;
  value = static_cast<std::uint32_t>(number);
  return true;
}

bool take(const element& in, std::string& value) {
  std::string_view text;
  if (in.get_string().get(text) != simdjson::SUCCESS) return false;
  value = text;
  return true;
}

// The values that stand as a text; `parse` gives what can be tested and dereferenced.
template <class T, class Parse>
bool take_text(const element& in, T& value, Parse&& parse) {
  std::string_view text;
  if (in.get_string().get(text) != simdjson::SUCCESS) return false;
  const auto parsed = parse(text);
  if (parsed) value = *parsed;
  return static_cast<bool>(parsed);
}

bool take(const element& in, WallTime& value) {
  if (!in.is_null()) return take_text(in, value, parse_rfc3339);
  value = {};
  return true;
}

bool take(const element& in, model::Version& value) {
  return take_text(in, value, model::Version::parse);
}

bool take(const element& in, model::Attention& value) {
  return take_text(in, value, model::parse_attention);
}

bool take(const element& in, model::EndTold& value) {
  return take_text(in, value, model::parse_end_told);
}

bool take(const element& in, model::Image& value);
bool take(const element& in, model::Facts& value);

template <class Optional>
bool take_optional(const element& in, Optional& value) {
  return in.is_null() || take(in, value.emplace());
}
template <class T>
bool take(const element& in, std::optional<T>& value) {
  return take_optional(in, value);
}
template <class T>
bool take(const element& in, BoxedOptional<T>& value) {
  return take_optional(in, value);
}

template <class T>
bool take(const element& in, std::vector<T>& values) {
  simdjson::dom::array array;
  if (in.get_array().get(array) != simdjson::SUCCESS) return false;
  values.reserve(array.size());
  for (const element& item : array) {
    if (!take(item, values.emplace_back())) return false;
  }
  return true;
}

// The members of an object whose names stand in order, as dump_json() writes them: none can stand
// twice.
bool take_members(const element& in, object& members) {
  if (in.get_object().get(members) != simdjson::SUCCESS) return false;
  std::string_view last;
  bool first = true;
  for (const auto& member : members) {
    if (!std::exchange(first, false) && member.key <= last) return false;
    last = member.key;
  }
  return true;
}

bool take(const element& in, std::map<std::string, std::string>& values) {
  object members;
  if (!take_members(in, members)) return false;
  for (const auto& [key, item] : members) {
    if (!take(item, values[std::string(key)])) return false;
  }
  return true;
}

// The visitor of model/device_members.h; stops at the first member that is wrong, and has its name.
class Members {
 public:
  explicit Members(const object& members) : members_(members) {}

  template <class T>
  void must_have(const char* name, T& value) {
    look(name, value, false);
  }
  template <class T>
  void may_have(const char* name, T& value) {
    look(name, value, true);
  }
  // Null: none.
  const char* wrong() const { return wrong_; }

 private:
  template <class T>
  void look(const char* name, T& value, bool may_lack) {
    if (wrong_ != nullptr) return;
    element found;
    const bool is_there = members_.at_key(name).get(found) == simdjson::SUCCESS;
    if (is_there ? !take(found, value) : !may_lack) wrong_ = name;
  }

  const object& members_;
  const char* wrong_ = nullptr;
};

// `wrong`: the name of the first member that is; null where none is, or where `in` is no object.
template <class T>
bool take_by_members(const element& in, T& value, const char*& wrong) {
  object members;
  if (!take_members(in, members)) return false;
  Members visit(members);
  model::each_member(value, visit);
  wrong = visit.wrong();
  return wrong == nullptr;
}

bool take(const element& in, model::Image& value) {
  const char* wrong = nullptr;
  return take_by_members(in, value, wrong);
}

bool take(const element& in, model::Facts& value) {
  const char* wrong = nullptr;
  return take_by_members(in, value, wrong);
}

}  // namespace

struct RecordReader::Impl {
  simdjson::dom::parser parser{kMaxBytes};
  std::string padded;

  // False where the text is not as dump_json() writes a record; `wrong` then is the name of the
  // member that is not, where it is one.
  bool read(std::string_view document, model::DeviceRecord& record, const char*& wrong) {
    padded.reserve(document.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(document);
    element root;
    constexpr bool kCopy = false;  // it is padded
    return parser.parse(padded.data(), padded.size(), kCopy).get(root) == simdjson::SUCCESS &&
           take_by_members(root, record, wrong);
  }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {
  constexpr std::size_t kUsual = 4096;
  if (impl_->parser.allocate(kUsual, kMaxDepth) != simdjson::SUCCESS) throw std::bad_alloc();
}

RecordReader::~RecordReader() = default;

Result<model::DeviceRecord> RecordReader::read(std::string_view document) {
  model::DeviceRecord record;
  const char* wrong = nullptr;
  if (impl_->read(document, record, wrong)) return record;
  auto json = parse_json(document);
  if (!json) return json.error();
  const std::string what =
      wrong == nullptr ? "a record" : "a record's \"" + std::string(wrong) + "\"";
  return json_as<model::DeviceRecord>(*json, what);
}

}  // namespace ota::fleet

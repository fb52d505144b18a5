#include "base/json.h"

#include <optional>
#include <utility>
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

// Builds the document and refuses on the way: what is nested too deep, and a key that stands twice
// (nlohmann itself keeps the last of them, and has no bound).
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::size_t max_depth) : max_depth_(max_depth) {}

  Json root;
  std::string problem;                // why it was refused, where it is well-formed
  bool too_deep = false;              // and that is why
  std::optional<std::size_t> bad_at;  // the byte after which it is malformed

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& value) override { return put(std::move(value)); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    auto& object = open_.back()->get_ref<Json::object_t&>();
    const auto [member, is_new] = object.try_emplace(std::move(name));
    member_ = &member->second;
    if (!is_new) problem = "key \"" + member->first + "\" stands twice in one object";
    return is_new;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (dynamic_cast<const Json::parse_error*>(&error) != nullptr) {
      bad_at = position;
    } else {
      problem = "JSON: a number that is out of range";
    }
    return false;
  }

 private:
  bool put(Json value) { return place(std::move(value)) != nullptr; }
  bool open(Json container) {
    Json* const placed = place(std::move(container));
    if (placed != nullptr) open_.push_back(placed);
    return placed != nullptr;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  // Where the value stands now; nothing where it is nested too deep. A container does not move
  // while it is open: only closed ones get neighbours.
  Json* place(Json value) {
    if (open_.size() > max_depth_) {
      too_deep = true;
      return nullptr;
    }
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back();
    if (parent.is_object()) {
      *member_ = std::move(value);
      return member_;
    }
    auto& array = parent.get_ref<Json::array_t&>();
    array.push_back(std::move(value));
    return &array.back();
  }

  const std::size_t max_depth_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // of the innermost object, named and without its value yet
};

}  // namespace

std::string misfit(const std::exception& error) {
  constexpr int kNoSuchKey = 403;
  const auto* theirs = dynamic_cast<const Json::exception*>(&error);
  if (theirs == nullptr) return error.what();
  const std::string_view words = theirs->what();
  const std::size_t from = words.find('\'');
  const std::size_t to = words.rfind('\'');
  if (theirs->id == kNoSuchKey && from < to)
    return '"' + std::string(words.substr(from + 1, to - from - 1)) + "\" is missing";
  return "a member is of another type";
}

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Errc::kLimit, "JSON of more than " + std::to_string(limits.max_bytes) + " bytes");
  }
  Builder builder(limits.max_depth);
  if (Json::sax_parse(text, &builder)) return std::move(builder.root);
  if (builder.too_deep) {
    return fail(Errc::kLimit, "JSON nested deeper than " + std::to_string(limits.max_depth));
  }
  if (builder.bad_at) {
    return fail(Errc::kInvalid, position(text, *builder.bad_at) + ": malformed JSON");
  }
  return fail(Errc::kInvalid, builder.problem);
}

}  // namespace ota

#include "tuf/strict_json.h"

#include <set>
#include <vector>

#include "base/text.h"
#include "tuf/error.h"

namespace ota::tuf {
namespace {

// Real metadata nests 6 deep; "custom" data of a target may add some.
constexpr std::size_t kMaxDepth = 32;
// RFC 7493 section 2.2: what every JSON implementation reads exactly.
constexpr std::int64_t kMaxInteger = (1LL << 53) - 1;

// Builds the value while it checks each event; returning false ends the parse.
class StrictHandler final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override {
    if (value == 0) return refuse("negative zero");
    if (value < -kMaxInteger) return refuse("an integer beyond 2^53-1");
    return put(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(kMaxInteger)) return refuse("an integer beyond 2^53-1");
    return put(value);
  }
  bool number_float(number_float_t, const string_t&) override {
    return refuse("a number that is no integer within 2^53-1");
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (open_.back()->contains(name)) return refuse("a key that stands twice in one object");
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    if (problem_.empty()) problem_ = "malformed JSON near byte " + std::to_string(position);
    return false;
  }

  Json& value() { return root_; }
  const std::string& problem() const { return problem_; }

 private:
  bool refuse(const char* what) {
    problem_ = what;
    return false;
  }
  Json* place(Json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json&& container) {
    if (open_.size() >= kMaxDepth) return refuse("nested too deep");
    // The pointers in open_ stay valid: a parent is not touched while a child of it is open.
    open_.push_back(place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string key_;
  std::string problem_;
};

void write_string(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void write(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: {
      out += '{';
      bool first = true;
      // nlohmann's objects are std::map: already in the order of their keys' bytes.
      for (const auto& [key, member] : value.items()) {
        if (!first) out += ',';
        first = false;
        write_string(out, key);
        out += ':';
        write(out, member);
      }
      out += '}';
      return;
    }
    case Json::value_t::array: {
      out += '[';
      bool first = true;
      for (const Json& element : value) {
        if (!first) out += ',';
        first = false;
        write(out, element);
      }
      out += ']';
      return;
    }
    case Json::value_t::string:
      write_string(out, value.get_ref<const std::string&>());
      return;
    default:
      out += value.dump();  // null, booleans and integers have one form only
      return;
  }
}

}  // namespace

Result<Json> parse_strict(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    return fail(Errc::kMalformed, "JSON that starts with a byte-order mark");
  }
  if (!is_utf8(text)) return fail(Errc::kMalformed, "JSON that is not UTF-8");
  // nlohmann takes a NUL for the end of its input and would not see what follows.
  if (text.find('\0') != std::string_view::npos) {
    return fail(Errc::kMalformed, "JSON with a NUL byte");
  }
  StrictHandler handler;
  if (!Json::sax_parse(text, &handler)) {
    return fail(Errc::kMalformed, "JSON: " + handler.problem());
  }
  return std::move(handler.value());
}

std::string canonical(const Json& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace ota::tuf

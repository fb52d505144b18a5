#include "config/json_tree.h"

#include "tests/support/catch.h"

using namespace ota::config;

namespace {

JsonTree parse(std::string_view text) {
  return parse_tree(text, {});
}

std::string first_error(std::string_view text) {
  const JsonTree tree = parse(text);
  if (tree.errors.empty()) return "none";
  const SyntaxError& error = tree.errors.front();
  return std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " +
         error.message;
}

}  // namespace

TEST_CASE("every kind of value is read with its place", "[config]") {
  const JsonTree tree = parse("{\n  \"a\": [1, -2.5e2, true, null],\n  \"b\": {\"c\": \"x\"}\n}\n");
  REQUIRE(tree.root);
  const JsonMember* a = tree.root->find("a");
  REQUIRE(a != nullptr);
  CHECK(a->place.line == 2);
  CHECK(a->place.column == 3);
  REQUIRE(a->value.items.size() == 4);
  CHECK(a->value.items[1].number == -250);
  CHECK(a->value.items[1].place.column == 12);
  CHECK(a->value.items[2].kind == JsonNode::Kind::kBoolean);
  CHECK(a->value.items[3].kind == JsonNode::Kind::kNull);
  CHECK(tree.root->find("b")->value.find("c")->value.text == "x");
  CHECK(tree.root->find("d") == nullptr);
}

TEST_CASE("columns count characters, not bytes", "[config]") {
  const JsonTree tree = parse("{\"größe→\": 7}");
  REQUIRE(tree.root);
  CHECK(tree.root->members[0].value.place.column == 12);
}

TEST_CASE("escapes give the characters that they stand for", "[config]") {
  const JsonTree tree = parse(R"(["\"\\\/\b\f\n\r\t\u0041\u00e4\u20ac\ud83d\ude00"])");
  REQUIRE(tree.root);
  CHECK(tree.root->items[0].text == "\"\\/\b\f\n\r\tAä€😀");
}

TEST_CASE("malformed text is refused where it goes wrong", "[config]") {
  CHECK(first_error("") == "1:1: found the end of the file; accepted: a value");
  CHECK(first_error("{") == "1:2: found the end of the file; accepted: a key in quotes");
  CHECK(first_error("{\"a\":1,}") == "1:8: found '}'; accepted: a key in quotes");
  CHECK(first_error("[1,]") == "1:4: found ']'; accepted: a value");
  CHECK(first_error("{\n  \"a\" 1\n}") == "2:7: found '1'; accepted: ':'");
  CHECK(first_error("{\"a\":1 \"b\":2}") == "1:8: found a string; accepted: ',' or '}'");
  CHECK(first_error("// no\n{}") == "1:1: found a comment; accepted: a value");
  CHECK(first_error("{} x") == "1:4: found 'x'; accepted: the end of the file");
  CHECK(first_error("[01]") == "1:3: found '1'; accepted: a number without leading zeros");
  CHECK(first_error("[1.]") == "1:4: found ']'; accepted: a digit");
  CHECK(first_error("[1e]") == "1:4: found ']'; accepted: a digit");
  CHECK(first_error("[-]") == "1:3: found ']'; accepted: a digit");
  CHECK(first_error("[tru]") == "1:2: found 't'; accepted: a value");
  CHECK(first_error("\xef\xbb\xbf{}") ==
        "1:1: found a byte order mark (save it as UTF-8 without one); accepted: a value");
  CHECK(first_error("[\xe2\x80\x8b]") == "1:2: found U+200B; accepted: a value");
  CHECK(first_error("[\xc2\xa0]") == "1:2: found U+00A0; accepted: a value");
  CHECK(first_error("[\xc3\xa4]") == "1:2: found '\xc3\xa4'; accepted: a value");
  CHECK(first_error("[NaN]") == "1:2: found 'N'; accepted: a value");
  CHECK(first_error("[\"a") ==
        "1:4: found the end of the file; accepted: a character or the closing \"");
  CHECK(first_error("[\"a\n\"]").find("1:4: ") == 0);
  CHECK(first_error(R"(["\x"])").find("1:4: ") == 0);
  CHECK(first_error(R"(["\u12g4"])").find("four hexadecimal digits") != std::string::npos);
  CHECK(first_error(R"(["\ud800x"])").find("surrogate") != std::string::npos);
  CHECK(first_error(R"(["\udc00"])").find("surrogate") != std::string::npos);
}

TEST_CASE("duplicate keys are all reported, each at its second place", "[config]") {
  const JsonTree tree = parse("{\"a\":1,\n\"a\":2,\n\"b\":1,\n\"b\":2}");
  REQUIRE(tree.errors.size() == 2);
  CHECK(tree.errors[0].place.line == 2);
  CHECK(tree.errors[1].place.line == 4);
  CHECK(tree.errors[1].message == "key \"b\" stands twice");
}

TEST_CASE("size, depth and encoding are bounded before anything is built", "[config]") {
  CHECK_FALSE(parse_tree("[1,2,3]", {.max_bytes = 3, .max_depth = 4}).root);
  CHECK(parse_tree("[[[1]]]", {.max_bytes = 100, .max_depth = 3}).root);
  CHECK_FALSE(parse_tree("[[[1]]]", {.max_bytes = 100, .max_depth = 2}).root);
  CHECK_FALSE(parse(std::string(100000, '[')).root);
  const JsonTree tree = parse("{\n\"a\": \"\xff\"}");
  REQUIRE(tree.errors.size() == 1);
  CHECK(tree.errors[0].place.line == 2);
}

TEST_CASE("a number too large for a double is in no range", "[config]") {
  const JsonTree tree = parse("[1e999]");
  REQUIRE(tree.root);
  CHECK_FALSE(tree.root->items[0].number <= 1e308);
}

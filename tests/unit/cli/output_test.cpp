#include "cli/output.h"

#include <sstream>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::cli;

TEST_CASE("nothing that otactl prints, JSON included, can act on a terminal", "[cli]") {
  // C1's CSI, a right-to-left override, DEL, an emoji beyond the first plane, and no UTF-8 at all.
  const std::string hostile =
      "a\xc2\x9b"
      "31m\xe2\x80\xae"
      "b\x7f\xf0\x9f\x98\x80\xff"
      "c\x1b[0m";
  const Json document{{"name", hostile}};
  const auto printed = [&](Format format, const std::function<void(Output&)>& print) {
    std::ostringstream out;
    std::ostringstream err;
    Output output(out, err, format, Colour::kPlain);
    print(output);
    return out.str() + err.str();
  };
  std::vector<std::string> all;
  for (const Format format : {Format::kText, Format::kJson}) {
    all.push_back(printed(format, [&](Output& out) { out.document(document); }));
    all.push_back(printed(format, [&](Output& out) { out.record(document); }));
    all.push_back(printed(format, [&](Output& out) { out.line(hostile); }));
    all.push_back(printed(format, [&](Output& out) { out.problem(hostile, hostile); }));
    all.push_back(printed(format, [&](Output& out) { out.json_text(dump_json(document)); }));
  }
  for (const std::string& text : all) {
    INFO(text);
    CHECK(text.find("\xc2\x9b") == std::string::npos);
    CHECK(text.find("\xe2\x80\xae") == std::string::npos);
    CHECK(text.find_first_of("\x7f\x1b") == std::string::npos);
  }
}

TEST_CASE("escapes keep what a JSON document means", "[cli]") {
  const Json document{{"name", "ä\xf0\x9f\x98\x80\xc2\x9b"}};
  std::ostringstream out;
  Output output(out, out, Format::kText, Colour::kPlain);
  output.json_text(dump_json(document));
  CHECK(*parse_json(out.str()) == document);
  CHECK(out.str().find_first_not_of("{}\":\\u0123456789abcdefnam") == std::string::npos);
}

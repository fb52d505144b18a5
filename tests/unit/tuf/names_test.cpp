#include "tuf/names.h"

#include <set>

#include "tests/support/catch.h"

using namespace ota::tuf;

TEST_CASE("role names are percent-encoded with upper-case digits, slashes too", "[tuf]") {
  CHECK(metadata_path("?", 1) == "1.%3F.json");
  CHECK(metadata_path("#", 2) == "2.%23.json");
  CHECK(metadata_path("/delegatedrole", 1) == "1.%2Fdelegatedrole.json");
  CHECK(metadata_path("../delegatedrole", 1) == "1...%2Fdelegatedrole.json");
  CHECK(metadata_path("a b~c_d-e.f", 10) == "10.a%20b~c_d-e.f.json");
  CHECK(metadata_path("\xc3\xa4", 1) == "1.%C3%A4.json");
  CHECK(metadata_path("timestamp", {}) == "timestamp.json");
}

TEST_CASE("a target's hash stands before the last segment and slashes stay", "[tuf]") {
  CHECK(target_url_path("a/b/c.img", "ff") == "a/b/ff.c.img");
  CHECK(target_url_path("c.img", "ff") == "ff.c.img");
  CHECK(target_url_path("../c d", "ff") == "../ff.c%20d");
  CHECK(target_url_path("a?b/c#d", "ff") == "a%3Fb/ff.c%23d");
  CHECK(target_url_path("a/b", "") == "a/b");
}

TEST_CASE("names on disk are injective, flat and short enough", "[tuf]") {
  const std::string names[] = {"a",
                               "A",
                               "a/b",
                               "a%2Fb",
                               "../a",
                               "%long-x",
                               std::string(300, 'x'),
                               std::string(301, 'x'),
                               std::string(150, '/')};
  std::set<std::string> stored;
  for (const std::string& name : names) {
    const std::string file = stored_name(name);
    CHECK(file.find('/') == std::string::npos);
    CHECK(file.size() <= 240);
    CHECK(file.ends_with(".json"));
    CHECK(stored.insert(file).second);
  }
}

TEST_CASE("patterns match within one segment, case-sensitive, as many segments in both", "[tuf]") {
  struct Case {
    const char* pattern;
    const char* target;
    bool matches;
  };
  const Case cases[] = {
      {"*", "a", true},
      {"*", "", true},
      {"*", "a/b", false},
      {"*/*", "a/b", true},
      {"a/*", "a/b", true},
      {"a/*", "a/b/c", false},
      {"a/*", "a", false},
      {"*.md", "README.md", true},
      {"*.md", "README.MD", false},
      {"?", "a", true},
      {"?", "ab", false},
      {"?", "", false},
      {"a*b*c", "axxbyyc", true},
      {"a*b*c", "axxbyy", false},
      {"**", "abc", true},
      {"[ab]x", "bx", true},
      {"[ab]x", "cx", false},
      {"[!ab]x", "cx", true},
      {"[!ab]x", "ax", false},
      {"[0-9]", "5", true},
      {"[0-9]", "a", false},
      {"[]]", "]", true},
      {"[a", "[a", true},  // never closed: stands for itself
      {"[a", "a", false},
      {"[a-]", "-", true},
      {"*[0-9].img", "firmware-21.img", true},
      {"", "", true},
      {"", "a", false},
      {"/a", "a", false},
      {"releases/*/x?.zip", "releases/y/x1.zip", true},
  };
  for (const Case& c : cases) {
    INFO(c.pattern << " on " << c.target);
    CHECK(pattern_matches(c.pattern, c.target) == c.matches);
  }
}

TEST_CASE("a hostile pattern costs no exponential time", "[tuf]") {
  std::string pattern;
  for (int i = 0; i < 200; ++i)
    pattern += "*a";
  CHECK_FALSE(pattern_matches(pattern + "b", std::string(5000, 'a')));
}

#include "console/key.h"

#include "console/actions.h"
#include "tests/support/catch.h"

using namespace ota::console;

namespace {

std::string names(std::string_view bytes) {
  KeyDecoder decoder;
  std::vector<Key> keys;
  decoder.feed(bytes, keys);
  decoder.flush(keys);
  std::string out;
  for (const Key& key : keys)
    out += (out.empty() ? "" : " ") + key.name();
  return out;
}

}  // namespace

TEST_CASE("arrow keys are known in both of their forms", "[console]") {
  CHECK(names("\033[A\033OB\033[1;5C\033[D") == "Up Down Right Left");
  CHECK(names("\033[5~\033[6~\033[H\033OF\033[1~\033[4~") == "PgUp PgDn Home End Home End");
  CHECK(names("\033OP\033[11~\033[[A") == "F1 F1 F1");
}

TEST_CASE("an ESC alone is held back until it is known to stand alone", "[console]") {
  KeyDecoder decoder;
  std::vector<Key> keys;
  decoder.feed("\033", keys);
  CHECK(keys.empty());
  CHECK(decoder.waiting());
  decoder.feed("[A", keys);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].kind == Key::Kind::kUp);
  decoder.feed("\033", keys);
  decoder.flush(keys);
  REQUIRE(keys.size() == 2);
  CHECK(keys[1].kind == Key::Kind::kEscape);
}

TEST_CASE("a sequence that is split anywhere decodes the same", "[console]") {
  const std::string bytes = "a\033[A\033[200~q u\033[201~\033[6~é";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    KeyDecoder decoder;
    std::vector<Key> keys;
    decoder.feed(bytes.substr(0, cut), keys);
    decoder.feed(bytes.substr(cut), keys);
    REQUIRE(keys.size() == 5);
    CHECK(keys[2].kind == Key::Kind::kPaste);
    CHECK(keys[2].text == "q u");
    CHECK(keys[4].point == U'é');
  }
}

TEST_CASE("unknown sequences are swallowed whole and Alt with a key is no key", "[console]") {
  CHECK(names("\033[99;99x1") == "1");
  CHECK(names("\033[<0;10;10M2") == "2");
  CHECK(names("\033q3") == "3");
}

TEST_CASE("a paste is bounded and never becomes keys", "[console]") {
  KeyDecoder decoder;
  std::vector<Key> keys;
  decoder.feed("\033[200~" + std::string(100000, 'q') + "\033[201~1", keys);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].text.size() == kMaxPaste);
  CHECK(keys[1].point == U'1');
}

// No byte stays behind that would be taken for a key later, and what came out has a name.
TEST_CASE("any bytes decode to keys with names, and leave nothing behind", "[console]") {
  unsigned state = 7;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525U + 1013904223U;
      const unsigned pick = (state >> 16) & 0xff;
      bytes += static_cast<char>(pick % 5 == 0 ? 0x1b : pick % 7 == 0 ? '[' : pick);
    }
    KeyDecoder decoder;
    std::vector<Key> keys;
    decoder.feed(bytes, keys);
    decoder.flush(keys);
    // An end of paste, where the bytes happened to begin one.
    decoder.feed("\033[201~", keys);
    decoder.flush(keys);
    CHECK_FALSE(decoder.waiting());
    CHECK(keys.size() <= bytes.size() + 1);
    for (const Key& key : keys)
      CHECK((key.kind == Key::Kind::kPaste || !key.name().empty()));
    std::vector<Key> next;
    decoder.feed("q", next);
    REQUIRE(next.size() == 1);
    CHECK(next.front().name() == "q");
  }
}

TEST_CASE("every key's name gives bytes that decode to it", "[console]") {
  for (const Binding* binding : all_bindings()) {
    std::string_view rest = binding->keys;
    while (!rest.empty()) {
      const std::size_t end = rest.find(' ');
      const std::string name(rest.substr(0, end));
      const auto bytes = bytes_of_key(name);
      REQUIRE(bytes);
      CHECK(names(*bytes) == name);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
}

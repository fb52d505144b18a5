#include "console/glyphs.h"

#include "console/canvas.h"
#include "tests/support/catch.h"

using namespace ota::console;

TEST_CASE("a wide character takes two cells and a combining one none", "[console]") {
  CHECK(cells_of("abc") == 3);
  CHECK(cells_of("温度") == 4);
  CHECK(cells_of("e\u0301") == 1);
  CHECK(cells_of("⣿─▸✓") == 4);
}

TEST_CASE("bytes that are no UTF-8 become one replacement each, and every loop ends", "[console]") {
  CHECK(first_glyph("\xff\xfe").bytes == 1);
  CHECK(first_glyph("\xe2\x82").point == 0xfffd);
  CHECK(first_glyph("\xed\xa0\x80").point == 0xfffd);
  CHECK(first_glyph("\033[2J").point == 0xfffd);
}

TEST_CASE("a letter keeps its marks, and takes the cells that a terminal gives it", "[console]") {
  const auto drawn = [](std::string_view text) {
    Canvas canvas({20, 1}, Charset::kUnicode);
    Area(canvas).put(0, 0, text);
    return canvas.row(0);
  };
  for (const char* text : {
           "Zu\u0308rich",                    // decomposed
           "\u0915\u094d\u0937\u093f",        // Devanagari: virama and vowel signs
           "\u0e01\u0e33\u0e49\u0e1b\u0e38",  // Thai
           "\u05e9\u05bc\u05c1",              // Hebrew: two marks on one letter
           "\u0646\u0651\u064f",              // Arabic
           "\u2764\ufe0f",                    // a heart and its selector
           "a\u0300\u0301\u0302\u0303b",      // as many marks as a cell takes
           "\u1112\u1161\u11ab",              // Hangul, in its parts
       }) {
    CAPTURE(text);
    CHECK(drawn(text) == text);
  }
  CHECK(cells_of("Zu\u0308rich") == 6);
  CHECK(cells_of("\u05e9\u05bc\u05c1") == 1);
  CHECK(cells_of("\u2764\ufe0f") == 1);
  CHECK(first_glyph("e\u0301x").bytes == 3);
  // More marks than a cell takes stay with their letter and are left out.
  CHECK(drawn("a\u0300\u0301\u0302\u0303\u0304b") == "a\u0300\u0301\u0302\u0303b");
  // A cut goes between characters.
  Canvas canvas({3, 1}, Charset::kUnicode);
  Area(canvas).put(0, 0, "e\u0301e\u0301e\u0301e\u0301");
  CHECK(canvas.row(0) == "e\u0301e\u0301…");
  // A mark alone, and what hides or reorders.
  CHECK(drawn("\u0301a") == "a");
  CHECK(drawn("a\u200bb\u2066c\ue000d") == "a?b?c?d");
}

TEST_CASE("an ASCII screen shows the letter without its marks", "[console]") {
  Canvas canvas({20, 1}, Charset::kAscii);
  Area(canvas).put(0, 0, "Zu\u0308rich e\u0301");
  CHECK(canvas.row(0) == "Zurich e");
}

TEST_CASE("a wide character is never cut by the end of an area", "[console]") {
  Canvas canvas({5, 1}, Charset::kUnicode);
  const Area area(canvas);
  area.put(0, 0, "a温度b");
  CHECK(canvas.row(0) == "a温…");
  area.put(0, 0, "温温", {}, 5);
  CHECK(canvas.row(0) == "温温");
  // Overwriting one half blanks the other.
  area.set(1, 0, U'x');
  CHECK(canvas.row(0) == " x温");
}

TEST_CASE("an ASCII canvas holds ASCII alone, whatever is drawn", "[console]") {
  Canvas canvas({40, 1}, Charset::kAscii);
  Area(canvas).put(0, 0, "BLOCKED → OTA 温 ─ ≥ °");
  for (const char c : canvas.row(0))
    CHECK(static_cast<unsigned char>(c) < 0x80);
  CHECK(canvas.row(0).starts_with("BLOCKED -> OTA ?"));
}

TEST_CASE("escape sequences in a text draw as question marks", "[console]") {
  Canvas canvas({20, 1}, Charset::kUnicode);
  Area(canvas).put(0, 0, "a\033[31mb\u202ec\u009bd");
  CHECK(canvas.row(0) == "a?[31mb?c?d");
}

TEST_CASE("nothing is drawn outside of an area", "[console]") {
  Canvas canvas({10, 3}, Charset::kUnicode);
  const Area part = Area(canvas).part(2, 1, 4, 1);
  part.put(-1, 0, "no");
  part.put(0, 5, "no");
  part.put(0, 0, "abcdefgh");
  part.set(4, 0, U'x');
  part.put_right(4, 0, "z");
  CHECK(canvas.text() == "\n  abcz\n\n");
}

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

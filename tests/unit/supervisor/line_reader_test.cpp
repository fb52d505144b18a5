#include "supervisor/line_reader.h"

#include "supervisor/backoff.h"
#include "tests/support/catch.h"

using namespace ota;
using supervisor::Backoff;
using supervisor::LineReader;

TEST_CASE("lines are cut where they end, however the bytes arrive", "[supervisor]") {
  LineReader reader(10);
  CHECK_FALSE(reader.feed("first li"));
  CHECK(reader.feed("ne\r\nsecond\nthi"));
  CHECK(reader.lines() == std::vector<std::string>{"first line", "second"});
  reader.finish();
  CHECK(reader.lines().back() == "thi");
}

TEST_CASE("only the last lines are kept and none is longer than the bound", "[supervisor]") {
  LineReader reader(2);
  reader.feed("a\nb\nc\n");
  CHECK(reader.lines() == std::vector<std::string>{"b", "c"});
  reader.feed(std::string(3 * LineReader::kMaxLine, 'x'));
  for (const std::string& line : reader.lines())
    CHECK(line.size() <= LineReader::kMaxLine);
}

TEST_CASE("an agent's output cannot act on the terminal", "[supervisor]") {
  LineReader reader(2);
  reader.feed(
      "\x1b[2J\x9b"
      "boo\n");
  CHECK(reader.lines().front() == "?[2J?boo");
}

TEST_CASE("the wait doubles to its bound and starts anew after a healthy run", "[supervisor]") {
  Backoff backoff(milliseconds(100), milliseconds(350));
  const milliseconds healthy(1000);
  CHECK(backoff.after_exit(milliseconds(1), healthy, 0) == milliseconds(100));
  CHECK(backoff.after_exit(milliseconds(1), healthy, 0) == milliseconds(200));
  CHECK(backoff.after_exit(milliseconds(1), healthy, 0) == milliseconds(350));
  CHECK(backoff.after_exit(milliseconds(1), healthy, 0.9) == milliseconds(350));
  CHECK(backoff.after_exit(milliseconds(1000), healthy, 0) == milliseconds(100));
}

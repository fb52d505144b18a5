#include "agents/process.h"

#include <chrono>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;

namespace {
const std::atomic<bool> kUninterrupted{false};
}

TEST_CASE("a program's exit status and last output are told", "[agent]") {
  const auto end =
      run_program({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, seconds(20), kUninterrupted);
  REQUIRE(end.has_value());
  CHECK(end->status == 3);
  CHECK(end->output.find("out") != std::string::npos);
  CHECK(end->output.find("err") != std::string::npos);
}

TEST_CASE("a program that floods its output is neither stuck nor kept", "[agent]") {
  const auto end =
      run_program({"/bin/sh", "-c", "yes | head -c 1000000; exit 0"}, seconds(20), kUninterrupted);
  REQUIRE(end.has_value());
  CHECK(end->status == 0);
  CHECK(end->output.size() <= 2048);
}

TEST_CASE("a program that hangs is killed with its children at its deadline", "[agent]") {
  const auto start = std::chrono::steady_clock::now();
  const auto end =
      run_program({"/bin/sh", "-c", "sleep 100 & wait"}, milliseconds(200), kUninterrupted);
  CHECK(end.error().code == Errc::kTimeout);
  CHECK(std::chrono::steady_clock::now() - start < seconds(10));
}

TEST_CASE("an interrupted program is killed", "[agent]") {
  const std::atomic<bool> interrupted{true};
  CHECK(run_program({"/bin/sleep", "100"}, seconds(100), interrupted).error().code ==
        Errc::kUnavailable);
}

TEST_CASE("a program that is not there is said to be so", "[agent]") {
  CHECK(run_program({"/nonexistent/program"}, seconds(5), kUninterrupted).error().code ==
        Errc::kNotFound);
}

TEST_CASE("image and version are filled into a command, also within words", "[agent]") {
  CHECK(fill_in({"/bin/x", "{image}", "--v={version}"}, "/a b", "2.1.5") ==
        CommandLine{"/bin/x", "/a b", "--v=2.1.5"});
}

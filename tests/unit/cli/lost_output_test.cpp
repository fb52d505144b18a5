// What otactl does where its output does not arrive.
#include "cli/output.h"

#include <cerrno>
#include <ostream>
#include <streambuf>

#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;

namespace {

// Takes `room` bytes and then fails as a file does.
class FullBuffer final : public std::streambuf {
 public:
  FullBuffer(std::size_t room, int error) : room_(room), error_(error) {}

 protected:
  int_type overflow(int_type c) override {
    if (room_ == 0) return errno = error_, traits_type::eof();
    --room_;
    return c;
  }

 private:
  std::size_t room_;
  int error_;
};

struct Ended {
  int code;
  std::string err;
};

Ended with_output(std::size_t room, int error, const std::string& line, cli::test::Script& script) {
  FullBuffer buffer(room, error);
  std::ostream out(&buffer);
  std::ostringstream err;
  std::istringstream in;
  ManualClock clock(WallTime(milliseconds(1787000000000)));
  const int code = run(split(line, ' '), {.out = out,
                                          .err = err,
                                          .in = in,
                                          .clock = clock,
                                          .environment = {},
                                          .ask = [](const std::string&) { return Answer::kNobody; },
                                          .interrupted = [&] { return --script.looks < 0; },
                                          .wait = [&](milliseconds time) { clock.advance(time); },
                                          .open_api =
                                              [&](const std::string&, const std::string&) {
                                                return std::make_unique<cli::test::FakeApi>(script);
                                              }});
  return {code, err.str()};
}

cli::test::Script fleet_of_one() {
  cli::test::Script script;
  script.answers["GET /v1/devices?limit=1000"] = {Json{{"devices", {{{"id", "a"}}}}}};
  script.answers["GET /v1/events?order=newest&limit=1"] = {Json{{"events", Json::array()}}};
  script.answers["GET /v1/jobs?limit=100"] = {Json{{"jobs", Json::array()}}};
  return script;
}

}  // namespace

TEST_CASE("output that is lost is said, and the exit code is not 0", "[cli]") {
  for (const char* line : {"--help", "devices", "jobs --json", "push --help"}) {
    CAPTURE(line);
    cli::test::Script script = fleet_of_one();
    const Ended full = with_output(10, ENOSPC, line, script);
    CHECK(full.code == 1);
    CHECK(full.err ==
          "otactl: standard output: No space left on device; the answer is not complete\n");
    CHECK(with_output(1U << 20, ENOSPC, line, script).code == 0);
  }
}

TEST_CASE("a reader that closes the pipe ends an endless command, without a complaint", "[cli]") {
  cli::test::Script script = fleet_of_one();
  const Ended closed = with_output(0, EPIPE, "watch", script);
  CHECK(closed.code == 1);
  CHECK(closed.err.empty());
  CHECK(script.looks > 990);  // the script would have let it go on
}

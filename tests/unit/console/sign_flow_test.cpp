#include "console/sign_flow.h"

#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"

using namespace ota;
using namespace ota::console;
using Kind = Key::Kind;
using Step = SignFlow::Step;

namespace {

void type(SignFlow& flow, std::string_view text) {
  for (const char c : text)
    flow.handle({Kind::kText, static_cast<char32_t>(c), {}});
}

const Key kEnter{Kind::kEnter, 0, {}};
const Key kEscape{Kind::kEscape, 0, {}};

}  // namespace

TEST_CASE("a signature is asked for in steps, each of which can be gone back from", "[console]") {
  SignFlow flow(test::screen_trust()->pending.front());
  CHECK_FALSE(flow.handle(kEnter));
  CHECK(flow.step() == Step::kKey);
  CHECK_FALSE(flow.handle(kEnter));  // a path is needed
  CHECK(flow.step() == Step::kKey);
  CHECK_FALSE(flow.problem().empty());
  type(flow, "/stick/targets-1.pem");
  CHECK_FALSE(flow.handle(kEnter));
  type(flow, "secret");
  flow.handle(kEscape);
  CHECK(flow.passphrase_length() == 0);
  flow.handle(kEscape);
  CHECK(flow.step() == Step::kWords);
  flow.handle(kEscape);
  CHECK(flow.step() == Step::kClosed);
  CHECK_FALSE(flow.outcome());
}

TEST_CASE("what is sent is the digest that was read, and a wrong passphrase asks again",
          "[console]") {
  SignFlow flow(test::screen_trust()->pending.front());
  flow.handle(kEnter);
  type(flow, "k");
  flow.handle(kEnter);
  type(flow, "secret");
  const auto ask = flow.handle(kEnter);
  REQUIRE(ask);
  CHECK(ask->role == "model-rpi4");
  CHECK(ask->sha256 == std::string(64, 'd'));
  CHECK(ask->passphrase == "secret");
  CHECK(flow.passphrase_length() == 0);
  CHECK_FALSE(flow.handle(kEnter));  // one request at a time
  flow.answered(fail(Errc::kInvalid, "the passphrase does not open the key"));
  CHECK(flow.step() == Step::kPassphrase);
  CHECK(flow.problem().find("does not open") != std::string::npos);
  type(flow, "right");
  REQUIRE(flow.handle(kEnter));
  flow.answered(tuf::Outcome{"model-rpi4 version 13 is published"});
  CHECK(flow.step() == Step::kClosed);
  CHECK(flow.outcome()->size() == 1);
}

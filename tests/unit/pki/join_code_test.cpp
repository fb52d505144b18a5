#include "pki/join_code.h"

#include "base/bytes.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::pki;

namespace {
std::string code_of(std::string_view json) {
  return "ota1." + to_base64url(as_bytes(json));
}
const std::string kFingerprint(64, 'a');
}  // namespace

TEST_CASE("a join code survives its text form, blanks around it too", "[pki]") {
  const JoinCode code{"tok-123", kFingerprint};
  for (const std::string& text : {code.text(), "  " + code.text() + "\r\n"}) {
    const auto parsed = JoinCode::parse(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->token == code.token);
    CHECK(parsed->fingerprint == code.fingerprint);
  }
}

TEST_CASE("a damaged join code is refused", "[pki]") {
  const std::string good = JoinCode{"tok-123", kFingerprint}.text();
  for (const std::string& text :
       {std::string(), std::string("ota1."), std::string("ota2.abcd"), good.substr(0, 40),
        good + "?", code_of("[]"), code_of("{}"), code_of(R"({"token":"x"})"),
        code_of(R"({"token":"x","fingerprint":"abcd"})"),
        code_of(R"({"token":"","fingerprint":")" + kFingerprint + "\"}"),
        code_of(R"({"token":7,"fingerprint":")" + kFingerprint + "\"}"), std::string(5000, 'a')}) {
    INFO(text.substr(0, 80));
    const auto parsed = JoinCode::parse(text);
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().code == Errc::kInvalid);
  }
}

TEST_CASE("a fingerprint is taken of certificates only", "[pki]") {
  CHECK(certificate_fingerprint("no certificate").has_error());
}

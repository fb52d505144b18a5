#include "api/telemetry_decode.h"

#include "tests/support/catch.h"

using namespace ota;

namespace {

const std::string kHead =
    R"({"seq":7,"boot_id":"000102030405060708090a0b0c0d0e0f","time":"2026-08-20T14:03:22.500Z")";

std::vector<model::Sample> decoded(const std::string& body) {
  std::vector<model::Sample> samples;
  const auto result = api::decode_telemetry(body, {3, 5}, samples);
  INFO(body);
  REQUIRE(result.has_value());
  return samples;
}

std::string refusal(const std::string& body) {
  std::vector<model::Sample> samples;
  const auto result = api::decode_telemetry(body, {3, 5}, samples);
  INFO(body);
  REQUIRE_FALSE(result.has_value());
  return result.error().context;
}

}  // namespace

TEST_CASE("a sample is decoded whole", "[api]") {
  const auto samples = decoded(
      kHead +
      R"(,"cpu":12.5,"mem":40,"disk":31.0,"temp":-4.5,"metrics":{"queue_len":3},"newer":{"a":[1]}})");
  REQUIRE(samples.size() == 1);
  const model::Sample& sample = samples.front();
  CHECK(sample.seq == 7);
  CHECK(sample.boot.text() == "000102030405060708090a0b0c0d0e0f");
  CHECK(format_rfc3339(sample.at) == "2026-08-20T14:03:22.500Z");
  CHECK(sample.value(model::Metric::kCpu) == 12.5);
  CHECK(sample.value(model::Metric::kTemp) == -4.5);
  REQUIRE(sample.extra.size() == 1);
  CHECK(sample.extra.front().name == "queue_len");
}

TEST_CASE("an array holds several samples and a null metric is an absent one", "[api]") {
  const auto samples = decoded("[" + kHead + R"(,"cpu":null},)" + kHead + R"(,"mem":1}])");
  REQUIRE(samples.size() == 2);
  CHECK_FALSE(samples[0].value(model::Metric::kCpu).has_value());
  CHECK(samples[1].value(model::Metric::kMem) == 1.0);
}

TEST_CASE("what a value can be is the fleet's business, not the decoder's", "[api]") {
  CHECK(decoded(kHead + R"(,"cpu":140})").front().value(model::Metric::kCpu) == 140.0);
}

TEST_CASE("a malformed body is refused with the sample's number", "[api]") {
  CHECK(refusal("") == "the body is empty");
  CHECK(refusal("7") == "neither a sample nor an array of samples");
  CHECK(refusal("[" + kHead + "},{}]") == "sample 2: seq, boot_id and time are required");
  CHECK(refusal(kHead + R"(,"seq":8})") == "sample 1: seq stands twice");
  CHECK(refusal(kHead + R"(,"cpu":1,"cpu":2})") == "sample 1: a metric stands twice");
  CHECK(refusal(kHead + R"(,"cpu":"hot"})") == "sample 1: a metric is no number");
  CHECK(refusal(kHead + R"(,"cpu":NaN})") != "");
  CHECK(refusal(kHead + R"(,"cpu":1e999})") != "");
  CHECK(refusal(kHead + R"(,"metrics":{"Bad Name":1}})") != "");
  CHECK(refusal(kHead + R"(,"metrics":{"a":1,"a":2}})") == "sample 1: a metric stands twice");
  CHECK(refusal(kHead + "} x") != "");
  CHECK(refusal(kHead + "}{}") != "");
  CHECK(refusal(kHead + "") != "");
  CHECK(
      refusal(
          R"({"seq":-1,"boot_id":"000102030405060708090a0b0c0d0e0f","time":"2026-08-20T14:03:22Z"})") ==
      "sample 1: seq is no whole number");
}

TEST_CASE("a member that is not known is JSON within the depth of all requests", "[api]") {
  CHECK(
      decoded(kHead + R"(,"newer":[[[1,"a\u00e9",true,null,-1e3,{}]]],"big":18446744073709551616})")
          .size() == 1);
  CHECK(decoded("[" + kHead + R"(,"newer":[[["x"]]]}])").size() == 1);
  for (const char* member :
       {R"("newer":tru)", R"("newer":01)", R"("newer":1.)", R"("newer":nul)", R"("newer":"\x")",
        R"("newer":{"a"})", R"("newer":{"a":x})", R"("newer":[1,])", R"("newer":[1 2])",
        R"("newer":-)", R"("newer":"\ud800")"}) {
    CHECK(refusal(kHead + "," + member + "}") != "");
  }
  CHECK(refusal(kHead + R"(,"newer":[[[[[1]]]]]})") == "sample 1: nested too deeply");
  CHECK(refusal("[" + kHead + R"(,"newer":[[[[1]]]]}])") == "sample 1: nested too deeply");
  CHECK(refusal(kHead + R"(,"newer":)" + std::string(900, '[') + std::string(900, ']') + "}") !=
        "");
}

TEST_CASE("more samples than allowed are refused", "[api]") {
  const std::string one = kHead + "}";
  CHECK(refusal("[" + one + "," + one + "," + one + "," + one + "]") ==
        "more than 3 samples in one request");
}

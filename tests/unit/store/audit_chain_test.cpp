#include "store/audit_chain.h"

#include <algorithm>

#include "base/digest.h"
#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/chain.h"

using namespace ota;
using namespace ota::store;

namespace {

model::Event sample_event(const std::string& message) {
  model::Event event;
  event.at = *parse_rfc3339("2026-08-20T14:03:22.123Z");
  event.severity = model::Severity::kWarning;
  event.kind = "gate.block";
  event.source = "iot-002";
  event.actor = "operator";
  event.message = message;
  event.data = {{"risk", 91}, {"score", 0.25}, {"signals", {"cpu", "mem"}}};
  return event;
}

std::vector<model::Event> sample_chain(std::size_t count) {
  std::vector<model::Event> chain;
  std::string head = kChainStart;
  for (std::size_t i = 1; i <= count; ++i) {
    model::Event event = sample_event("event number " + std::to_string(i));
    test::link(event, i, head);
    head = event.hash;
    chain.push_back(event);
  }
  return chain;
}

std::optional<ChainFault> first_fault(const std::vector<model::Event>& chain) {
  ChainVerifier verifier;
  for (const model::Event& event : chain) {
    if (auto fault = verifier.check(event)) return fault;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("an event's hash is that of its sorted JSON without the hash", "[store]") {
  for (const char* message : {"plain", "BLOCKED → OTA for iot-002 rejected",
                              "quote \" and \\ and \x01", "bad \xff utf-8"}) {
    model::Event event = sample_event(message);
    test::link(event, 7, kChainStart);
    Json expected = event;
    expected.erase("hash");
    CHECK(event.hash == sha256_hex(dump_json(expected)));
    CHECK(event_hash(event) == event.hash);
  }
}

TEST_CASE("an event read back from its document verifies", "[store]") {
  model::Event event = sample_event("BLOCKED → \xc3");
  const std::string document = test::link(event, 1, kChainStart);
  ChainVerifier verifier;
  CHECK_FALSE(verifier.check(parse_json(document)->get<model::Event>()));
}

TEST_CASE("an untouched chain verifies to its head", "[store]") {
  const auto chain = sample_chain(50);
  ChainVerifier verifier;
  for (const model::Event& event : chain)
    CHECK_FALSE(verifier.check(event));
  CHECK(verifier.verified() == 50);
  CHECK(verifier.head() == chain.back().hash);
}

TEST_CASE("an edit of any member of an event is named", "[store]") {
  const std::vector<std::function<void(model::Event&)>> edits{
      [](model::Event& event) { event.message = "ALLOWED"; },
      [](model::Event& event) { event.severity = model::Severity::kInfo; },
      [](model::Event& event) { event.at += milliseconds(1); },
      [](model::Event& event) { event.source = "iot-001"; },
      [](model::Event& event) { event.actor = "x"; },
      [](model::Event& event) { event.kind = "gate.allow"; },
      [](model::Event& event) { event.data["risk"] = 9; },
      [](model::Event& event) { event.previous[0] = event.previous[0] == '0' ? '1' : '0'; },
      [](model::Event& event) { event.hash[0] = event.hash[0] == '0' ? '1' : '0'; }};
  for (const auto& edit : edits) {
    auto chain = sample_chain(5);
    edit(chain[2]);
    const auto fault = first_fault(chain);
    REQUIRE(fault);
    CHECK(fault->seq == 3);
    CHECK(fault->what.find("edited") != std::string::npos);
  }
}

TEST_CASE("an event that was edited and hashed again shows at its successor", "[store]") {
  auto chain = sample_chain(5);
  chain[2].message = "forged";
  test::link(chain[2], 3, chain[1].hash);
  const auto fault = first_fault(chain);
  REQUIRE(fault);
  CHECK(fault->seq == 4);
}

TEST_CASE("a dropped event is named as missing", "[store]") {
  auto chain = sample_chain(6);
  chain.erase(chain.begin() + 2);
  const auto fault = first_fault(chain);
  REQUIRE(fault);
  CHECK(fault->seq == 3);
  CHECK(fault->what == "event 3 is missing: the next one is 4");
}

TEST_CASE("two swapped events are a fault at the first of them", "[store]") {
  auto chain = sample_chain(6);
  std::swap(chain[2], chain[3]);
  const auto fault = first_fault(chain);
  REQUIRE(fault);
  CHECK(fault->seq == 3);
}

TEST_CASE("a chain whose beginning has left goes on from where it is", "[store]") {
  const auto chain = sample_chain(6);
  ChainVerifier verifier(chain[2].seq, chain[2].hash);
  for (std::size_t i = 3; i < chain.size(); ++i)
    CHECK_FALSE(verifier.check(chain[i]));
}

TEST_CASE("an event that stands twice is out of order", "[store]") {
  auto chain = sample_chain(3);
  chain.push_back(chain[1]);
  const auto fault = first_fault(chain);
  REQUIRE(fault);
  CHECK(fault->seq == 2);
  CHECK(fault->what.find("out of order") != std::string::npos);
}

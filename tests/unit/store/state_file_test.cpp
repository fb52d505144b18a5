#include "store/state_file.h"

#include "audit/checkpoint.h"
#include "audit/tile_tree.h"
#include "store/event_document.h"
#include "tests/support/catch.h"
#include "tests/support/chain.h"

using namespace ota;
using namespace ota::store;

namespace {

std::string sample_state() {
  model::Event event;
  event.kind = "job.succeeded";
  event.source = "iot-001";
  StateText text;
  REQUIRE(text.add_document("devices", "iot-001", R"({"id":"iot-001"})"));
  REQUIRE(text.add_document("devices", "iot-002", R"({ "id" : "iot-002" })"));
  REQUIRE(text.add_document("meta", "k", "3.50"));
  std::string head = kChainStart;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    REQUIRE(text.add_event(test::link(event, seq, head)));
    head = event.hash;
  }
  event.previous.clear();
  event.hash.clear();
  event.id = "1.1.4.1";
  REQUIRE(text.add_event(event_document(event)));
  return text.finish();
}

std::string write_again(const State& state) {
  StateText text;
  for (const Put& put : state.documents)
    REQUIRE(text.add_document(put.collection, put.key, put.document));
  for (const StoredEvent& event : state.events)
    REQUIRE(text.add_event(event.document));
  return text.finish();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a state document reads back to the same bytes", "[store]") {
  const std::string text = sample_state();
  const auto state = parse_state(text);
  REQUIRE(state.has_value());
  CHECK(state->documents.size() == 3);
  REQUIRE(state->events.size() == 4);
  CHECK(state->events.back().event.seq == 4);
  CHECK(state->events.back().event.id == "1.1.4.1");
  CHECK(write_again(*state) == text);
}

TEST_CASE("an empty state is a valid document", "[store]") {
  const std::string text = StateText().finish();
  const auto state = parse_state(text);
  REQUIRE(state.has_value());
  CHECK(state->events.empty());
  CHECK(write_again(*state) == text);
}

TEST_CASE("a state document with blanks added is the same state", "[store]") {
  const std::string text = sample_state();
  std::string spaced = replaced(text, "\"version\":2", "  \"version\" :\n 2 ");
  spaced = replaced(spaced, R"({"id":"iot-001"})", "{\n  \"id\": \"iot-001\"\n}");
  const auto state = parse_state(spaced);
  REQUIRE(state.has_value());
  CHECK(write_again(*state) == text);
}

TEST_CASE("a state document is refused as a whole for any fault", "[store]") {
  const std::string good = sample_state();
  const std::vector<std::pair<std::string, std::string>> faults{
      {R"("format":"secure-ota-state")", R"("format":"other")"},
      {R"("version":2)", R"("version":3)"},
      {R"("version":2)", R"("version":2,"more":0)"},
      {R"("version":2)", R"("version":2,"version":2)"},
      {R"("version":2,)", ""},
      {R"("devices":{)", R"("":{)"},
      {R"("iot-001":)", R"("iot-\u001b[1m":)"},
      {R"("iot-002":)", R"("iot-001":)"},
      {R"({"id":"iot-001"})", R"({"id":nul})"},
      {R"({"id":"iot-001"})", R"({"id":"iot-001")"},
      {"3.50", "3.5.0"},
      {R"("seq":2)", R"("seq":3)"},
      {R"("source":"iot-001")", R"("source":"iot-009")"},
      {"]}\n", "]} x"},
      {"]}\n", "]"},
      {"\"events\":[", "\"events\":[7,"}};
  for (const auto& [from, to] : faults) {
    INFO(from << " -> " << to);
    const auto state = parse_state(replaced(good, from, to));
    REQUIRE_FALSE(state.has_value());
    CHECK_FALSE(state.error().context.empty());
  }
  for (const std::string text : {"", "[]", "null", "{", "\xff"})
    CHECK_FALSE(parse_state(text).has_value());
}

TEST_CASE("a state of before the tree is read, and its chain must hold", "[store]") {
  model::Event event;
  event.kind = "job.succeeded";
  const std::string document = test::link(event, 1, kChainStart);
  const std::string text =
      R"({"format":"secure-ota-state","version":1,"documents":{},"events":[)" + document + "]}";
  const auto state = parse_state(text);
  REQUIRE(state.has_value());
  CHECK(state->events.at(0).document == document);
  CHECK_FALSE(parse_state(replaced(text, "job.succeeded", "job.failed")).has_value());
  CHECK_FALSE(parse_state(replaced(text, event.hash, "")).has_value());
}

TEST_CASE("a state whose events are not those of its checkpoint is refused", "[store]") {
  model::Event event;
  event.kind = "job.succeeded";
  event.id = "1.1.1.1";
  const audit::Checkpoint checkpoint{"ota.test", 1, audit::leaf_hash(event_document(event))};
  const std::string note = checkpoint.text() + "\n\u2014 ota.test AAAAAQAA\n";
  StateText text;
  REQUIRE(text.add_document(kCheckpointCollection, kCheckpointKey, dump_json({{"note", note}})));
  REQUIRE(text.add_event(event_document(event)));
  const std::string good = text.finish();
  CHECK(parse_state(good).has_value());
  CHECK_FALSE(parse_state(replaced(good, "job.succeeded", "job.failed")).has_value());
  CHECK_FALSE(parse_state(replaced(good, event_document(event), "")).has_value());
}

TEST_CASE("hashes of events that left are carried along, and events number on behind them",
          "[store]") {
  StateText text;
  text.add_retired(audit::Hashes(audit::kTileWidth, audit::leaf_hash("gone")));
  model::Event event;
  event.kind = "job.succeeded";
  event.id = "1.1.1.1";
  REQUIRE(text.add_event(event_document(event)));
  const std::string good = text.finish();
  const auto state = parse_state(good);
  REQUIRE(state.has_value());
  CHECK(state->retired.size() == audit::kTileWidth);
  CHECK(state->events.at(0).event.seq == audit::kTileWidth + 1);
  CHECK_FALSE(
      parse_state(replaced(good, "\"retired\":[\n\"", "\"retired\":[\n\"AAAA")).has_value());
}

TEST_CASE("a document nested beyond the limit is refused", "[store]") {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  CHECK_FALSE(parse_state(replaced(sample_state(), "3.50", deep)).has_value());
}

TEST_CASE("what is no JSON is not exported", "[store]") {
  StateText text;
  CHECK_FALSE(text.add_document("devices", "iot-001", "{oops").has_value());
}

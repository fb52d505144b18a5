// Two readers of one text must never differ: what is read at a start is compared with the ordinary
// JSON form.
#include "fleet/record_reader.h"

#include <random>
#include <string>

#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;

namespace {

model::Image image(const model::Version& version, char digit) {
  return {version, std::string(64, digit)};
}

model::DeviceRecord full_record() {
  model::DeviceRecord record;
  record.id = "iot-001";
  record.enrolled = record.revoked = record.second_key_seen = record.rollback_requested = true;
  record.certificate_serial = "0a";
  record.previous_serial = "09";
  record.key_fingerprint = std::string(64, 'f');
  record.certificate_expires = test::kStart + std::chrono::hours(24);
  record.enrolled_at = test::kStart;
  record.in_two_places = true;
  record.earlier_keys = {std::string(64, 'd'), std::string(64, 'e')};
  record.end_told = model::EndTold::kNears;
  record.renewal_until = test::kStart + std::chrono::hours(48);
  record.last_seen = test::kStart + milliseconds(123);
  record.agent = "ota-agent \"1.0\" \\ \u00e4\n";
  record.slot = "B";
  record.hardware = "sim-a";
  record.facts.assigned = image(model::Version(2, 1, 5), 'a');
  record.facts.written = image(*model::Version::parse("2.2.0-rc.1+7"), 'b');
  record.facts.booted = image(model::Version(2, 1, 4), 'c');
  record.facts.confirmed = model::Image{model::Version(0, 0, 0), ""};
  record.facts.previous = image(model::Version(2, 1, 3), 'f');
  record.version_floor = "2.1.0";
  record.rollback_at = test::kStart + std::chrono::hours(2);
  record.trusted = {image(model::Version(1, 0, 0), 'd'), image(model::Version(1, 0, 1), 'e')};
  record.attention = model::Attention::kRolledBack;
  record.patch_format = 1;
  record.fetched = {{test::kStart, 5'000'000'000}, {test::kStart + std::chrono::hours(1), 7}};
  record.rejected = {{std::string(64, 'a'), "health check failed"}, {"", ""}};
  model::DdiClient& ddi = record.ddi.emplace();
  ddi.token_hash = std::string(64, '1');
  ddi.token_made = test::kStart;
  ddi.attributes = {{"hw", "sim-a"}, {"note", "\"quoted\""}};
  return record;
}

// As its ordinary form reads it; "refused" where that refuses it.
std::string by_json(const std::string& text) {
  const auto json = parse_json(text);
  if (!json) return "refused";
  const auto record = json_as<model::DeviceRecord>(*json, "a record");
  return record ? dump_json(*record) : "refused";
}

std::string by_reader(fleet::RecordReader& reader, const std::string& text) {
  const auto record = reader.read(text);
  return record ? dump_json(*record) : "refused";
}

}  // namespace

TEST_CASE("a stored record is read as its JSON form is", "[fleet]") {
  fleet::RecordReader reader;
  model::DeviceRecord bare;
  bare.id = "iot-002";
  for (const model::DeviceRecord& record : {full_record(), bare}) {
    const std::string text = dump_json(record);
    CHECK(by_reader(reader, text) == text);
    CHECK(by_json(text) == text);
  }
  // Of an older version, of a newer one, and in another order.
  const std::string old =
      R"({"slot": "A", "id": "iot-003", "of_a_newer_version": [1, {"x": null}]})";
  CHECK(by_reader(reader, old) == by_json(old));
  CHECK(by_json(old) != "refused");
}

TEST_CASE("a stored record that is wrong is refused with the member's name", "[fleet]") {
  fleet::RecordReader reader;
  const Json good = full_record();
  for (const auto& [name, value] : good.items()) {
    Json bad = good;
    bad[name] = value.is_number() ? Json("text") : Json(7);
    CAPTURE(name);
    CHECK(by_json(dump_json(bad)) == "refused");
    const auto read = reader.read(dump_json(bad));
    REQUIRE(!read.has_value());
    CHECK(read.error().context.find("\"" + name + "\"") != std::string::npos);
  }
  for (const char* text :
       {"", "[]", "null", "{}", "{\"id\":\"a\"", "{\"id\":\"\xff\"}", "{\"id\":\"a\"} x",
        R"({"id":"a","facts":{"booted":{"sha256":"b"}}})",
        R"({"id":"a","trusted":[{"version":"1.x"}]})", R"({"id":"a","rejected":{"a":1}})",
        R"({"id":"a","ddi":{"name":1}})", R"({"id":"a","attention":"never"})",
        R"({"id":"a","last_seen":"never"})", R"({"id":"a","revoked":false,"revoked":true})",
        R"({"id":"a","rejected":{"b":"","b":""}})"}) {
    CAPTURE(text);
    CHECK(by_reader(reader, text) == "refused");
    CHECK(by_json(text) == "refused");
  }
  const std::string deep = R"({"id":"a","x":)" + std::string(40, '[') + std::string(40, ']') + "}";
  CHECK(by_reader(reader, deep) == "refused");
  CHECK(by_json(deep) == "refused");
  for (const std::size_t depth : {14U, 15U, 16U, 17U}) {
    const std::string nested =
        R"({"id":"a","x":)" + std::string(depth, '[') + "1" + std::string(depth, ']') + "}";
    CAPTURE(depth);
    CHECK(by_reader(reader, nested) == by_json(nested));
  }
  CHECK(by_reader(reader, "{\"id\":\"" + std::string(1U << 20, 'a') + "\"}") == "refused");
  CHECK(by_reader(reader, dump_json(good)) == dump_json(good));  // and it reads on
}

TEST_CASE("records with random members are read as their JSON form is", "[fleet]") {
  fleet::RecordReader reader;
  std::mt19937 random(7);  // NOLINT: the same each time
  const Json full = full_record();
  const Json others =
      Json::array({nullptr, true, 0, -1, 1.5, "", "2.1.5", "none", Json::array(), Json::object(),
                   Json::array({Json::object()}), Json{{"version", "1.0.0"}}});
  for (int round = 0; round < 3000; ++round) {
    Json some = full;
    for (const auto& [name, value] : full.items()) {
      const auto lot = random() % 8;
      if (lot == 0) some.erase(name);
      if (lot == 1) some[name] = others[random() % others.size()];
    }
    const std::string text = dump_json(some);
    CAPTURE(text);
    REQUIRE(by_reader(reader, text) == by_json(text));
  }
}

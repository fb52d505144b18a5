// The fuzz targets over their committed corpus, and over a signed set that a file cannot hold, in a
// plain build.
#include <functional>

#include "tests/fuzz/tuf_properties.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_corpus.h"
#include "tests/support/tuf_sim.h"

using namespace ota;

TEST_CASE("no input of the fuzz corpus breaks what must hold for any bytes", "[tuf]") {
  const std::pair<const char*, std::function<void(std::string_view)>> targets[] = {
      {"tuf_json", fuzz::tuf_json},
      {"tuf_metadata", fuzz::tuf_metadata},
      {"tuf_rules", fuzz::tuf_rules},
      {"tuf_pattern", fuzz::tuf_pattern}};
  for (const auto& [name, body] : targets) {
    INFO(name);
    CHECK(test::replay_corpus(name, body) > 0);
  }
}

TEST_CASE("no single flipped or cut byte of signed metadata is ever trusted", "[tuf]") {
  tuf::testing::Sim sim;
  const std::string good = sim.files.at("timestamp.json");
  const auto trusts = [&](const std::string& file) {
    auto set = tuf::TrustedSet::start(sim.files.at("1.root.json"), tuf::testing::kNow);
    return set->update_timestamp(file).has_value();
  };
  REQUIRE(trusts(good));
  const auto original = tuf::parse_strict(good);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    if (!trusts(changed)) continue;
    // Only a change that keeps the value may pass: another blank.
    CHECK(*tuf::parse_strict(changed) == *original);
  }
  for (std::size_t size = 0; size + 2 < good.size(); size += 7)
    CHECK_FALSE(trusts(good.substr(0, size)));
}

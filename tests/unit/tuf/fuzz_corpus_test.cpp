// The fuzz targets over their committed corpus, and over a signed set that a file cannot hold, in a
// plain build.
#include <functional>

#include "base/file.h"
#include "tests/fuzz/tuf_properties.h"
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"

using namespace ota;

namespace {

// Tests run from the repository's root, or out of build/MODE/bin.
std::filesystem::path corpus_root() {
  namespace fs = std::filesystem;
  fs::path at = fs::read_symlink("/proc/self/exe").parent_path();
  while (!fs::is_directory(at / "tests/fuzz/corpus") && at.has_relative_path())
    at = at.parent_path();
  return at / "tests/fuzz/corpus";
}

}  // namespace

TEST_CASE("no input of the fuzz corpus breaks what must hold for any bytes", "[tuf]") {
  const std::pair<const char*, std::function<void(std::string_view)>> targets[] = {
      {"tuf_json", fuzz::tuf_json},
      {"tuf_metadata", fuzz::tuf_metadata},
      {"tuf_rules", fuzz::tuf_rules},
      {"tuf_pattern", fuzz::tuf_pattern}};
  for (const auto& [name, body] : targets) {
    INFO(name);
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus_root() / name)) {
      const auto content = read_file(entry.path(), 1U << 20);
      REQUIRE(content.has_value());
      body(*content);
      ++inputs;
    }
    CHECK(inputs > 0);
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

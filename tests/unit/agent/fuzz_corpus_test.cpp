// The fuzz targets of what a device reads of its server, and a signer of his, over their committed
// corpus, in a plain build.
#include <functional>

#include "tests/fuzz/trust_properties.h"
#include "tests/support/catch.h"

using namespace ota;

namespace {

// Tests run from the repository's root, or out of build/MODE/bin.
std::filesystem::path corpus_of(const char* name) {
  namespace fs = std::filesystem;
  fs::path at = fs::read_symlink("/proc/self/exe").parent_path();
  while (!fs::is_directory(at / "tests/fuzz/corpus") && at.has_relative_path())
    at = at.parent_path();
  return at / "tests/fuzz/corpus" / name;
}

}  // namespace

TEST_CASE("no input of the corpus breaks what devices and signers read", "[agent][tuf]") {
  const std::pair<const char*, std::function<void(std::string_view)>> targets[] = {
      {"agent_answer", fuzz::agent_answer},
      {"update_state", fuzz::update_state},
      {"director_word", fuzz::director_word},
      {"signing_request", fuzz::signing_request},
      {"swu", fuzz::swu}};
  for (const auto& [name, body] : targets) {
    INFO(name);
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus_of(name))) {
      const auto content = read_file(entry.path(), 1U << 20);
      REQUIRE(content.has_value());
      body(*content);
      ++inputs;
    }
    CHECK(inputs > 0);
  }
}

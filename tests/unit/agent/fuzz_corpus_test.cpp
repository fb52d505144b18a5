// The fuzz targets of what a device reads of its server, and a signer of his, over their committed
// corpus, in a plain build.
#include "tests/fuzz/trust_properties.h"

#include "tests/support/catch.h"
#include "tests/support/fuzz_corpus.h"

using namespace ota;

TEST_CASE("no input of the corpus breaks what devices and signers read", "[agent][tuf]") {
  const std::pair<const char*, std::function<void(std::string_view)>> targets[] = {
      {"agent_answer", fuzz::agent_answer},
      {"update_state", fuzz::update_state},
      {"director_word", fuzz::director_word},
      {"signing_request", fuzz::signing_request},
      {"swu", fuzz::swu}};
  for (const auto& [name, body] : targets) {
    INFO(name);
    CHECK(test::replay_corpus(name, body) > 1);
  }
}

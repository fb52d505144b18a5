// The server's fuzz targets over their committed corpus, in a plain build.
#include "tests/fuzz/server_properties.h"

#include "tests/fuzz/request_properties.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_corpus.h"

using namespace ota;

TEST_CASE("no input of the server's fuzz corpus breaks what must hold for any bytes", "[api]") {
  const std::pair<const char*, std::function<void(std::string_view)>> targets[] = {
      {"telemetry", fuzz::telemetry},
      {"base_json", fuzz::base_json},
      {"state_file", fuzz::state_file},
      {"csv_rows", fuzz::csv_rows},
      {"record_reader", fuzz::record_reader},
      {"config_files", fuzz::config_files},
      {"field_lists", fuzz::field_lists},
      {"certificate_peer", fuzz::certificate_peer},
      {"audit_head", fuzz::audit_head},
      {"http_request", fuzz::http_request},
      {"ddi_report", fuzz::ddi_report},
      {"pki_request", fuzz::pki_request},
      {"rollout_recording", fuzz::rollout_recording}};
  for (const auto& [name, body] : targets) {
    INFO(name);
    CHECK(test::replay_corpus(name, body) > 2);
  }
}

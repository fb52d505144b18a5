#include "config/edit_report.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::config;

namespace {

Look look(double cpu, std::vector<Problem> problems) {
  auto settings = std::make_shared<model::Settings>();
  settings->thresholds.cpu_threshold = cpu;
  return {std::move(settings), std::move(problems)};
}

const Problem kBad{"config/ota_settings.json", 3, 20, "max_retries is -1; accepted: 0 to 10"};
const Problem kWorse{"config/ota_settings.json", 4, 1, "unknown key"};
using Kind = EditLine::Kind;

}  // namespace

TEST_CASE("one bad file beside a good edit is named, and the rest is said to be applied",
          "[config]") {
  const auto lines = describe_edit(look(90, {}), look(70, {kBad, kWorse}));
  CHECK(lines ==
        std::vector<EditLine>{
            {Kind::kRefused,
             "config/ota_settings.json is refused, and what it last held right stays in force: "
             "config/ota_settings.json:3:20: max_retries is -1; accepted: 0 to 10 (and 1 more)"},
            {Kind::kApplied, "configuration applied, all but config/ota_settings.json"}});
}

TEST_CASE("a file that is as bad as before is not told again when another one is taken",
          "[config]") {
  CHECK(describe_edit(look(90, {kBad}), look(70, {kBad})) ==
        std::vector<EditLine>{
            {Kind::kApplied, "configuration applied, all but config/ota_settings.json"}});
  CHECK(describe_edit(look(90, {kBad}), look(90, {kWorse})).size() == 1);
}

TEST_CASE("an edit that mends the last bad file is told as applied", "[config]") {
  CHECK(describe_edit(look(90, {kBad}), look(90, {})) ==
        std::vector<EditLine>{{Kind::kApplied, "configuration applied"}});
}

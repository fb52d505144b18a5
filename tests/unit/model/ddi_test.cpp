#include "model/ddi.h"

#include <algorithm>
#include <string>

#include "base/json_numbers.h"
#include "model/job.h"
#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("DDI actions count from 1001 and skip those whose digits after the first are zero",
          "[ddi]") {
  CHECK(model::ddi_action_of(1) == 1001);
  CHECK(model::ddi_action_of(999) == 1999);
  CHECK(model::ddi_action_of(1000) == 2001);
  std::uint64_t last = 1000;
  for (std::uint64_t job = 1; job < 150'000; ++job) {
    const std::uint64_t action = model::ddi_action_of(job);
    const std::string digits = std::to_string(action);
    const bool round =
        std::all_of(digits.begin() + 1, digits.end(), [](char c) { return c == '0'; });
    if (round || action <= last || model::job_number_of_ddi_action(digits) != job) {
      FAIL("job " << job << " is action " << action);
    }
    last = action;
  }
}

TEST_CASE("what is no DDI action id names no job", "[ddi]") {
  for (const char* text : {"", "0", "1", "1000", "2000", "30000", "01001", "1001x", "-1001",
                           "+1001", "5f1c", "2147483648", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(model::job_number_of_ddi_action(text).has_value());
  }
  CHECK(model::job_number_of_ddi_action("1001") == 1U);
  CHECK(model::ddi_job_number("job-000042") == 42);
  CHECK(model::ddi_job_number("order-1") == 0);
}

TEST_CASE("what a job knows of its DDI device survives its document", "[ddi]") {
  model::Job job;
  job.id = "job-000001";
  job.device = "press-01";
  job.ddi = model::DdiProgress{.fetched = 7,
                               .downloads = 2,
                               .installed = true,
                               .claims_success = true,
                               .closed = "closed/success",
                               .withheld = "BLOCKED: Anomaly Detected",
                               .log = {"one", "two"}};
  const auto again = nlohmann::json(job).get<model::Job>();
  CHECK(again.ddi == job.ddi);
  CHECK_FALSE(nlohmann::json::parse(R"({"id":"a","device":"b","release":{"version":"1.0.0",
    "hardware":[],"class":"functional","target":"","length":0,"sha256":""},"state":"queued"})")
                  .get<model::Job>()
                  .ddi.has_value());
}

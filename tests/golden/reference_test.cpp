// The reference pages that are made of tables in the code: docs/events.md. Where one is stale it is
// written to build/golden/docs/; after reading the diff, `make approve` accepts it.
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "model/event_kind.h"
#include "model/failure_code.h"
#include "model/verdict.h"
#include "tests/support/catch.h"

using namespace ota;

namespace {

namespace fs = std::filesystem;

void compare_page(const std::string& name, const std::string& page) {
  const fs::path committed = fs::path("docs") / name;
  const fs::path written = fs::path("build/golden/docs") / name;
  const auto expected = read_file(committed, 1U << 20);
  if (expected && *expected == page) {
    std::error_code gone;
    fs::remove(written, gone);
    return;
  }
  fs::create_directories(written.parent_path());
  std::ofstream(written) << page;
  FAIL_CHECK("stale: diff -u " << committed << " " << written << "  then: make approve");
}

std::string events_page() {
  std::string page =
      "# Events\n\n"
      "What the security log may say: made of the table in `src/model/event_kind.h` by `make "
      "approve`, and compared with it by a test. The severity is the usual one; an event itself "
      "has "
      "the last word. Logs of earlier releases may hold kinds that are not here any more.\n\n"
      "| kind | severity | what it says | what to do |\n| --- | --- | --- | --- |\n";
  for (const model::EventKind& kind : model::kEventKinds) {
    page += "| `" + std::string(kind.word) + "` | " + std::string(to_text(kind.severity)) + " | " +
            std::string(kind.sentence) + " | " + std::string(kind.remedy) + " |\n";
  }
  return page;
}

std::string failures_page() {
  std::string page =
      "# Failure codes\n\n"
      "Why an update ended without success (`error_code` of a job): made of the table in "
      "`src/model/failure_code.h` by `make approve`, and compared with it by a test. *retry*: the "
      "way was at fault, and another attempt follows while one is left. *refusal*: the device "
      "refused what it was given because of its content, an attack until somebody has looked. "
      "Words that begin with `tuf.` and are not here are refusals of the device's update client "
      "(`src/tuf/error.h`).\n\n"
      "| code | then | what it says | what to do |\n| --- | --- | --- | --- |\n";
  const auto then = [](model::AfterFailure after) {
    if (after == model::AfterFailure::kRetry) return "retry";
    return after == model::AfterFailure::kRefusal ? "refusal" : "end";
  };
  for (const model::FailureCode& code : model::kFailureCodes) {
    page += "| `" + std::string(code.word) + "` | " + then(code.then) + " | " +
            std::string(code.sentence) + " | " + std::string(code.remedy) + " |\n";
  }
  return page;
}

}  // namespace

TEST_CASE("the page of failure codes is what their table says", "[golden]") {
  compare_page("failures.md", failures_page());
}

TEST_CASE("failure codes stand in order, each once, and each says something", "[golden]") {
  std::string_view before;
  for (const model::FailureCode& code : model::kFailureCodes) {
    CAPTURE(code.word);
    CHECK(before < code.word);
    before = code.word;
    CHECK(code.sentence.ends_with('.'));
    CHECK((code.remedy.empty() || code.remedy.ends_with('.')));
    CHECK(model::find_failure_code(code.word) == &code);
  }
  CHECK(model::find_failure_code("io.read")->word == "io");
  CHECK(model::after_failure("tuf.rollback") == model::AfterFailure::kRefusal);
  CHECK(model::after_failure("tuf.busy") == model::AfterFailure::kEnd);
  CHECK(model::after_failure("what an installer says") == model::AfterFailure::kEnd);
}

TEST_CASE("the page of events is what the table of their kinds says", "[golden]") {
  compare_page("events.md", events_page());
}

TEST_CASE("kinds of events stand in order, each once, and each says something", "[golden]") {
  std::string_view before;
  for (const model::EventKind& kind : model::kEventKinds) {
    CAPTURE(kind.word);
    CHECK(before < kind.word);
    before = kind.word;
    CHECK(kind.sentence.ends_with('.'));
    CHECK((kind.remedy.empty() || kind.remedy.ends_with('.')));
    CHECK(model::find_event_kind(kind.word) == &kind);
  }
  for (const auto& [level, word] : model::kLevelWords)
    CHECK(model::find_event_kind("verdict." + std::string(word)) != nullptr);
}

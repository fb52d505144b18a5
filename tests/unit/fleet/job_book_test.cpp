#include "fleet/job_book.h"

#include "tests/support/catch.h"

using namespace ota;
using fleet::JobBook;
using model::JobState;

namespace {

model::Job job(JobBook& book, const std::string& device, JobState state) {
  model::Job out;
  out.id = book.next_id();
  out.device = device;
  out.state = state;
  return out;
}

}  // namespace

TEST_CASE("job ids are never given twice and sort by age past a million", "[fleet]") {
  JobBook book;
  CHECK(book.next_id() == "job-000001");
  model::Job old;
  old.id = "job-999999";
  old.device = "a";
  book.put(old);
  const auto next = book.next_id();
  CHECK(next == "job-1000000");
  CHECK(fleet::ByAge{}("job-999999", next));
}

TEST_CASE("a device's running job and its watched success are found", "[fleet]") {
  JobBook book;
  auto first = job(book, "a", JobState::kQueued);
  book.put(first);
  CHECK(book.running("a")->job->id == first.id);
  CHECK(book.running("b") == nullptr);
  first.state = JobState::kSucceeded;
  first.watch = model::Watch::kWatching;
  book.put(first);
  CHECK(book.running("a") == nullptr);
  CHECK(book.watching("a")->job->id == first.id);
  book.put(job(book, "a", JobState::kQueued));
  CHECK(book.timed() == std::vector<std::string>{"a"});
  first.watch = model::Watch::kHealthy;
  book.put(first);
  CHECK(book.watching("a") == nullptr);
}

TEST_CASE("the newest jobs are kept, and running ones however old", "[fleet]") {
  JobBook book;
  const auto running = job(book, "old", JobState::kDownloading);
  book.put(running);
  for (std::size_t i = 0; i < JobBook::kKept + 50; ++i) {
    book.put(job(book, "d" + std::to_string(i), JobState::kFailed));
  }
  CHECK(book.newest("", SIZE_MAX).size() == JobBook::kKept);
  CHECK(book.find(running.id) != nullptr);
  CHECK(book.newest("d0", 10).empty());
  const auto shown = book.shown();
  REQUIRE(shown.size() == JobBook::kShown);
  CHECK(shown.front()->id == running.id);
}

TEST_CASE("a job that is taken back leaves nothing behind", "[fleet]") {
  JobBook book;
  const auto one = job(book, "a", JobState::kQueued);
  book.put(one);
  book.erase(one.id);
  CHECK(book.running("a") == nullptr);
  CHECK(book.newest("a", 10).empty());
  CHECK(book.timed().empty());
}

#include "fleet/job_table.h"

#include "tests/support/catch.h"

using namespace ota;
using fleet::JobTable;
using model::JobState;

namespace {

model::Job job(JobTable& table, const std::string& device, JobState state) {
  model::Job out;
  out.id = table.next_id();
  out.device = device;
  out.state = state;
  return out;
}

}  // namespace

TEST_CASE("job ids are never given twice and sort by age past a million", "[fleet]") {
  JobTable table;
  CHECK(table.next_id() == "job-000001");
  model::Job old;
  old.id = "job-999999";
  old.device = "a";
  table.put(old);
  const auto next = table.next_id();
  CHECK(next == "job-1000000");
  CHECK(fleet::ByAge{}("job-999999", next));
}

TEST_CASE("a device's running job and its watched success are found", "[fleet]") {
  JobTable table;
  auto first = job(table, "a", JobState::kQueued);
  table.put(first);
  CHECK(table.running("a")->job->id == first.id);
  CHECK(table.running("b") == nullptr);
  first.state = JobState::kSucceeded;
  first.watch = model::Watch::kWatching;
  table.put(first);
  CHECK(table.running("a") == nullptr);
  CHECK(table.watching("a")->job->id == first.id);
  table.put(job(table, "a", JobState::kQueued));
  first.watch = model::Watch::kHealthy;
  table.put(first);
  CHECK(table.watching("a") == nullptr);
}

TEST_CASE("the newest jobs are kept, and running ones however old", "[fleet]") {
  JobTable table;
  const auto running = job(table, "old", JobState::kDownloading);
  table.put(running);
  for (std::size_t i = 0; i < JobTable::kKept + 50; ++i) {
    table.put(job(table, "d" + std::to_string(i), JobState::kFailed));
  }
  CHECK(table.newest("", SIZE_MAX).size() == JobTable::kKept);
  CHECK(table.find(running.id) != nullptr);
  CHECK(table.newest("d0", 10).empty());
  const auto shown = table.shown();
  REQUIRE(shown.size() == JobTable::kShown);
  CHECK(shown.front()->id == running.id);
}

TEST_CASE("a job that is taken back leaves nothing behind", "[fleet]") {
  JobTable table;
  const auto one = job(table, "a", JobState::kQueued);
  table.put(one);
  table.erase(one.id);
  CHECK(table.running("a") == nullptr);
  CHECK(table.newest("a", 10).empty());
}

TEST_CASE("a job is due once, at the earliest time that was said, and not after it is gone",
          "[fleet]") {
  JobTable table;
  const auto at = [](int second) { return WallTime(seconds(second)); };
  JobTable::Entry& one = table.put(job(table, "a", JobState::kQueued));
  JobTable::Entry& other = table.put(job(table, "b", JobState::kQueued));
  table.due_by(one, at(20));
  table.due_by(one, at(30));
  table.due_by(one, at(10));
  table.due_by(other, at(15));
  CHECK(table.take_due(at(9)) == nullptr);
  CHECK(table.take_due(at(99)) == &one);
  CHECK(table.take_due(at(99)) == &other);
  CHECK(table.take_due(at(99)) == nullptr);
  table.due_by(one, at(40));
  table.erase(one.job->id);
  CHECK(table.take_due(at(99)) == nullptr);
}

TEST_CASE("others are shown a job only when it is stored", "[fleet]") {
  JobTable table;
  JobTable::Entry& one = table.put(job(table, "a", JobState::kQueued), JobTable::Pending::kYes);
  CHECK(table.told_job("a") == nullptr);
  CHECK(table.running_job("a") == one.job);
  table.confirm(one);
  CHECK(table.told_job("a") == one.job);
}

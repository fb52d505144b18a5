#include "fleet/job_archive.h"

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using fleet::JobArchive;
using model::JobState;
using test::SmallFleet;

namespace {

model::Job ended(JobState state) {
  model::Job job;
  job.state = state;
  return job;
}

// As a start of the server finds it.
void read_again(JobArchive& archive, JobArchive& out) {
  store::Batch batch;
  archive.not_written();
  archive.put_documents(batch);
  for (const store::Put& put : batch.puts) {
    REQUIRE(put.collection == fleet::kFleet);
    REQUIRE(out.read(put.key, put.document));
  }
}

std::string cancel(SmallFleet& it, const std::string& device) {
  const std::string job = it.push(device).job_id;
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->cancel(job, "operator", std::move(done)); }));
  return job;
}

}  // namespace

TEST_CASE("what ended is counted over a restart, each end by itself", "[fleet]") {
  JobArchive archive;
  archive.made(7, test::kStart);
  for (int i = 0; i < 950; ++i)
    archive.ended(ended(JobState::kSucceeded));
  archive.ended(ended(JobState::kFailed));
  JobArchive again;
  read_again(archive, again);
  CHECK(again.was_read());
  CHECK(again.last() == 7);
  CHECK(again.counts().of(JobState::kSucceeded) == 950);
  CHECK(again.counts().of(JobState::kFailed) == 1);
  CHECK(again.counts().of(JobState::kCancelled) == 0);
}

TEST_CASE("of an older state that was imported no number is given again", "[fleet]") {
  JobArchive archive;
  REQUIRE(archive.read("job-number", R"({"last":9})"));  // which stayed
  CHECK_FALSE(archive.number_unsaved());
  REQUIRE(archive.read("jobs", R"({"last":4,"expired":0,"ended":{}})"));
  CHECK(archive.last() == 9);
  CHECK_FALSE(archive.number_unsaved());
  // A state of before that, or of a fleet that had more jobs, is noted at once.
  REQUIRE(archive.read("jobs", R"({"last":12,"expired":0,"ended":{}})"));
  CHECK(archive.last() == 12);
  CHECK(archive.number_unsaved());
  JobArchive again;
  read_again(archive, again);
  CHECK(again.last() == 12);
  CHECK_FALSE(again.number_unsaved());
}

TEST_CASE("numbers that an import left out are no jobs when the newest are counted", "[fleet]") {
  JobArchive archive;
  REQUIRE(archive.read("job-number", R"({"last":9000})"));  // given here, before
  REQUIRE(archive.read("jobs", R"({"last":4000,"expired":0,"ended":{}})"));
  CHECK(archive.newest() == 4000);
  CHECK(archive.first_of_newest(1000) == 3001);
  archive.made(9001, test::kStart);
  JobArchive again;
  read_again(archive, again);
  CHECK(again.last() == 9001);
  CHECK(again.newest() == 9001);
  CHECK(again.first_of_newest(1) == 9001);
  CHECK(again.first_of_newest(1000) == 3002);
  CHECK(again.first_of_newest(4001) == 0);
  store::Batch batch;
  again.expire(batch, {.most = 1000, .time = std::chrono::hours(24 * 400)}, test::kStart);
  REQUIRE(batch.ranges.size() == 1);
  CHECK(batch.ranges.front().to == JobArchive::key_of(3002));
  // A second import, and what is nonsense in the document.
  REQUIRE(again.read("jobs", R"({"last":50,"skipped":[[11,20],[15,30],[40,35],7,[31]]})"));
  CHECK(again.first_of_newest(31) == 10);
  again.made(9002, test::kStart);
  CHECK(again.first_of_newest(32) == 10);
}

TEST_CASE("the jobs of an older state that was imported are shown, and go on being", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto first = cancel(it, "iot-001");
  const auto second = cancel(it, "iot-001");
  it.store.documents["fleet"]["job-number"] = R"({"last":5000})";  // as the import left it
  for (int starts = 0; starts < 2; ++starts) {
    it.start();
    CHECK(it.fleet->job(first).has_value());
    CHECK(it.fleet->job(second).has_value());
    it.run("iot-001", 12, 30);  // after a start nothing is known of it
    CHECK(cancel(it, "iot-001") == (starts == 0 ? "job-005001" : "job-005002"));
  }
}

TEST_CASE("an archive that is forgotten counts anew, and gives no number twice", "[fleet]") {
  JobArchive archive;
  archive.made(7, test::kStart);
  archive.ended(ended(JobState::kSucceeded));
  archive.sent(100);
  JobArchive again;
  read_again(archive, again);
  again.clear();
  CHECK_FALSE(again.was_read());
  CHECK(again.counts().of(JobState::kSucceeded) == 0);
  CHECK(again.counts().sent_bytes == 0);
  CHECK(again.last() == 7);
}

TEST_CASE("ended jobs leave by count, the oldest first, and by age, a day at a time", "[fleet]") {
  JobArchive archive;
  const auto day = [](int number) { return test::kStart + std::chrono::hours(24 * number); };
  const auto leaves_up_to = [&](WallTime now) {
    store::Batch batch;
    archive.expire(batch, {.most = 1000, .time = std::chrono::hours(24 * 400)}, now);
    return batch.ranges.empty() ? std::string() : batch.ranges.front().to;
  };
  archive.made(1, day(0));
  archive.made(50, day(1));
  CHECK(leaves_up_to(day(399)).empty());
  CHECK(leaves_up_to(day(402)) == JobArchive::key_of(50));
  CHECK(leaves_up_to(day(402)).empty());  // once
  archive.made(1100, day(402));
  CHECK(leaves_up_to(day(402)) == JobArchive::key_of(101));
  CHECK(JobArchive::key_of(999'999) < JobArchive::key_of(1'000'000));
}

TEST_CASE("a start reads open jobs, and no ended one that is old", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto first = cancel(it, "iot-001");
  const auto second = cancel(it, "iot-001");
  const auto open = it.push("iot-001").job_id;
  CHECK(it.store.documents["jobs"].size() == 1);
  CHECK(it.store.documents["ended-jobs"].size() == 2);
  it.store.documents["ended-jobs"].erase(JobArchive::key_of(1));  // too old to be kept
  it.start();
  CHECK_FALSE(it.fleet->job(first).has_value());
  CHECK(it.fleet->job(second)->state == JobState::kCancelled);
  CHECK(it.fleet->job(open)->state == JobState::kQueued);
  it.tick();
  const auto shown = it.fleet->snapshot();
  CHECK(shown->job_counts.of(JobState::kCancelled) == 2);
  CHECK(shown->running_jobs == 1);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->cancel(open, "operator", std::move(done)); }));
  it.run("iot-001", 12, 30);                         // after a start nothing is known of it
  CHECK(it.push("iot-001").job_id == "job-000004");  // no number is given twice
}

TEST_CASE("the jobs of a program before the archive are counted once, and move", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  cancel(it, "iot-001");
  cancel(it, "iot-001");
  for (const auto& [key, document] : it.store.documents["ended-jobs"])
    it.store.documents["jobs"]["job-" + key.substr(6)] = document;
  it.store.documents["ended-jobs"].clear();
  it.store.documents["fleet"].clear();
  for (int starts = 0; starts < 2; ++starts) {
    it.start();
    it.tick();
    CHECK(it.store.documents["jobs"].empty());
    CHECK(it.store.documents["ended-jobs"].size() == 2);
    CHECK(it.fleet->snapshot()->job_counts.of(JobState::kCancelled) == 2);
  }
  it.run("iot-001", 12, 30);  // after a start nothing is known of it
  CHECK(it.push("iot-001").job_id == "job-000003");
}

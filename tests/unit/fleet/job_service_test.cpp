// The rules of a job's calls, held over every channel: one table of cases, each run with a native
// device and with a DDI device. Then what only a native device's success has to prove.
#include "fleet/job_service.h"

#include "base/digest.h"
#include "fleet/ddi_machine.h"
#include "gate/record.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using fleet::Channel;
using fleet::DdiExecution;
using fleet::DdiFetch;
using fleet::DdiFinished;
using model::JobState;
using model::Version;
using test::kDigest214;
using test::kDigest215;

namespace {

const std::string kDevice = "iot-001";

// A stable device that sends telemetry and is updated over one of the channels.
class ChannelFleet : public test::SmallFleet {
 public:
  explicit ChannelFleet(Channel channel) : channel_(channel) {
    enrol(kDevice);
    if (channel == Channel::kDdi) {
      REQUIRE(wait([&](const fleet::Done& done) {
        fleet->ddi_set_token(kDevice, sha256_hex("token"), "operator:ann", done);
      }));
      poll();
    }
    run(kDevice, 12, 10);
  }

  std::string push() { return SmallFleet::push(kDevice).job_id; }

  // Asks as the device does; whether it was told of an update.
  bool poll() {
    bool told = false;
    if (channel_ == Channel::kNative) {
      fleet->take_commands(kDevice, [&](const Result<std::vector<fleet::Command>>& commands) {
        told = commands.has_value() && !commands->empty();
      });
      REQUIRE(store.flush());
      return told;
    }
    fleet->ddi_poll(kDevice, "SWUpdate", "", [&](const Result<fleet::DdiOffer>& offer) {
      told = offer.has_value() && offer->deployment.has_value();
    });
    REQUIRE(store.flush());
    return told;
  }

  // The channel's own ways of saying these.
  Result<void> say_downloading(const std::string& job) {
    if (channel_ == Channel::kNative) return report_next(job, JobState::kDownloading);
    return feedback(job, DdiExecution::kDownload, DdiFinished::kNone);
  }
  Result<void> say_success(const std::string& job) {
    if (channel_ == Channel::kNative) return report_next(job, JobState::kSucceeded);
    return feedback(job, DdiExecution::kClosed, DdiFinished::kSuccess);
  }
  Result<void> say_cancelled(const std::string& job) {
    if (channel_ == Channel::kNative) return report_next(job, JobState::kCancelled);
    return feedback(job, DdiExecution::kCanceled, DdiFinished::kNone);
  }
  // Over the channel that the device is not updated over.
  Result<void> say_success_elsewhere(const std::string& job) {
    if (channel_ == Channel::kDdi) return report_next(job, JobState::kSucceeded);
    return feedback(job, DdiExecution::kClosed, DdiFinished::kSuccess);
  }
  // Fetches the image, installs and boots it, and says so as the channel's devices do.
  void install(const std::string& job) {
    if (channel_ == Channel::kDdi) {
      fleet->ddi_fetched(kDevice, action(job), {.kind = DdiFetch::Kind::kWhole, .prefix = 100});
      REQUIRE(store.flush());
      return;
    }
    for (const auto state : {JobState::kDownloading, JobState::kInstalling, JobState::kBooting})
      REQUIRE(report_next(job, state));
    status(kDevice, Version(2, 1, 5), kDigest215);
  }

  Result<void> cancel(const std::string& job) {
    return wait([&](fleet::Done done) { fleet->cancel(job, "operator:ann", std::move(done)); });
  }
  JobState state(const std::string& job) const { return fleet->job(job)->state; }
  Version confirmed() const { return fleet->detail(kDevice)->record->facts.confirmed->version; }

 private:
  static std::uint64_t action(const std::string& job) {
    return model::ddi_action_of(model::ddi_job_number(job));
  }
  Result<void> report_next(const std::string& job, JobState state) {
    return report(kDevice, job, ++seq_, state);
  }
  Result<void> feedback(const std::string& job, DdiExecution execution, DdiFinished finished) {
    return wait([&](const fleet::Done& done) {
      fleet->ddi_feedback(kDevice, action(job), {execution, finished, {}}, done);
    });
  }

  Channel channel_;
  std::uint64_t seq_ = 0;
};

void is_offered_only_while_the_state_can_be_saved(ChannelFleet& it) {
  const std::string job = it.push();
  it.store.state = {false, "no space left", it.clock.wall()};
  CHECK_FALSE(it.poll());
  CHECK(it.state(job) == JobState::kQueued);
  it.store.state = {};
  CHECK(it.poll());
  CHECK(it.state(job) == JobState::kSent);
}

void is_not_told_of_what_could_not_be_written(ChannelFleet& it) {
  it.push();
  it.store.full = true;
  CHECK_FALSE(it.poll());
  it.store.state = {false, "no space left", it.clock.wall()};  // the writer has noticed
  it.clock.advance(seconds(3));
  CHECK_FALSE(it.poll());
}

void refusal_at_the_offer_can_be_explained(ChannelFleet& it) {
  it.push();
  it.run(kDevice, 97, 20);
  CHECK_FALSE(it.poll());
  std::vector<model::Event> refusals = it.store.of_kind("job.refused");
  for (const model::Event& event : it.store.of_kind("ddi.withheld"))
    refusals.push_back(event);
  REQUIRE(refusals.size() == 1);
  const Json& data = refusals.front().data;
  REQUIRE(data.contains("record"));
  const auto again = gate::recompute(data.at("record"));
  REQUIRE(again.has_value());
  REQUIRE(again->decision.has_value());
  CHECK(again->decision->headline == "BLOCKED: Anomaly Detected");
  CHECK(Json(*again->decision) == data.at("decision"));
}

void report_over_another_channel_changes_nothing(ChannelFleet& it) {
  const std::string job = it.push();
  REQUIRE(it.poll());
  CHECK_FALSE(it.say_success_elsewhere(job));
  CHECK(it.state(job) == JobState::kSent);
  CHECK(it.confirmed() == Version(2, 1, 4));
}

void success_without_an_image_is_not_counted(ChannelFleet& it) {
  const std::string job = it.push();
  REQUIRE(it.poll());
  it.clock.advance(milliseconds(22));
  REQUIRE(it.say_success(job));
  CHECK(it.state(job) != JobState::kSucceeded);
  CHECK(it.confirmed() == Version(2, 1, 4));
  it.clock.advance(std::chrono::hours(24 * 8));
  it.tick();
  CHECK(it.state(job) == JobState::kFailed);
  CHECK(it.store.of_kind("job.succeeded").empty());
}

void update_that_was_installed_is_counted_once(ChannelFleet& it) {
  const std::string job = it.push();
  REQUIRE(it.poll());
  it.install(job);
  REQUIRE(it.say_success(job));
  CHECK(it.state(job) == JobState::kSucceeded);
  CHECK(it.confirmed() == Version(2, 1, 5));
  CHECK(it.store.of_kind("job.succeeded").size() == 1);
}

void report_that_was_not_written_is_taken_when_it_comes_again(ChannelFleet& it) {
  const std::string job = it.push();
  REQUIRE(it.poll());
  it.store.full = true;
  CHECK_FALSE(it.say_downloading(job));
  it.store.full = false;
  it.tick();
  it.start();
  CHECK(it.state(job) == JobState::kDownloading);
  CHECK(it.say_downloading(job));
}

void cancel_waits_for_the_word_of_a_device_that_was_told(ChannelFleet& it) {
  const std::string waiting = it.push();
  REQUIRE(it.cancel(waiting));
  CHECK(it.state(waiting) == JobState::kCancelled);
  CHECK_FALSE(it.poll());
  const std::string job = it.push();
  REQUIRE(it.poll());
  REQUIRE(it.cancel(job));
  CHECK(it.state(job) == JobState::kSent);
  REQUIRE(it.say_cancelled(job));
  CHECK(it.state(job) == JobState::kCancelled);
  CHECK_FALSE(it.cancel(job));
  CHECK_FALSE(it.cancel("job-999999"));
}

struct Case {
  const char* name;
  void (*run)(ChannelFleet&);
};

constexpr Case kCases[] = {
    {"offered only while the state can be saved", is_offered_only_while_the_state_can_be_saved},
    {"not told of what could not be written", is_not_told_of_what_could_not_be_written},
    {"a refusal at the offer can be explained", refusal_at_the_offer_can_be_explained},
    {"a report over another channel", report_over_another_channel_changes_nothing},
    {"a success without an image", success_without_an_image_is_not_counted},
    {"an update that was installed", update_that_was_installed_is_counted_once},
    {"a report that was not written", report_that_was_not_written_is_taken_when_it_comes_again},
    {"a cancel", cancel_waits_for_the_word_of_a_device_that_was_told},
};

}  // namespace

TEST_CASE("a job's rules hold over every channel", "[fleet][ddi]") {
  for (const Channel channel : {Channel::kNative, Channel::kDdi}) {
    for (const Case& one : kCases) {
      INFO(one.name << (channel == Channel::kNative ? ", native" : ", DDI"));
      ChannelFleet it(channel);
      one.run(it);
    }
  }
}

namespace {

// A native device that tells its starts.
class BootingFleet : public test::SmallFleet {
 public:
  BootingFleet() {
    enrol(kDevice);
    runs(Version(2, 1, 4), kDigest214, kFirst);
    run(kDevice, 12, 10);
    job = push(kDevice).job_id;
    REQUIRE(commands(kDevice).size() == 1);
  }
  void runs(const Version& version, const std::string& digest, const model::BootId& boot) {
    status(kDevice, version, digest, boot);
  }
  JobState state() const { return fleet->job(job)->state; }

  static constexpr model::BootId kFirst{1, 1};
  static constexpr model::BootId kSecond{1, 2};
  std::string job;
};

}  // namespace

TEST_CASE("a native success counts by a status from a new start, in whichever order the two come",
          "[fleet]") {
  BootingFleet it;
  SECTION("the status first, and no step between: another server sent the image") {
    it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kSecond);
    CHECK(it.state() == JobState::kSent);
    REQUIRE(it.report(kDevice, it.job, 1, JobState::kSucceeded));
  }
  SECTION("the report first") {
    REQUIRE(it.report(kDevice, it.job, 1, JobState::kBooting));
    REQUIRE(it.report(kDevice, it.job, 2, JobState::kSucceeded));
    CHECK(it.state() == JobState::kConfirming);
    it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kSecond);
  }
  SECTION("and the server starts anew between them") {
    REQUIRE(it.report(kDevice, it.job, 1, JobState::kSucceeded));
    it.start();
    CHECK(it.state() == JobState::kConfirming);
    it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kSecond);
  }
  CHECK(it.state() == JobState::kSucceeded);
  CHECK(it.store.of_kind("job.succeeded").size() == 1);
}

TEST_CASE("a status from the start in which the update was sent proves nothing", "[fleet]") {
  BootingFleet it;
  it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kFirst);
  REQUIRE(it.report(kDevice, it.job, 1, JobState::kSucceeded));
  CHECK(it.state() == JobState::kConfirming);
  it.start();  // nor does one of which the server has not heard since it started
  CHECK(it.state() == JobState::kConfirming);
  REQUIRE(it.report(kDevice, it.job, 2, JobState::kSucceeded));
  CHECK(it.state() == JobState::kConfirming);
}

TEST_CASE("the version alone proves nothing: it is the image that counts", "[fleet]") {
  BootingFleet it;
  it.runs(Version(2, 1, 5), std::string(64, 'c'), BootingFleet::kSecond);
  REQUIRE(it.report(kDevice, it.job, 1, JobState::kSucceeded));
  CHECK(it.state() == JobState::kConfirming);
}

// Found by the simulator: no command of an operator led back from there.
TEST_CASE(
    "an image that a job brought is trusted, though the job had ended and its release is gone",
    "[fleet]") {
  BootingFleet it;
  for (int i = 0; i < 100 && !model::is_final(it.state()); ++i) {
    it.clock.advance(std::chrono::minutes(10));
    it.tick();
  }
  REQUIRE(it.state() == JobState::kExpired);
  const auto newer = it.release(Version(2, 1, 6), std::string(64, 'c'));
  it.fleet->set_releases({newer});
  fleet::PushRequest request;
  request.devices = {kDevice};
  request.version = newer.version;
  SECTION("and that one alone") {
    it.runs(Version(2, 1, 5), std::string(64, 'd'), BootingFleet::kSecond);
    it.run(kDevice, 12, 30);
    CHECK(it.SmallFleet::push(request).decision.headline == "BLOCKED: Untrusted Image");
  }
  SECTION("so that its device can be updated again") {
    it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kSecond);
    it.run(kDevice, 12, 30);
    CHECK(it.SmallFleet::push(request).decision.headline == "SUCCESS: Update to v2.1.6 initiated");
  }
}

// Found by the simulator: the row then said "pass" and an earlier version while an update ran.
TEST_CASE("the end of an earlier update's watch does not take a running update's place in the row",
          "[fleet]") {
  BootingFleet it;
  it.runs(Version(2, 1, 5), kDigest215, BootingFleet::kSecond);
  REQUIRE(it.report(kDevice, it.job, 1, JobState::kSucceeded));
  REQUIRE(it.fleet->job(it.job)->watch == model::Watch::kWatching);
  const auto newer = it.release(Version(2, 1, 6), std::string(64, 'c'));
  it.fleet->set_releases({newer, it.release(Version(2, 1, 5), kDigest215)});
  it.run(kDevice, 12, 10);
  fleet::PushRequest request;
  request.devices = {kDevice};
  request.version = newer.version;
  const std::string job = it.SmallFleet::push(request).job_id;
  REQUIRE_FALSE(job.empty());
  REQUIRE(it.commands(kDevice).size() == 1);
  it.runs(Version(2, 1, 4), kDigest214, BootingFleet::kSecond);  // it leaves the first one's image
  it.tick();
  CHECK(it.fleet->job(it.job)->watch == model::Watch::kLeft);
  CHECK(it.row(kDevice).job == job);
  CHECK(it.row(kDevice).state == fleet::DeviceState::kUpdating);
}

// How the machine has the image fetched: by a patch, packed, or as such.
#include "tests/support/catch.h"
#include "tests/support/machine_device.h"

using namespace ota;
using namespace ota::agent;
using namespace ota::agent::test;
using model::JobState;
using Kind = Action::Kind;

namespace {

tuf::Patch patch_from(const std::string& base, const std::string& name, std::uint64_t length = 10) {
  return {base, base.empty() ? model::Version() : kOld.version, length, name, "head"};
}

const tuf::Patch kPatch = patch_from(kOld.sha256, "patch");
const tuf::Patch kPacked = patch_from("", "packed", 40);

// Checks the job, whose metadata has these.
void check_with(MachineDevice& device, const std::vector<tuf::Patch>& known) {
  device.save();
  REQUIRE(device.machine.next().kind == Kind::kCheck);
  device.machine.patches(device.machine.next().ticket, known);
  device.step();
}

// The ways that are taken where each fails, and what the last action is.
std::vector<std::string> ways_taken(MachineDevice& device, const Failure& failure) {
  std::vector<std::string> taken;
  while (device.machine.next().kind == Kind::kPatch) {
    taken.push_back(device.machine.next().patch.sha256);
    device.step(failure);
  }
  return taken;
}

std::vector<std::string> details(const MachineDevice& device) {
  std::vector<std::string> out;
  for (const QueuedReport& entry : device.machine.state().outbox)
    out.push_back(entry.report.detail);
  return out;
}

}  // namespace

TEST_CASE("an image is made of the patch from what runs here, in as many steps as a download",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPacked, patch_from("another", "other"), kPatch});
  CHECK(device.machine.next().kind == Kind::kPatch);
  CHECK(device.machine.next().patch == kPatch);
  CHECK(device.last_report().detail == "patch from v2.1.4: 10 B instead of 100 B");
  CHECK(device.last_report().fetch ==
        model::FetchPlan{model::FetchWay::kPatch, 10, 100, model::Version(2, 1, 4)});
  device.machine.progress(device.machine.next().ticket, 50);
  CHECK(device.last_report().percent == 50);
  CHECK(device.last_report().detail == "patch from v2.1.4: 10 B instead of 100 B");
  device.step();
  CHECK(device.machine.next().kind == Kind::kVerify);
  device.step_until(Kind::kWait);
  CHECK(device.saved.confirmed == kNew);
}

TEST_CASE("what a patch leaves of its worth may be spent on a base that differs", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  SECTION("0.6 of the packed image in all") {
    check_with(device, {kPacked, kPatch});
    CHECK(device.machine.next().may_mend == kPacked.length * 6 / 10 - kPatch.length);
  }
  SECTION("of the image where it is not packed") {
    check_with(device, {kPatch});
    CHECK(device.machine.next().may_mend == 60 - kPatch.length);
  }
  SECTION("nothing where the patch is longer") {
    tuf::Patch longer = kPatch;
    longer.length = 70;
    check_with(device, {longer});
    CHECK(device.machine.next().kind == Kind::kPatch);
    CHECK(device.machine.next().may_mend == 0);
  }
}

TEST_CASE("where a patch does not lead to the image the packed one is taken, then the image",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPacked, kPatch});
  CHECK(ways_taken(device, failed_with("patch.block")) ==
        std::vector<std::string>{"patch", "packed"});
  CHECK(device.machine.next().kind == Kind::kDownload);
  CHECK(details(device) == std::vector<std::string>{"checking the signed metadata",
                                                    "patch from v2.1.4: 10 B instead of 100 B",
                                                    "not by the patch (patch.block)",
                                                    "packed: 40 B instead of 100 B",
                                                    "not packed (patch.block)"});
  // What was said of it is not pushed out by a percentage.
  device.machine.progress(device.machine.next().ticket, 1);
  CHECK(details(device).size() == 6);
  device.step_until(Kind::kWait);
  CHECK(device.saved.confirmed == kNew);
}

TEST_CASE("an image that a patch made and that is not the signed one is made another way",
          "[agent]") {
  const std::string code = GENERATE("image.hash", "image.length");
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPatch});
  device.step();
  REQUIRE(device.machine.next().kind == Kind::kVerify);
  device.step(failed_with(code));
  CHECK(device.machine.next().kind == Kind::kDownload);
  CHECK(device.last_report().detail == "not by the patch (patch.result)");
  // Of the image as such it is the end, as ever.
  device.step();
  device.step(failed_with(code));
  CHECK(device.last_report().state == JobState::kFailed);
  CHECK(device.last_report().error_code == code);
}

TEST_CASE("what was given up is not tried again after a power cut", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPatch, kPacked});
  device.step(failed_with("patch.base-differs"));
  CHECK(device.machine.next().patch == kPacked);
  device.restart();
  check_with(device, {kPatch, kPacked});
  CHECK(device.machine.next().patch == kPacked);
  device.step(failed_with("patch.head"));
  device.restart();
  check_with(device, {kPatch, kPacked});
  CHECK(device.machine.next().kind == Kind::kDownload);
  // The document holds it, and another job begins anew.
  const auto read = from_document(to_document(device.saved));
  REQUIRE(read.has_value());
  REQUIRE(read->job->without_patch.size() == 2);
  CHECK(read->job->without_patch[1].sha256 == "packed");
  CHECK(read->job->without_patch[1].code == "patch.head");
  device.machine.job_over("job-1");
  Command second = update_command();
  second.job = "job-2";
  device.machine.command(second);
  check_with(device, {kPatch, kPacked});
  CHECK(device.machine.next().patch == kPatch);
}

TEST_CASE("a network that breaks is no reason to give up a patch", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPatch, kPacked});
  device.step(failed_with("download", Failure::Again::kLater));
  CHECK(device.machine.next().patch == kPatch);
  CHECK(device.machine.next().delay == std::chrono::seconds(1));
  device.step(failed_with("download", Failure::Again::kLater));
  device.step(failed_with("download", Failure::Again::kLater));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kFailed);
}

TEST_CASE("a disk that is full or fails ends the update, whichever way the image came", "[agent]") {
  const std::string code = GENERATE("no-space", "io");
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {kPatch, kPacked});
  device.step(failed_with(code));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().error_code == code);
}

TEST_CASE("a patch that is no shorter than its image is none", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  check_with(device, {patch_from(kOld.sha256, "patch", 100), patch_from("", "packed", 101)});
  CHECK(device.machine.next().kind == Kind::kDownload);
}

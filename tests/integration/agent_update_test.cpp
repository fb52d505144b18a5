// The real agent against a real TLS server with a real repository: updates and what can go wrong
// with them.
#include <csignal>
#include <fstream>
#include <random>

#include "base/file.h"
#include "model/sample_image.h"
#include "tests/support/agent_rig.h"
#include "tests/support/catch.h"
#include "tests/support/wait.h"
#include "tuf/names.h"

using namespace ota;
using model::JobState;
using test::AgentRig;
using test::wait_until;

namespace {

const model::Version kNext(2, 1, 5);

std::vector<JobState> states(const std::vector<model::JobReport>& reports) {
  std::vector<JobState> list;
  for (const model::JobReport& report : reports) {
    if (list.empty() || list.back() != report.state) list.push_back(report.state);
  }
  return list;
}

std::string current_version(const Json& slots) {
  for (const auto& [name, slot] : slots.at("slots").items()) {
    if (slot.at("current").get<bool>()) return slot.at("image").at("version").get<std::string>();
  }
  return "none";
}

}  // namespace

TEST_CASE(
    "an update goes from the server's command to a confirmed image, each step reported in order",
    "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
  CHECK(agent->says("[OTA] Updated to v2.1.5\n"));
  CHECK(states(rig.reports("job-1")) ==
        std::vector<JobState>{JobState::kDownloading, JobState::kVerifying, JobState::kInstalling,
                              JobState::kBooting, JobState::kConfirming, JobState::kSucceeded});
  std::uint64_t seq = 0;
  for (const auto& report : rig.reports("job-1")) {
    CHECK(report.seq >= seq);  // one whose answer was lost comes again with its number
    seq = report.seq;
  }
  CHECK(wait_until([&] { return rig.statuses().back()["confirmed"]["version"] == "2.1.5"; }));
  const Json status = rig.statuses().back();
  CHECK(status["slot"] == "B");
  CHECK(status["running"]["sha256"] == release.sha256);
  CHECK_FALSE(status.contains("fallback"));
  CHECK(current_version(rig.slots()) == "2.1.5");
}

TEST_CASE("the update starts the device anew: another boot id, samples numbered from one",
          "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(wait_until([&] { return rig.samples().size() >= 3; }));
  const std::string before = rig.samples().front()["boot_id"];
  rig.command(rig.update_command("job-1", release));
  REQUIRE(rig.final_report("job-1"));
  REQUIRE(wait_until([&] { return rig.samples().back()["boot_id"] != before; }));
  const auto samples = rig.samples();
  const auto first = std::find_if(samples.begin(), samples.end(),
                                  [&](const Json& s) { return s["boot_id"] != before; });
  CHECK((*first)["seq"] == 1);
  CHECK(::kill(agent->pid(), 0) == 0);  // the same process all the time
}

TEST_CASE("an image whose health check fails is left for the old one, and the reason is told",
          "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext, "health: fail"));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kRolledBack);
  CHECK(last->error_code == "health.failed");
  REQUIRE(wait_until([&] { return rig.statuses().back().contains("fallback"); }));
  CHECK(rig.statuses().back()["fallback_sha256"] == release.sha256);
  CHECK(rig.statuses().back()["confirmed"]["version"] == "2.1.4");
  CHECK(current_version(rig.slots()) == "2.1.4");
}

TEST_CASE("a download that was interrupted asks for the rest alone", "[agent]") {
  AgentRig rig;
  const std::string image = model::sample_image(kNext);
  const auto release = rig.publish(kNext, image);
  rig.leave_join_code(rig.join_code());
  const auto folder = rig.device() / "slots" / "b";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / (release.sha256 + ".part"), std::ios::binary) << image.substr(0, 40000);
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
  CHECK(rig.ranges() == std::vector<std::string>{"bytes=40000-"});
}

TEST_CASE("a beginning of the file that is wrong is found out by the digest", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto folder = rig.device() / "slots" / "b";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / (release.sha256 + ".part"), std::ios::binary) << std::string(40000, 'x');
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kFailed);
  CHECK(last->error_code == "image.hash");
  CHECK(current_version(rig.slots()) == "2.1.4");
}

TEST_CASE("what the signed metadata does not say is refused, each with its own code", "[agent]") {
  AgentRig rig;
  auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  std::string code;
  SECTION("another digest than the signed one") {
    release.sha256 = std::string(64, 'a');
    code = "job-mismatch";
  }
  SECTION("a version that the signed entry does not have") {
    release.version = model::Version(9, 0, 0);
    code = "job-mismatch";
  }
  SECTION("a length that the signed entry does not have") {
    release.length -= 1;
    code = "job-mismatch";
  }
  SECTION("a target that nobody signed") {
    release.target = "firmware-9.0.0.img";
    code = "tuf.unknown-target";
  }
  SECTION("hardware that the job invents") {
    rig.configure({{"hardware", "sim-z"}});
    release.hardware = {"sim-z"};
    code = "tuf.wrong-software";
  }
  SECTION("an older version") {
    release.version = model::Version(2, 1, 3);
    code = "downgrade";
  }
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kFailed);
  CHECK(last->error_code == code);
  CHECK(current_version(rig.slots()) == "2.1.4");
}

TEST_CASE("a job that the director did not sign for this device, image and time is refused by name",
          "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  Json command = rig.update_command("job-1", release);
  std::string code;
  SECTION("no word at all") {
    command.erase("word");
    code = "tuf.unsigned-job";
  }
  SECTION("a word of which a letter was changed") {
    auto word = command["word"].get<std::string>();
    word.replace(word.find("job-1"), 5, "job-2");
    command["word"] = word;
    code = "tuf.unsigned-job";
  }
  SECTION("the word for another device") {
    command["word"] = rig.word({"job-1", "iot-002", release.sha256, release.version});
    code = "tuf.foreign-job";
  }
  SECTION("the word for another image") {
    command["word"] = rig.word({"job-1", "iot-001", std::string(64, 'a'), release.version});
    code = "tuf.foreign-job";
  }
  SECTION("a word whose time is over") {
    auto job = tuf::DirectedJob{"job-1", "iot-001", release.sha256, release.version, {}, {}};
    job.expires = SystemClock().wall() - seconds(1);
    command["word"] = rig.word(job);
    code = "tuf.expired-job";
  }
  const auto agent = rig.run();
  rig.command(command);
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kFailed);
  CHECK(last->error_code == code);
  CHECK(current_version(rig.slots()) == "2.1.4");
}

TEST_CASE("a signed job that is replayed under another name is refused", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  Json command = rig.update_command("job-1", release);
  rig.command(command);
  REQUIRE(rig.final_report("job-1"));
  command["job"] = "job-2";
  rig.command(command);
  const auto last = rig.final_report("job-2");
  REQUIRE(last);
  CHECK(last->error_code == "tuf.replayed-job");
}

TEST_CASE("an image that was changed at the mirror is refused and the device keeps running",
          "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  const auto target =
      rig.folder() / "firmware" / "targets" / tuf::target_url_path(release.target, release.sha256);
  REQUIRE(std::filesystem::exists(target));
  std::string code;
  SECTION("a byte") {
    std::fstream file(target, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(500);
    file.put('!');
    code = "image.hash";
  }
  SECTION("appended bytes") {
    std::ofstream(target, std::ios::app | std::ios::binary) << "more";
    code = "image.length";
  }
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kFailed);
  CHECK(last->error_code == code);
  const auto before = rig.samples().size();
  CHECK(wait_until([&] { return rig.samples().size() > before + 3; }));
}

TEST_CASE("a job is cancelled while the download waits for a server in trouble", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.answer_with("/tuf/targets", 503);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  REQUIRE(agent->says("trying again"));
  rig.command(Json{{"type", "cancel"}, {"job", "job-1"}});
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kCancelled);
}

TEST_CASE("a download goes on by itself when the server is well again", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.answer_with("/tuf/targets", 503);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  REQUIRE(agent->says("trying again"));
  rig.answer_with("/tuf/targets", 0);
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
}

TEST_CASE("a job that the server calls ended is given up", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.answer_with("/tuf/targets", 503);
  rig.answer_with("/v1/jobs", 409);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  CHECK(agent->says("job-1 has ended at the server: given up"));
}

TEST_CASE(
    "the operator's rollback brings the image before back, and is refused where there is none",
    "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(rig.polled());
  const std::string first = rig.statuses().back()["confirmed"]["sha256"];
  rig.command(Json{{"type", "rollback"}, {"from", first}});
  CHECK(agent->says("cannot roll back"));
  CHECK(wait_until([&] { return rig.statuses().back().value("rollback_refused", "") == first; }));
  rig.command(rig.update_command("job-1", release));
  REQUIRE(rig.final_report("job-1"));
  REQUIRE(wait_until([&] { return rig.statuses().back()["confirmed"]["version"] == "2.1.5"; }));
  CHECK_FALSE(rig.statuses().back().contains("rollback_refused"));
  REQUIRE(rig.polled());
  CHECK(rig.statuses().back()["previous"]["sha256"] == first);
  rig.command(Json{{"type", "rollback"}, {"from", release.sha256}});
  CHECK(wait_until([&] {
    return rig.statuses().back().value("rollback_why", "").starts_with("tuf.unsigned-job");
  }));
  rig.command(rig.rollback_command(release.sha256, first));
  CHECK(agent->says("[OTA] Rolled back to v2.1.4\n"));
  CHECK(wait_until([&] { return rig.statuses().back()["confirmed"]["version"] == "2.1.4"; }));
  CHECK(rig.statuses().back()["fallback_sha256"] == release.sha256);
}

TEST_CASE("killed at any moment the device boots one whole image and the job ends once",
          "[agent]") {
  constexpr int kKills = 12;
  const unsigned seed = 20260820;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext) + std::string(3'000'000, 'x'));
  rig.leave_join_code(rig.join_code());
  auto agent = rig.run();
  REQUIRE(wait_until([&] { return !rig.samples().empty(); }));
  rig.command(rig.update_command("job-1", release));
  int kills = 0;
  for (; kills < kKills &&
         !(rig.reports("job-1").size() > 0 && model::is_final(rig.reports("job-1").back().state));
       ++kills) {
    // The moment is a number of loops over a condition that never holds: a random time, in
    // milliseconds.
    wait_until([] { return false; }, milliseconds(random() % 60));
    agent->signal(SIGKILL);
    REQUIRE(agent->wait());
    REQUIRE_FALSE(rig.slots().is_null());
    agent = rig.run();
  }
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  // More than three starts in its trial are a reason to fall back, and are said to be.
  const bool confirmed = last->state == JobState::kSucceeded;
  CHECK((confirmed || last->error_code == "boot.unconfirmed"));
  CHECK(current_version(rig.slots()) == (confirmed ? "2.1.5" : "2.1.4"));
  int finals = 0;
  for (const auto& report : rig.reports("job-1"))
    finals += report.state == last->state ? 1 : 0;
  CHECK(finals >= 1);
  CHECK(kills >= 1);
}

TEST_CASE("installer and health check run as commands with the image and version filled in",
          "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(kNext, model::sample_image(kNext));
  rig.leave_join_code(rig.join_code());
  const auto log = rig.folder() / "installed";
  std::string health = "echo healthy {version} >> " + log.string();
  JobState expected = JobState::kSucceeded;
  std::string code;
  std::string install = "test -s {image} && echo installing {version} > " + log.string();
  SECTION("all is well") {}
  SECTION("the installer fails") {
    install = "echo no space; exit 7";
    expected = JobState::kFailed;
    code = "install.failed";
  }
  SECTION("the device is not healthy") {
    health = "exit 1";
    expected = JobState::kRolledBack;
    code = "health.failed";
  }
  const std::string back = "test -s {image} && echo back to {version} >> " + log.string();
  rig.configure({{"installer",
                  {{"kind", "command"},
                   {"command", {"/bin/sh", "-c", install}},
                   {"rollback", {"/bin/sh", "-c", back}}}},
                 {"health_check", {{"command", {"/bin/sh", "-c", health}}, {"timeout_s", 5}}}});
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == expected);
  CHECK(last->error_code == code);
  const auto logged = [&] {
    const auto text = read_file(log, 1000);
    return text ? *text : std::string();
  };
  if (code == "install.failed") {
    CHECK(wait_until([&] { return logged() == "back to 2.1.4\n"; }));
  } else if (code == "health.failed") {
    CHECK(logged() == "installing 2.1.5\nback to 2.1.4\n");
  } else {
    CHECK(logged() == "installing 2.1.5\nhealthy 2.1.5\n");
  }
}

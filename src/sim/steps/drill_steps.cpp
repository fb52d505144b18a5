// Steps of the drills: stolen-server, sign, rotate, attack, ask-signers, roll-back,
// rollback-storm, restore, order, device-clock.
#include <chrono>

#include "base/file.h"
#include "sim/attack.h"
#include "sim/lab.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"
#include "tuf/error.h"
#include "tuf/updater.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

Result<Lab*> lab_of(World& world) {
  if (world.lab() == nullptr) {
    return fail(Errc::kConflict, "no laboratory: begin with the step stolen-server");
  }
  return world.lab();
}

Result<void> copy_metadata(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::remove_all(to, failed);
  fs::copy(from, to, fs::copy_options::recursive, failed);
  if (failed) return fail(Errc::kIo, "copy metadata: " + failed.message());
  return {};
}

std::string said(const model::JobReport& report) {
  return report.state == model::JobState::kSucceeded ? "installed" : report.error_code;
}

// A refresh in the device's own folder at a time of the drill's choice; what it came to.
std::string refreshed_at(const Lab& lab, WallTime now, std::string& doubt) {
  tuf::UpdaterOptions options;
  options.clock_floor = lab.clock().wall() - std::chrono::hours(24);
  auto updater = tuf::Updater::open(lab.device() / "state" / "trust", options);
  if (!updater) return std::string(tuf::word_of(updater.error().code));
  updater->start_refresh(now);
  while (const auto fetch = updater->next()) {
    tuf::Fetched answer;
    auto body = read_file(lab.firmware() / "metadata" / fetch->path, fetch->max_bytes);
    answer.status = body ? tuf::Fetched::Status::kOk : tuf::Fetched::Status::kNotFound;
    if (body) answer.body = std::move(*body);
    updater->feed(std::move(answer));
  }
  if (const auto wrong = updater->clock_doubt()) doubt = tuf::word_of(wrong->code);
  const auto result = updater->result();
  return result ? "fresh" : std::string(tuf::word_of(result.error().code));
}

}  // namespace

Result<void> run_stolen_server(World& world, const Json& keys) {
  if (auto opened = world.open_lab(keys.value("installer", "")); !opened) return opened;
  return copy_metadata(world.lab()->firmware() / "metadata", world.root() / "honest");
}

Result<void> run_sign(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const auto version = model::Version::parse(keys.at("version").get<std::string>());
  if (!version) return version.error();
  std::optional<model::Version> floor;
  if (keys.contains("floor")) {
    const auto given = model::Version::parse(keys.at("floor").get<std::string>());
    if (!given) return given.error();
    floor = *given;
  }
  if (auto done = (*lab)->publish(*version, keys.value("model", (*lab)->model()), floor); !done)
    return done;
  return copy_metadata((*lab)->firmware() / "metadata", world.root() / "honest");
}

Result<void> run_rotate(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  return (*lab)->rotate(texts_of(keys, "roles"));
}

Result<void> run_attack(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const std::string how = keys.at("how").get<std::string>();
  const Attack* attack = find_attack(how);
  if (attack == nullptr) {
    std::string known;
    for (const Attack& other : attacks())
      known += (known.empty() ? "" : ", ") + std::string(other.how);
    return fail(Errc::kInvalid, "no attack " + how + "; there are: " + known);
  }
  return attack->run(**lab, keys.value("role", ""));
}

Result<void> run_ask_signers(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const auto forged = forge_request(**lab, keys.at("role").get<std::string>());
  if (!forged) return forged.error();
  const auto said_by = (*lab)->ask_signers(forged->role, forged->text);
  if (!said_by) return said_by.error();
  world.note("those who sign answer: " + *said_by);
  const std::string expected = keys.at("expect").get<std::string>();
  if (said_by->substr(0, said_by->find(':')) == expected) return {};
  return fail(Errc::kConflict, "expected " + expected + ", those who sign answer: " + *said_by);
}

Result<void> run_roll_back(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const auto answer = (*lab)->roll_back(keys.value("word", ""), within_of(world, keys));
  if (!answer) return answer.error();
  world.note("told to go back, the device answers: " + *answer);
  const std::string expected = keys.at("expect").get<std::string>();
  if (answer->find(expected) != std::string::npos) return {};
  return fail(Errc::kConflict, "expected " + expected + ", the device answers: " + *answer);
}

Result<void> run_rollback_storm(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const milliseconds time(static_cast<std::int64_t>(keys.at("seconds").get<double>() * 1000));
  const auto starts = (*lab)->rollback_storm(keys.value("word", ""), time);
  if (!starts) return starts.error();
  world.note("the device started anew " + std::to_string(*starts) + " times");
  if (static_cast<double>(*starts) <= keys.at("most_restarts").get<double>()) return {};
  return fail(Errc::kConflict, "the device started anew " + std::to_string(*starts) + " times");
}

Result<void> run_restore(World& world, const Json&) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  return copy_metadata(world.root() / "honest", (*lab)->firmware() / "metadata");
}

Result<void> run_order(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  const auto version = model::Version::parse(keys.at("version").get<std::string>());
  if (!version) return version.error();
  const Lab::Order order{*version, keys.value("model", (*lab)->model()), keys.value("word", "")};
  const std::string text = keys.value("log", "");
  const std::string expected = keys.value("expect", "");
  if (!text.empty()) {
    const std::size_t from = (*lab)->device_log().size();
    if (auto job = (*lab)->hand_out(order); !job) return job.error();
    return wait_until(world, within_of(world, keys), [&]() -> std::optional<std::string> {
      if ((*lab)->device_log().find(text, from) != std::string::npos) return std::nullopt;
      return "the device never says: " + text;
    });
  }
  const auto report = (*lab)->order(order, within_of(world, keys));
  if (!report) return report.error();
  world.note("the device answers: " + said(*report) +
             (report->detail.empty() ? "" : " (" + report->detail + ")"));
  if (said(*report) == expected) return {};
  return fail(Errc::kConflict, "expected " + expected + ", the device says " + said(*report) +
                                   ": " + report->detail);
}

Result<void> run_device_clock(World& world, const Json& keys) {
  const auto lab = lab_of(world);
  if (!lab) return lab.error();
  constexpr double kHoursOfYear = 24 * 365.25;
  const auto off = std::chrono::hours(static_cast<std::int64_t>(
      (keys.value("years_ahead", 0.0) - keys.value("years_behind", 0.0)) * kHoursOfYear));
  std::string doubt = "plausible";
  const std::string found = refreshed_at(**lab, (*lab)->clock().wall() + off, doubt);
  world.note("metadata " + found + ", the device's clock is " + doubt);
  if (found != keys.at("expect").get<std::string>()) {
    return fail(Errc::kConflict, "the metadata is found " + found);
  }
  if (doubt != keys.value("clock", "plausible")) {
    return fail(Errc::kConflict, "the clock is found " + doubt);
  }
  return {};
}

}  // namespace ota::sim

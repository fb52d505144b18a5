#include "agents/trust.h"

#include <algorithm>

#include "base/text.h"
#include "model/failure_code.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/updater.h"

namespace ota::agent {
namespace {

tuf::Fetched fetch(http::Requester& client, const tuf::Fetch& wanted) {
  using Status = tuf::Fetched::Status;
  auto reply = client.get("/tuf/metadata/" + wanted.path, wanted.max_bytes);
  if (!reply) {
    Status status = Status::kTransportError;
    if (reply.error().code == Errc::kLimit) status = Status::kTooLarge;
    if (reply.error().code == Errc::kTimeout) status = Status::kTooSlow;
    return {status, {}, reply.error().text()};
  }
  // No other status speaks of the repository: 403 is for a certificate that was renewed while this
  // connection stood, and passes with it.
  if (reply->status == 404) return {Status::kNotFound, {}, {}};
  if (reply->status != 200)
    return {Status::kTransportError, {}, "status " + std::to_string(reply->status)};
  return {Status::kOk, std::move(reply->body), {}};
}

Outcome refused(const Error& error) {
  // The network's faults pass; a refusal by the metadata does not by asking again.
  const bool passes = error.code == tuf::Errc::kUnavailable ||
                      error.code == tuf::Errc::kSlowRetrieval || error.code == tuf::Errc::kBusy;
  return Failure{std::string(tuf::word_of(error.code)), printable(error.text(), 200),
                 passes ? Failure::Again::kLater : Failure::Again::kNever};
}

Result<void> run_step(http::Requester& client, tuf::Updater& updater) {
  while (const auto wanted = updater.next())
    updater.feed(fetch(client, *wanted));
  return updater.result();
}

}  // namespace

Trust::Trust(std::filesystem::path folder, std::string hardware, Disk& disk)
    : folder_(std::move(folder)), disk_(&disk), hardware_(std::move(hardware)) {}

Outcome Trust::check(http::Requester& client, const Asked& asked, WallTime now, WallTime floor) {
  const model::Release& release = asked.release;
  tuf::UpdaterOptions options;
  options.clock_floor = floor;
  options.disk = disk_;
  auto updater = tuf::Updater::open(folder_, options);
  if (!updater) return refused(updater.error());
  updater->start_refresh(now);
  if (auto refreshed = run_step(client, *updater); !refreshed) return refused(refreshed.error());
  updater->start_lookup(release.target);
  if (auto found = run_step(client, *updater); !found) return refused(found.error());
  const auto signed_firmware = tuf::firmware_of(updater->target());
  if (!signed_firmware) return refused(signed_firmware.error());
  const model::Release& known = signed_firmware->release;
  if (auto fits = tuf::check_firmware(known, hardware_, std::nullopt); !fits)
    return refused(fits.error());
  if (known.sha256 != release.sha256 || known.length != release.length ||
      known.version != release.version) {
    return Failure{model::failure_code::kJobMismatch,
                   "the job says " + release.version.label() + " " + release.sha256.substr(0, 16) +
                       "..., the signed metadata " + known.version.label() + " " +
                       known.sha256.substr(0, 16) + "...",
                   Failure::Again::kNever};
  }
  const tuf::DirectedJob expected{asked.job, asked.device, known.sha256, known.version, {}, {}};
  if (auto told = tuf::check_word(folder_, asked.word, expected, std::max(now, floor)); !told)
    return refused(told.error());
  target_path_ = updater->target_path();
  patches_ = signed_firmware->patches;
  if (signed_firmware->packed) patches_.push_back(*signed_firmware->packed);
  note_bases(updater->known_targets());
  version_floor_ = signed_firmware->rollback_floor;
  return {};
}

void Trust::note_bases(const std::vector<tuf::TargetInfo>& published) {
  bases_.clear();
  for (const tuf::TargetInfo& target : published) {
    for (const auto& [algorithm, hex] : target.hashes) {
      if (algorithm == "sha256" &&
          std::ranges::find(patches_, hex, &tuf::Patch::from) != patches_.end())
        bases_[hex] = tuf::target_url_path(target.name, hex);
    }
  }
}

std::string Trust::path_of_base(const tuf::Patch& patch) const {
  const auto known = bases_.find(patch.from);
  return known == bases_.end() ? "" : known->second;
}

std::string Trust::path_of(const model::Release& release, const tuf::Patch& patch) {
  return tuf::target_url_path(tuf::patch_name(release.target, release.sha256, patch), patch.sha256);
}

Outcome Trust::check_back(http::Requester& client, const tuf::DirectedRollback& expected,
                          const std::string& word, WallTime now, WallTime floor) {
  tuf::UpdaterOptions options;
  options.clock_floor = floor;
  options.disk = disk_;
  auto updater = tuf::Updater::open(folder_, options);
  if (!updater) return refused(updater.error());
  updater->start_refresh(now);
  if (auto refreshed = run_step(client, *updater); !refreshed) return refused(refreshed.error());
  if (auto told = tuf::check_rollback_word(folder_, word, expected, std::max(now, floor)); !told)
    return refused(told.error());
  return {};
}

}  // namespace ota::agent

#include "main/director_desk.h"

#include <chrono>
#include <utility>

#include "fleet/fleet.h"
#include "tuf/error.h"

namespace ota::main {
namespace fs = std::filesystem;
namespace {

// Long enough for a slow download and a device's clock that is hours off; short enough that a word
// that was stolen is soon worth nothing.
constexpr std::chrono::hours kWordLife{24};

}  // namespace

DirectorDesk::DirectorDesk(const fs::path& root, const Clock& clock,
                           std::function<void(const Error&)> told)
    : firmware_(root / "firmware"),
      keys_(root / "state" / "keys"),
      clock_(clock),
      told_(std::move(told)) {}

void DirectorDesk::look() {
  std::error_code error;
  const auto written = fs::last_write_time(firmware_ / "metadata", error);
  if (error || written == seen_) return;
  seen_ = written;
  auto opened = tuf::Director::open(firmware_, keys_);
  if (!opened) told_(opened.error());
  const std::lock_guard lock(mutex_);
  director_ = opened ? std::make_shared<const tuf::Director>(std::move(*opened)) : nullptr;
}

std::string DirectorDesk::word(const std::string& device, const fleet::Command& command) const {
  std::shared_ptr<const tuf::Director> director;
  {
    const std::lock_guard lock(mutex_);
    director = director_;
  }
  if (director == nullptr) return {};
  const auto word =
      director->sign({command.job_id, device, command.release.sha256, command.release.version,
                      clock_.wall() + kWordLife,
                      tuf::nonce_of(device, command.job_id, command.attempt, command.created)});
  if (word) return *word;
  told_(word.error());
  return {};
}

}  // namespace ota::main

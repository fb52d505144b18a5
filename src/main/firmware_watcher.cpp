#include "main/firmware_watcher.h"

#include <chrono>
#include <utility>

#include "main/first_run.h"
#include "model/event_kind.h"

namespace ota::main {
namespace {

constexpr milliseconds kLook{1000};             // how soon a published image is seen
constexpr seconds kTimestampMargin{12 * 3600};  // a timestamp that ends sooner is signed anew
constexpr std::chrono::minutes kAfterFailure{1};

}  // namespace

FirmwareWatcher::FirmwareWatcher(std::unique_ptr<tuf::Repository> repository,
                                 const std::filesystem::path& root, const Clock& clock,
                                 Record record)
    : repository_(std::move(repository)),
      root_(root),
      published_(*repository_, root / "firmware"),
      clock_(clock),
      record_(std::move(record)) {}

bool FirmwareWatcher::due() {
  const MonoTime now = clock_.mono();
  if (now < next_) return false;
  next_ = now + kLook;
  return true;
}

void FirmwareWatcher::look(const tuf::PublishedReleases::Take& take) {
  if (const auto renewed = repository_->refresh_if_due(kTimestampMargin); !renewed) {
    record_(model::Severity::kError, model::event_kind::kFirmwareSignFailed,
            renewed.error().text());
    next_ = clock_.mono() + kAfterFailure;
  }
  catch_up(take);
}

bool FirmwareWatcher::behind() const {
  return published_.behind();
}

void FirmwareWatcher::catch_up(const tuf::PublishedReleases::Take& take) {
  if (const auto taken = published_.catch_up(take); !taken) {
    record_(model::Severity::kError, model::event_kind::kFirmwareUnreadable, taken.error().text());
  }
}

Result<void> FirmwareWatcher::publish_first_samples(const model::Whitelist& whitelist) {
  const auto releases = repository_->releases();
  if (!releases) return releases.error();
  if (!releases->empty()) return {};
  if (auto laid = lay_samples_ready(root_); !laid) return laid;
  return publish_samples(root_, whitelist, *repository_);
}

Result<std::string> FirmwareWatcher::root() const {
  return repository_->root();
}

Result<Json> FirmwareWatcher::roles() const {
  auto roles = repository_->status();
  if (!roles) return roles.error();
  return Json(*roles);
}

}  // namespace ota::main

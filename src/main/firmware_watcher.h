// The console's care for firmware/: the signed timestamp is renewed before it ends, and the
// catalogue follows what is published (otactl writes firmware/ itself; the timestamp is its last
// step).
//
// Thread: one, the host's; behind(), catch_up(), root() and roles() from any. Blocks on files.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/event.h"
#include "model/settings.h"
#include "tuf/published_releases.h"
#include "tuf/repository.h"

namespace ota::main {

class FirmwareWatcher {
 public:
  using Record = std::function<void(model::Severity, std::string kind, std::string message)>;

  FirmwareWatcher(std::unique_ptr<tuf::Repository> repository, const std::filesystem::path& root,
                  const Clock& clock, Record record);

  // Whether another look is due; once a second.
  bool due();
  // Renews the timestamp where that is due, then catches up.
  void look(const tuf::PublishedReleases::Take& take);

  // Whether something was published that was not taken yet; a stat.
  bool behind() const;
  // Gives `take` the releases where they are others than those that it was given last.
  void catch_up(const tuf::PublishedReleases::Take& take);

  // Publishes the sample images for the whitelist's models, where nothing is published yet.
  Result<void> publish_first_samples(const model::Whitelist& whitelist);

  Result<std::string> root() const;
  // Each role with version, expiry, threshold, keys and how many of them lie on this host.
  Result<Json> roles() const;

 private:
  std::unique_ptr<tuf::Repository> repository_;
  std::filesystem::path root_;  // of the installation
  tuf::PublishedReleases published_;
  const Clock& clock_;
  Record record_;
  MonoTime next_{};
};

}  // namespace ota::main

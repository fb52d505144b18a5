// The images that DDI clients fetch: digests of the bytes as they are stored, checked against the
// signed ones before the first offer.
//
// SWUpdate notices a wrong sha1 only after it has installed, so what is wrong here must never be
// offered. An image is hashed once and known by its sha256 from then on. Thread: any.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "ddi/wire.h"
#include "model/release.h"

namespace ota::ddi {

// All three in one pass. Blocks on the file.
Result<Digests> hash_file(const std::filesystem::path& folder, const std::filesystem::path& inner);

class Artifacts {
 public:
  explicit Artifacts(std::filesystem::path firmware) : firmware_(std::move(firmware)) {}

  // What is known of the image without looking at it.
  std::optional<Digests> known(const std::string& sha256) const;
  // Hashes the stored file. kInvalid where it is not what was signed, kNotFound where it is gone:
  // looked at again the next time. Blocks.
  Result<Digests> check(const model::Release& release);
  // Of its file, below folder().
  std::filesystem::path path_of(const model::Release& release) const;
  const std::filesystem::path& folder() const { return firmware_; }

 private:
  const std::filesystem::path firmware_;
  mutable Mutex mutex_;
  std::map<std::string, Digests> checked_ OTA_GUARDED_BY(mutex_);  // by sha256
};

// Why a client of this kind could not use the release; empty where it can.
std::string unfit(const model::Release& release, std::string_view client);

}  // namespace ota::ddi

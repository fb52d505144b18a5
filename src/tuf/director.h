// The director's word: which release one device shall install, signed by an online key that the
// root names ("x-ota-director"). A reduced form of Uptane's director repository.
//
// A device installs only what both allow: this word (this device, this image, now) and the targets
// metadata (this image at all). A stolen director key chooses among published images; stolen
// targets keys reach no device without it.
//
// Form: {"signed":{"_type":"ota-job","job":"job-000042","device":"iot-001","sha256":"...",
// "version":"2.1.5","expires":"...Z","nonce":"32 hex"},"signatures":[{"keyid":"...","sig":"..."}]}
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/version.h"

namespace ota::tuf {

struct DirectedJob {
  std::string job;  // "job-000042"
  std::string device;
  std::string sha256;  // the release's digest, lower-case hex
  model::Version version;
  WallTime expires;   // whole seconds
  std::string nonce;  // 32 hex digits; sign() makes one where it is empty
};

// The server's side. Thread: any, const only; sign() reads nothing from disk.
class Director {
 public:
  // kNotFound without a repository; kKey where the root names no director, or fewer of its keys lie
  // in the key store than its threshold.
  static Result<Director> open(const std::filesystem::path& firmware,
                               const std::filesystem::path& keys);
  ~Director();
  Director(Director&&) noexcept;
  Director& operator=(Director&&) noexcept;

  Result<std::string> sign(DirectedJob job) const;

 private:
  struct Impl;
  explicit Director(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The device's side: judges words by the root that is trusted in `folder` (the Updater's), and
// remembers in the file "spent-jobs" there which were used. Thread: one; calls block on files.
class DirectorWatch {
 public:
  explicit DirectorWatch(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // False where the trusted root names no director: then jobs carry no word.
  Result<bool> required() const;
  // What the device was told, where the word is signed, for this device, for exactly this image,
  // unexpired at `now`, and not spent. kUnsignedJob, kForeignJob, kExpiredJob, kReplayedJob,
  // kMalformed, kRootDamaged. Asking again before spend() is allowed: an agent that was restarted
  // in the middle of a job goes on with it.
  Result<DirectedJob> check(std::string_view word, std::string_view device, std::string_view sha256,
                            WallTime now) const;
  // Call when the job ends, however it ended: its word never counts again. Durable.
  Result<void> spend(const DirectedJob& job, WallTime now) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ota::tuf

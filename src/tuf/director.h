// The director's word: which release one device shall install, signed by an online key that the
// root names ("x-ota-director"). A reduced form of Uptane's director repository.
//
// A device installs only what both allow: this word (this device, this image, now) and the targets
// metadata (this image at all). A stolen director key chooses among published images; stolen
// targets keys reach no device without it. Which words were used, the device's own state remembers
// (agents/update_state.h), in one document with the job.
//
// A rollback is such a word as well: this device, from this image, to that one, once. Without it
// whoever has the server's TLS key could take devices below what they were updated from.
//
// Form: {"signed":{"_type":"ota-job","job":"job-000042","device":"iot-001","sha256":"...",
// "version":"2.1.5","expires":"...Z","nonce":"32 hex"},"signatures":[{"keyid":"...","sig":"..."}]}
// and
// {"signed":{"_type":"ota-rollback","device":"iot-001","from":"...","to":"...","expires":"...Z",
// "nonce":"32 hex"},"signatures":[...]}, where from and to are images' digests.
#pragma once

#include <filesystem>
#include <memory>
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
  WallTime expires{};   // whole seconds
  std::string nonce{};  // 32 hex digits
};

struct DirectedRollback {
  std::string device;
  std::string from;     // digest of the image to leave, lower-case hex
  std::string to;       // of the one that its other slot holds
  WallTime expires{};   // whole seconds
  std::string nonce{};  // 32 hex digits
};

// The nonce of one attempt of one job: its words may be handed out again and count once together.
std::string nonce_of(std::string_view device, std::string_view job, int attempt, WallTime created);

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

  Result<std::string> sign(const DirectedJob& job) const;
  Result<std::string> sign(const DirectedRollback& rollback) const;

 private:
  struct Impl;
  explicit Director(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// -- the device's side --

// What a word claims; nothing of it is verified. kMalformed, kEndlessData.
Result<DirectedJob> read_word(std::string_view word);

Result<DirectedRollback> read_rollback_word(std::string_view word);

// Judges a word by the root that is trusted in `folder` (the Updater's): where that names a
// director, it must be signed by it, say what `expected` does of job, device, digest and version,
// and not have expired at `now`. kUnsignedJob, kForeignJob, kExpiredJob, kMalformed, kRootDamaged.
// A root without a director asks for no word. Blocks on files.
Result<void> check_word(const std::filesystem::path& folder, std::string_view word,
                        const DirectedJob& expected, WallTime now);
// The same of a rollback: it must say what `expected` does of device and images.
Result<void> check_rollback_word(const std::filesystem::path& folder, std::string_view word,
                                 const DirectedRollback& expected, WallTime now);

}  // namespace ota::tuf

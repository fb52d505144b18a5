// The verifying side: a TUF 1.0.34 client (section 5) that does no network itself.
//
//   start_refresh() ->  next(): fetch this URL path, at most so many bytes  ->  feed(result)  ->
//   ... -> done | refused
//
// One time is fixed for a whole refresh. Trusted metadata lies in a folder, byte for byte as
// received, each file replaced durably; a refresh that fails leaves what was trusted before. Two
// processes may share the folder.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/release.h"

namespace ota::tuf {

struct TargetInfo {
  std::string name;
  std::uint64_t length = 0;
  std::vector<std::pair<std::string, std::string>> hashes;  // algorithm -> lower-case hex
  std::string custom;  // JSON text of "custom", "{}" where absent
};

// A file that the caller shall fetch: `path` is relative to the metadata URL, already
// percent-encoded.
struct Fetch {
  std::string path;
  std::uint64_t max_bytes = 0;
};
// What came of a fetch.
struct Fetched {
  enum class Status : std::uint8_t { kOk, kNotFound, kTransportError, kTooLarge, kTooSlow };
  Status status = Status::kOk;
  std::string body;
  std::string detail;  // of an error, for the context
};

struct UpdaterOptions {
  std::optional<WallTime> clock_floor;  // never believe an earlier time
  std::uint32_t max_root_steps = 256;
  std::uint32_t max_delegations = 32;
  std::uint64_t max_root_bytes = 512000;
  std::uint64_t max_timestamp_bytes = 16384;
  std::uint64_t max_snapshot_bytes = 2000000;
  std::uint64_t max_targets_bytes = 5000000;
};

class Updater {
 public:
  // `folder` holds root.json at least (put there by pin_root()).
  static Result<Updater> open(const std::filesystem::path& folder, UpdaterOptions options = {});
  // Makes `root` the trusted root of a folder that has none (or of one whose root is damaged).
  static Result<void> pin_root(const std::filesystem::path& folder, std::string_view root);
  Updater(Updater&&) noexcept;
  Updater& operator=(Updater&&) noexcept;
  ~Updater();

  // Begins a refresh at `now`, which serves for all of it.
  void start_refresh(WallTime now);
  // Begins the search for a target; refreshes must have succeeded before.
  void start_lookup(const std::string& target_name);
  // What to fetch next; none when the step is over (see result()).
  std::optional<Fetch> next();
  void feed(Fetched fetched);
  // Of the refresh or lookup that is over. Errors carry tuf::Errc.
  Result<void> result() const;
  // After a lookup that succeeded.
  const TargetInfo& target() const;
  // Where to fetch the target from, relative to the target URL ("dir/HASH.name" with consistent
  // snapshots).
  std::string target_path() const;
  // All targets of the top-level role and of delegations already verified; for listing.
  std::vector<TargetInfo> known_targets() const;
  WallTime timestamp_expires() const;

 private:
  struct Impl;
  explicit Updater(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::tuf

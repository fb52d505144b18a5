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
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "base/result.h"
#include "tuf/error.h"
#include "tuf/target.h"

namespace ota::tuf {

// A file that the caller shall fetch: `path` is relative to the metadata URL, already
// percent-encoded.
struct Fetch {
  std::string path;
  std::uint64_t max_bytes = 0;
};
// What came of a fetch.
struct Fetched {
  // kNotFound is for answers 404 and 403 only (some object stores answer 403 for what they lack):
  // it ends the search for newer roots. Every other failure ends the refresh, or whoever drops
  // packets could hide a key rotation.
  enum class Status : std::uint8_t { kOk, kNotFound, kTransportError, kTooLarge, kTooSlow };
  Status status = Status::kOk;
  std::string body;
  std::string detail;  // of an error, for the context
};

struct UpdaterOptions {
  // Never believe an earlier time (an agent gives its build date). Where set, the folder also keeps
  // the newest time that signed metadata proved to have passed, and the later of both counts.
  std::optional<WallTime> clock_floor;
  // Metadata that looks expired by a clock further past the floor than this is reported as
  // kClockAhead, not kFreeze. Both refuse.
  std::chrono::hours clock_doubt{24 * 365 * 2};
  Disk* disk = &real_disk();         // for its folder
  milliseconds lock_patience{5000};  // for another process in the same folder
  std::uint32_t max_root_steps = 256;
  std::uint32_t max_delegations = 32;
  std::uint64_t max_root_bytes = 512000;
  std::uint64_t max_timestamp_bytes = 16384;
  std::uint64_t max_snapshot_bytes = 2000000;
  std::uint64_t max_targets_bytes = 5000000;
};

class Updater {
 public:
  // `folder` holds root.json at least (put there by pin_root()); kRootDamaged where neither it nor
  // the pinned copy can be used.
  static Result<Updater> open(const std::filesystem::path& folder,
                              const UpdaterOptions& options = {});
  // Makes `root`, which must verify against itself, the trusted root of a folder that has none (or
  // of one whose root is damaged); keeps a copy to fall back to. kExists where another one is
  // trusted already.
  static Result<void> pin_root(const std::filesystem::path& folder, std::string_view root,
                               Disk& disk = real_disk());
  Updater(Updater&&) noexcept;
  Updater& operator=(Updater&&) noexcept;
  ~Updater();

  // Begins a refresh at `now`, which serves for all of it.
  void start_refresh(WallTime now);
  // Begins the search for a target; the last refresh must have succeeded, or it ends with
  // kNotRefreshed. Walks the delegations in pre-order, depth first (TUF 5.6.7).
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
  WallTime timestamp_expires() const;  // the epoch where none is trusted
  // What the last refresh found odd about this device's clock: kClockBehind (the floor was used in
  // its place) or kClockAhead. Nothing where it is plausible.
  std::optional<Error> clock_doubt() const;

 private:
  struct Impl;
  explicit Updater(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::tuf

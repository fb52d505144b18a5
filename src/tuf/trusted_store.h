// The folder of a client's trusted metadata: each role's file byte for byte as received.
//
//   root.json timestamp.json snapshot.json targets.json ROLE.json   trusted now
//   factory.root        the root that was pinned when the device joined: what a damaged root.json
//                       falls back to
//   clock-floor         newest time that signed metadata proved to have passed
//   .lock               held while a refresh or lookup runs
//
// Each write is durable and replaces the whole file, or leaves the old one. Thread: one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/result.h"

namespace ota::tuf {

class TrustedStore {
 public:
  explicit TrustedStore(std::filesystem::path folder, Disk& disk = real_disk())
      : folder_(std::move(folder)), disk_(disk) {}

  // kBusy where another process holds the folder for more than `patience`.
  Result<FileLock> lock(milliseconds patience) const;
  // The trusted file of a role; nothing where there is none or it cannot be read within
  // `max_bytes`, which has the same effect: it is fetched anew.
  std::optional<std::string> read(std::string_view role, std::size_t max_bytes) const;
  Result<void> write(std::string_view role, std::string_view file) const;
  Result<void> remove(std::string_view role) const;

  std::optional<std::string> factory_root(std::size_t max_bytes) const;
  Result<void> write_factory_root(std::string_view file) const;

  std::optional<WallTime> clock_floor() const;
  Result<void> write_clock_floor(WallTime floor) const;

 private:
  std::filesystem::path folder_;
  Disk& disk_;
};

}  // namespace ota::tuf

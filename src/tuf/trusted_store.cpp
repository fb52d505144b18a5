#include "tuf/trusted_store.h"

#include "tuf/error.h"
#include "tuf/names.h"

namespace ota::tuf {
namespace {

constexpr const char* kFactoryRoot = "factory.root";
constexpr const char* kClockFloor = "clock-floor";

Result<void> write_trusted(Disk& disk, const std::filesystem::path& path,
                           std::string_view content) {
  auto written = write_file_durably(disk, path, content, 0644);
  if (written) return {};
  Error error = fail(Errc::kStorage, path.filename().string());
  error.cause = std::make_shared<const Error>(written.error());
  return error;
}

std::optional<std::string> read_if_there(const std::filesystem::path& path, std::size_t max_bytes) {
  auto content = read_file(path, max_bytes);
  if (!content) return std::nullopt;
  return std::move(*content);
}

}  // namespace

Result<FileLock> TrustedStore::lock(milliseconds patience) const {
  auto held = FileLock::acquire(folder_ / ".lock", static_cast<int>(patience.count()));
  if (held) return held;
  Error error = fail(held.error().code == ota::Errc::kConflict ? Errc::kBusy : Errc::kStorage,
                     folder_.string());
  error.cause = std::make_shared<const Error>(held.error());
  return error;
}

std::optional<std::string> TrustedStore::read(std::string_view role, std::size_t max_bytes) const {
  return read_if_there(folder_ / stored_name(role), max_bytes);
}

Result<void> TrustedStore::write(std::string_view role, std::string_view file) const {
  return write_trusted(disk_, folder_ / stored_name(role), file);
}

Result<void> TrustedStore::remove(std::string_view role) const {
  const std::filesystem::path path = folder_ / stored_name(role);
  if (!disk_.remove(path)) return fail(Errc::kStorage, "remove " + path.filename().string());
  return disk_.sync_directory(folder_);
}

std::optional<std::string> TrustedStore::factory_root(std::size_t max_bytes) const {
  return read_if_there(folder_ / kFactoryRoot, max_bytes);
}

Result<void> TrustedStore::write_factory_root(std::string_view file) const {
  return write_trusted(disk_, folder_ / kFactoryRoot, file);
}

std::optional<WallTime> TrustedStore::clock_floor() const {
  constexpr std::size_t kLongestTime = 64;
  const auto text = read_if_there(folder_ / kClockFloor, kLongestTime);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  return time ? std::optional(*time) : std::nullopt;
}

Result<void> TrustedStore::write_clock_floor(WallTime floor) const {
  return write_trusted(disk_, folder_ / kClockFloor, format_rfc3339(floor, Fraction::kNone));
}

}  // namespace ota::tuf

#include "tuf/error.h"

#include <array>

#include "base/error_table.h"

namespace ota::tuf {
namespace {

constexpr std::array<ErrorEntry<Errc>, 28> kEntries{{
    {Errc::kMalformed, "tuf.malformed", "the metadata is malformed"},
    {Errc::kUnsupported, "tuf.unsupported", "the metadata needs what this program does not know"},
    {Errc::kSignatures, "tuf.signatures", "too few valid signatures of the role's keys"},
    {Errc::kRollback, "tuf.rollback", "older metadata than what is already trusted"},
    {Errc::kFreeze, "tuf.freeze", "the metadata has expired: the repository is stale or withheld"},
    {Errc::kMixAndMatch, "tuf.mix-and-match", "not the file that the signed metadata announces"},
    {Errc::kArbitrary, "tuf.arbitrary", "the image's bytes are not the signed ones"},
    {Errc::kEndlessData, "tuf.endless-data", "more data than allowed"},
    {Errc::kSlowRetrieval, "tuf.slow-retrieval", "the data comes too slowly"},
    {Errc::kTooManyRoots, "tuf.too-many-roots", "too many new roots at once; try again"},
    {Errc::kTooManyRoles, "tuf.too-many-roles", "the search visits too many delegated roles"},
    {Errc::kMissing, "tuf.missing", "the repository lacks a file that it announces"},
    {Errc::kUnavailable, "tuf.unavailable", "the repository cannot be reached"},
    {Errc::kUnknownTarget, "tuf.unknown-target", "no trusted role lists this target"},
    {Errc::kWrongSoftware, "tuf.wrong-software", "the image is not made for this hardware"},
    {Errc::kFirmwareRollback, "tuf.firmware-rollback", "the image is below the version floor"},
    {Errc::kClockBehind, "tuf.clock-behind", "this device's clock is behind a time known as past"},
    {Errc::kClockAhead, "tuf.clock-ahead", "this device's clock is implausibly far ahead"},
    {Errc::kRootDamaged, "tuf.root-damaged", "the pinned root of trust is missing or damaged"},
    {Errc::kNotRefreshed, "tuf.not-refreshed", "the metadata was not refreshed successfully"},
    {Errc::kBusy, "tuf.busy", "another process is using the trusted metadata"},
    {Errc::kStorage, "tuf.storage", "the trusted metadata could not be stored"},
    {Errc::kForeignJob, "tuf.foreign-job", "the signed job is for another device or image"},
    {Errc::kReplayedJob, "tuf.replayed-job", "the signed job was used before"},
    {Errc::kExpiredJob, "tuf.expired-job", "the signed job has expired"},
    {Errc::kUnsignedJob, "tuf.unsigned-job", "the job lacks the director's signature"},
    {Errc::kKey, "tuf.key", "the signing key cannot be used"},
    {Errc::kThreshold, "tuf.threshold", "fewer signing keys than the role's threshold"},
}};

const TableCategory<Errc>& table() noexcept {
  static const TableCategory<Errc> instance("tuf", "unknown update error", kEntries);
  return instance;
}

}  // namespace

const std::error_category& category() noexcept {
  return table();
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}

std::string_view word_of(const std::error_code& code) noexcept {
  if (const std::string_view word = table().word_of(code); !word.empty()) return word;
  if (code == ota::Errc::kFull) return "full";
  if (code == ota::Errc::kDenied) return "denied";
  if (code == ota::Errc::kTimeout) return "timeout";
  if (code == ota::Errc::kUnavailable) return "unavailable";
  if (code == ota::Errc::kIo || code == ota::Errc::kNotFound) return "io";
  return "internal";
}

}  // namespace ota::tuf

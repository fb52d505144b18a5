// Why an update was refused: one code for each attack or fault, with the sentence that an operator
// reads and a short stable word that agents report ("tuf.rollback").
//
// The words are part of the wire protocol: they are never renamed. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "base/result.h"

namespace ota::tuf {

enum class Errc {
  kMalformed = 1,     // not strict JSON, or not of the form that TUF prescribes
  kUnsupported,       // another specification version, or only algorithms that nobody here knows
  kSignatures,        // too few valid signatures: unsigned, wrong role's key, m-1 of m
  kRollback,          // older metadata than what is trusted
  kFreeze,            // metadata past its expiry
  kMixAndMatch,       // a file that is not the one which the signed metadata announces
  kArbitrary,         // a target whose bytes are not the signed ones
  kEndlessData,       // more bytes than the limit or the signed length allow
  kSlowRetrieval,     // slower than the limit
  kTooManyRoots,      // more root steps in one refresh than allowed
  kTooManyRoles,      // more delegated roles in one search than allowed
  kMissing,           // the repository lacks a file that it must have
  kUnavailable,       // the repository could not be asked
  kUnknownTarget,     // no trusted role lists the target
  kWrongSoftware,     // a signed image that is not for this hardware
  kFirmwareRollback,  // a signed image older than the device's version floor
  kClockBehind,       // this device's clock is before a time that is known to have passed
  kClockAhead,        // this device's clock is implausibly far ahead
  kRootDamaged,       // no usable root of trust in the folder
  kNotRefreshed,      // a search without a refresh that succeeded
  kBusy,              // another process refreshes in this folder
  kStorage,           // the trusted metadata could not be written
  kForeignJob,        // the director's word names another device or release
  kReplayedJob,       // the director's word was used before
  kExpiredJob,        // the director's word is past its expiry
  kUnsignedJob,       // the director's word lacks a valid signature
  kKey,               // a signing key is absent, unreadable, or refused its passphrase
  kThreshold,         // fewer signing keys at hand than the role's threshold
};

const std::error_category& category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

// "tuf.rollback"; for a code of another category its general word ("io", "denied", "internal").
std::string_view word_of(const std::error_code& code) noexcept;

inline Error fail(Errc code, std::string context = {}) {
  return Error(make_error_code(code), std::move(context));
}

}  // namespace ota::tuf

template <>
struct std::is_error_code_enum<ota::tuf::Errc> : std::true_type {};

// Why a patch was refused: one code for each place where it can be wrong, with the short stable
// word that agents report ("patch.block").
//
// The words are part of the wire protocol: they are never renamed. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "base/result.h"

namespace ota::delta {

enum class Errc {
  kHead = 1,     // not a head of ota-patch/1, or one whose numbers do not fit each other
  kBaseDiffers,  // what is to be patched is not what the patch was made from
  kBlock,        // a block's bytes are not the announced ones, or not a block
  kResult,       // the whole is not the image that the head announces
};

const std::error_category& category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

// "patch.block"; for a code of another category "io".
std::string_view word_of(const std::error_code& code) noexcept;

inline Error fail(Errc code, std::string context = {}) {
  return Error(make_error_code(code), std::move(context));
}

}  // namespace ota::delta

template <>
struct std::is_error_code_enum<ota::delta::Errc> : std::true_type {};

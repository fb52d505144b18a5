#include "delta/error.h"

#include <array>

#include "base/error_table.h"

namespace ota::delta {
namespace {

constexpr std::array<ErrorEntry<Errc>, 4> kEntries{{
    {Errc::kHead, "patch.head", "not the head of a patch that this program can read"},
    {Errc::kBaseDiffers, "patch.base-differs", "the patch was made from another image"},
    {Errc::kBlock, "patch.block", "a block of the patch is damaged"},
    {Errc::kResult, "patch.result", "what the patch makes is not the announced image"},
}};

const TableCategory<Errc>& table() noexcept {
  static const TableCategory<Errc> instance("delta", "unknown patch error", kEntries);
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
  const std::string_view word = table().word_of(code);
  return word.empty() ? "io" : word;
}

}  // namespace ota::delta

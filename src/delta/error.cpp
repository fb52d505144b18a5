#include "delta/error.h"

#include <array>

namespace ota::delta {
namespace {

struct Entry {
  Errc code;
  std::string_view word;
  const char* sentence;
};

constexpr std::array<Entry, 4> kEntries{{
    {Errc::kHead, "patch.head", "not the head of a patch that this program can read"},
    {Errc::kBaseDiffers, "patch.base-differs", "the patch was made from another image"},
    {Errc::kBlock, "patch.block", "a block of the patch is damaged"},
    {Errc::kResult, "patch.result", "what the patch makes is not the announced image"},
}};

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "delta"; }
  std::string message(int value) const override {
    for (const Entry& entry : kEntries) {
      if (static_cast<int>(entry.code) == value) return entry.sentence;
    }
    return "unknown patch error";
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const Category instance;
  return instance;
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}

std::string_view word_of(const std::error_code& code) noexcept {
  if (code.category() == category()) {
    for (const Entry& entry : kEntries) {
      if (static_cast<int>(entry.code) == code.value()) return entry.word;
    }
  }
  return "io";
}

}  // namespace ota::delta

// A folder's errors as one table: for each code the short stable word that is told to others, and
// the sentence that an operator reads. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace ota {

template <class Code>
struct ErrorEntry {
  Code code;
  std::string_view word;  // "tuf.rollback"
  const char* sentence;
};

// The category of such a folder. What is passed outlives it.
template <class Code>
class TableCategory final : public std::error_category {
 public:
  TableCategory(const char* name, const char* unknown, std::span<const ErrorEntry<Code>> entries)
      : name_(name), unknown_(unknown), entries_(entries) {}

  const char* name() const noexcept override { return name_; }
  std::string message(int value) const override {
    const ErrorEntry<Code>* entry = find(value);
    return entry == nullptr ? unknown_ : entry->sentence;
  }
  // Empty for a code of another category.
  std::string_view word_of(const std::error_code& code) const noexcept {
    const ErrorEntry<Code>* entry = code.category() == *this ? find(code.value()) : nullptr;
    return entry == nullptr ? std::string_view() : entry->word;
  }

 private:
  const ErrorEntry<Code>* find(int value) const noexcept {
    for (const ErrorEntry<Code>& entry : entries_) {
      if (static_cast<int>(entry.code) == value) return &entry;
    }
    return nullptr;
  }

  const char* name_;
  const char* unknown_;
  std::span<const ErrorEntry<Code>> entries_;
};

}  // namespace ota

// An optional value that costs a pointer where there is none: for what few of many records have.
//
// A value like std::optional: a copy has a value of its own.
#pragma once

#include <memory>
#include <utility>

namespace ota {

template <class T>
class BoxedOptional {
 public:
  BoxedOptional() = default;
  BoxedOptional(T value) : value_(std::make_unique<T>(std::move(value))) {}
  BoxedOptional(const BoxedOptional& other) { *this = other; }
  BoxedOptional(BoxedOptional&&) noexcept = default;
  BoxedOptional& operator=(const BoxedOptional& other) {
    if (this != &other) value_ = other ? std::make_unique<T>(*other) : nullptr;
    return *this;
  }
  BoxedOptional& operator=(BoxedOptional&&) noexcept = default;
  ~BoxedOptional() = default;

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T& emplace() { return *(value_ = std::make_unique<T>()); }

  bool operator==(const BoxedOptional& other) const {
    return has_value() == other.has_value() && (!value_ || *value_ == *other.value_);
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace ota

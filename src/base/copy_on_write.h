// An optional value that others may keep reading while its owner goes on changing it.
//
// share() hands out what is now and costs no copy; the first edit() after that changes a copy of
// its own, so what was shared never changes. Thread: owner's calls one at a time; what was shared,
// any.
#pragma once

#include <memory>
#include <utility>

namespace ota {

template <class T>
class CopyOnWrite {
 public:
  CopyOnWrite() = default;
  // Takes a value that nobody else holds.
  explicit CopyOnWrite(std::shared_ptr<T> value) : value_(std::move(value)) {}

  explicit operator bool() const { return value_ != nullptr; }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  CopyOnWrite& operator=(T value) {
    value_ = std::make_shared<T>(std::move(value));
    shared_ = false;
    return *this;
  }
  void reset() { value_.reset(); }

  // The value, to be changed; made where there is none. Good until the next call of share().
  T& edit() {
    if (!value_) {
      *this = T{};
    } else if (shared_) {
      *this = T(*value_);
    }
    return *value_;
  }

  // Null where there is none.
  std::shared_ptr<const T> share() const {
    shared_ = true;
    return value_;
  }

 private:
  std::shared_ptr<T> value_;
  mutable bool shared_ = false;
};

}  // namespace ota

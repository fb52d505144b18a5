#include "base/result.h"

#include <cerrno>
#include <cstring>
#include <ostream>
#include <stdexcept>

namespace ota {
namespace {

class BaseCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "ota"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::kInvalid:
        return "not valid";
      case Errc::kNotFound:
        return "not found";
      case Errc::kExists:
        return "already there";
      case Errc::kDenied:
        return "not permitted";
      case Errc::kLimit:
        return "over the limit";
      case Errc::kIo:
        return "input or output failed";
      case Errc::kFull:
        return "no space left, or read-only";
      case Errc::kTimeout:
        return "took too long";
      case Errc::kUnavailable:
        return "cannot be reached";
      case Errc::kConflict:
        return "not possible in the present state";
      case Errc::kInternal:
        return "internal error";
    }
    return "unknown error";
  }
};

}  // namespace

const std::error_category& base_category() noexcept {
  static const BaseCategory category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), base_category()};
}

Error Error::within(std::string what) const {
  Error outer(code, std::move(what));
  outer.cause = std::make_shared<const Error>(*this);
  return outer;
}

std::string Error::text() const {
  std::string line = context;
  for (const Error* inner = cause.get(); inner != nullptr; inner = inner->cause.get()) {
    if (inner->context.empty()) continue;
    if (!line.empty()) line += ": ";
    line += inner->context;
  }
  // What another program said has the word already.
  const std::string word = code.message();
  if (line == word || line.ends_with(": " + word)) return line;
  if (!line.empty()) line += ": ";
  return line + word;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << error.text();
}

Error fail_errno(int error_number, std::string context) {
  Errc code = Errc::kIo;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS) code = Errc::kFull;
  if (error_number == ENOENT) code = Errc::kNotFound;
  if (error_number == EACCES || error_number == EPERM) code = Errc::kDenied;
  if (error_number == EEXIST) code = Errc::kExists;
  return fail(code, std::move(context) + ": " + std::generic_category().message(error_number));
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.text());
}

}  // namespace ota

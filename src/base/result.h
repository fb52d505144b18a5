// Errors that a caller can expect: a peer, a file, a user, the network, a gate that says no.
//
// An Error is a code, what was being done when it happened, and what caused it. The code's category
// is the folder that raised it and its message is the sentence that an operator reads; the context
// carries names and numbers. Nothing is logged where it is returned: whoever handles the Error
// decides.
#pragma once

#include <boost/system/result.hpp>
#include <iosfwd>
#include <memory>
#include <string>
#include <system_error>

namespace ota {

// Codes that any floor may use; folders with richer failures have an enum and a category of their
// own.
enum class Errc {
  kInvalid = 1,  // the input is not of the form that it must have
  kNotFound,
  kExists,
  kDenied,
  kLimit,  // larger, deeper, more or longer than allowed
  kIo,
  kFull,  // no space left, or the medium is read-only
  kTimeout,
  kUnavailable,  // the other side cannot be reached, or is shutting down
  kConflict,     // the state does not allow it now
  kInternal,
};

const std::error_category& base_category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

struct [[nodiscard]] Error {
  std::error_code code;
  std::string context;
  std::shared_ptr<const Error> cause;

  Error() = default;
  // Implicit, so that `return Error(Errc::kIo, "...")` and `return fail(...)` read alike.
  Error(std::error_code c, std::string what) : code(c), context(std::move(what)) {}

  // The same error seen one floor up: `what` is what that floor was doing.
  Error within(std::string what) const;
  // One line for people: "context: sentence; because: ...".
  std::string text() const;
};

// Its text(); lets a failing test say what the error was.
std::ostream& operator<<(std::ostream& out, const Error& error);

template <class T>
using Result = boost::system::result<T, Error>;

inline Error fail(std::error_code code, std::string context = {}) {
  return Error(code, std::move(context));
}
inline Error fail(Errc code, std::string context = {}) {
  return Error(make_error_code(code), std::move(context));
}
// `errno` as an Error: ENOSPC, EDQUOT and EROFS become kFull, ENOENT kNotFound, EACCES and EPERM
// kDenied, others kIo.
Error fail_errno(int error_number, std::string context);

// boost::system::result calls this out of value() on an error; ours are checked before, so reaching
// it is a defect.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

}  // namespace ota

template <>
struct std::is_error_code_enum<ota::Errc> : std::true_type {};

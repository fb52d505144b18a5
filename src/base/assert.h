// OTA_ASSERT: a programmer's error, in release too. The terminal is restored by the SIGABRT handler
// where one is set.
#pragma once

namespace ota {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}

#define OTA_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::ota::assertion_failed(#expression, __FILE__, __LINE__))

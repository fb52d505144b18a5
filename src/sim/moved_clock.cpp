#include "sim/moved_clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/file.h"

namespace ota::sim {
namespace {

using Shifts = std::array<std::int64_t, 2>;  // of the wall clock and of the monotonic one

Result<FileDescriptor> open_file(const std::filesystem::path& file) {
  FileDescriptor opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!opened) return fail_errno(errno, "open " + file.string());
  if (::ftruncate(opened.get(), sizeof(Shifts)) != 0) {
    return fail_errno(errno, "resize " + file.string());
  }
  return opened;
}

}  // namespace

std::filesystem::path MovedClock::file_of(const std::string& what) const {
  return folder_ / ("clock-" + what);
}

Result<std::vector<std::string>> MovedClock::environment_of(const std::string& what) const {
  const std::filesystem::path library = std::filesystem::absolute(programs_ / "clock-shift.so");
  std::error_code error;
  if (!std::filesystem::exists(library, error)) {
    return fail(Errc::kNotFound, library.string() + ": make clock-shift builds it");
  }
  const std::filesystem::path file = std::filesystem::absolute(file_of(what));
  if (const auto opened = open_file(file); !opened) return opened.error();
  return std::vector<std::string>{"LD_PRELOAD=" + library.string(),
                                  "OTA_CLOCK_SHIFT_FILE=" + file.string()};
}

Result<std::chrono::nanoseconds> MovedClock::add(const std::string& what,
                                                 std::chrono::nanoseconds wall,
                                                 std::chrono::nanoseconds monotonic) const {
  const auto file = open_file(file_of(what));
  if (!file) return file.error();
  Shifts shifts{};
  if (::pread(file->get(), shifts.data(), sizeof shifts, 0) != sizeof shifts) {
    return fail_errno(errno, "read " + file_of(what).string());
  }
  shifts[0] += wall.count();
  shifts[1] += monotonic.count();
  if (::pwrite(file->get(), shifts.data(), sizeof shifts, 0) != sizeof shifts) {
    return fail_errno(errno, "write " + file_of(what).string());
  }
  return std::chrono::nanoseconds(shifts[0]);
}

Result<std::chrono::nanoseconds> MovedClock::move(const std::string& what,
                                                  std::chrono::nanoseconds by) const {
  return add(what, by, std::chrono::nanoseconds(0));
}

Result<std::chrono::nanoseconds> MovedClock::pass(const std::string& what,
                                                  std::chrono::nanoseconds by) const {
  return add(what, by, by);
}

}  // namespace ota::sim

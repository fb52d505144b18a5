// A clock that a scenario can move: loaded into a program by LD_PRELOAD, it adds to the wall clock
// what a file says, and leaves the monotonic clock alone, as a real jump of the clock does.
//
// The file (OTA_CLOCK_SHIFT_FILE) holds one int64 of nanoseconds, mapped once and read at every
// call, so that a step of the scenario takes effect at once. It is a library of the tests: the
// programs themselves have no way to be given another time, and none is installed.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using Shift = std::atomic<std::int64_t>;
constexpr std::int64_t kSecond = 1'000'000'000;

const Shift* map_file() {
  const char* file = std::getenv("OTA_CLOCK_SHIFT_FILE");
  if (file == nullptr) return nullptr;
  const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  void* mapped = ::mmap(nullptr, sizeof(Shift), PROT_READ, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  return mapped == MAP_FAILED ? nullptr : static_cast<const Shift*>(mapped);
}

std::int64_t shift() {
  static const Shift* const kMapped = map_file();
  return kMapped == nullptr ? 0 : kMapped->load(std::memory_order_relaxed);
}

}  // namespace

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  const long failed = ::syscall(SYS_clock_gettime, id, time);
  if (failed != 0) return -1;
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return 0;
  const std::int64_t moved = time->tv_sec * kSecond + time->tv_nsec + shift();
  time->tv_sec = moved / kSecond;
  time->tv_nsec = moved % kSecond;
  return 0;
}

extern "C" time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

extern "C" int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

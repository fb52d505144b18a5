// Clocks that a scenario can move: loaded into a program by LD_PRELOAD, it adds to the wall clock
// and to the monotonic one what a file says. The wall clock alone is a real jump of the clock; both
// are time that passes.
//
// The file (OTA_CLOCK_SHIFT_FILE) holds an int64 of nanoseconds for each, mapped once and read at
// every call, so that a step of the scenario takes effect at once. It is a library of the tests:
// the programs themselves have no way to be given another time, and none is installed.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

struct Shifts {
  std::atomic<std::int64_t> wall;
  std::atomic<std::int64_t> monotonic;
};
constexpr std::int64_t kSecond = 1'000'000'000;

const Shifts* map_file() {
  const char* file = std::getenv("OTA_CLOCK_SHIFT_FILE");
  if (file == nullptr) return nullptr;
  const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  void* mapped = ::mmap(nullptr, sizeof(Shifts), PROT_READ, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  return mapped == MAP_FAILED ? nullptr : static_cast<const Shifts*>(mapped);
}

std::int64_t shift_of(clockid_t id) {
  static const Shifts* const kMapped = map_file();
  if (kMapped == nullptr) return 0;
  switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      return kMapped->wall.load(std::memory_order_relaxed);
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
      return kMapped->monotonic.load(std::memory_order_relaxed);
    default:
      return 0;
  }
}

void add(timespec& time, std::int64_t nanoseconds) {
  const std::int64_t moved = time.tv_sec * kSecond + time.tv_nsec + nanoseconds;
  time.tv_sec = moved / kSecond;
  time.tv_nsec = moved % kSecond;
}

}  // namespace

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  const long failed = ::syscall(SYS_clock_gettime, id, time);
  if (failed != 0) return -1;
  if (const std::int64_t shift = shift_of(id); shift != 0) add(*time, shift);
  return 0;
}

// The kernel waits by its own clock.
extern "C" int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                      clockid_t id, const timespec* until) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const auto kWait = reinterpret_cast<Wait>(::dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  timespec real = *until;
  add(real, -shift_of(id));
  return kWait(condition, mutex, id, &real);
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

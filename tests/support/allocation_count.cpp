#include "tests/support/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTA_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTA_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef OTA_COUNTS_ALLOCATIONS
#define OTA_COUNTS_ALLOCATIONS 1
#endif

namespace {

std::atomic<std::uint64_t> count{0};
thread_local bool exempt = false;

}  // namespace

namespace ota::test {

bool allocations_are_counted() {
  return OTA_COUNTS_ALLOCATIONS != 0;
}

std::uint64_t allocations_so_far() {
  return count.load(std::memory_order_relaxed);
}

void exempt_this_thread() {
  exempt = true;
}

}  // namespace ota::test

#if OTA_COUNTS_ALLOCATIONS
void* operator new(std::size_t size) {
  if (!exempt) count.fetch_add(1, std::memory_order_relaxed);
  if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
  throw std::bad_alloc();
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
#endif

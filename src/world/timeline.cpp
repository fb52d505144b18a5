#include "world/timeline.h"

#include <sys/mman.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#include <new>

#include "base/assert.h"

namespace ota::world {
namespace {

constexpr std::size_t kStackBytes = 512 * 1024;  // touched pages alone cost memory
constexpr std::size_t kGuardBytes = 4096;

#if defined(__SANITIZE_ADDRESS__)
void leave_stack(void** kept, const void* next, std::size_t bytes) {
  __sanitizer_start_switch_fiber(kept, next, bytes);
}
void enter_stack(void* kept, const void** before, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(kept, before, bytes);
}
#else
void leave_stack(void**, const void*, std::size_t) {}
void enter_stack(void*, const void**, std::size_t*) {}
#endif

}  // namespace

void Fiber::switch_to() {
  void* kept = nullptr;
  leave_stack(&kept, context_.uc_stack.ss_sp, context_.uc_stack.ss_size);
  ::swapcontext(&back_, &context_);
  enter_stack(kept, nullptr, nullptr);
}

void Fiber::switch_back() {
  void* kept = nullptr;
  leave_stack(over_ ? nullptr : &kept, back_stack_, back_bytes_);
  ::swapcontext(&context_, &back_);
  enter_stack(kept, &back_stack_, &back_bytes_);
}

// makecontext() hands over ints: the pointer comes in two halves.
void Fiber::enter(unsigned high, unsigned low) {
  auto* fiber = reinterpret_cast<Fiber*>(  // NOLINT(performance-no-int-to-ptr)
      static_cast<std::uintptr_t>(high) << 32 | low);
  enter_stack(nullptr, &fiber->back_stack_, &fiber->back_bytes_);
  try {
    if (!fiber->cut_) fiber->body_();
  } catch (const PowerCut&) {
    // its stack is empty now
  } catch (...) {
    fiber->failure_ = std::current_exception();  // thrown again by resume()
  }
  fiber->over_ = true;
  fiber->switch_back();
}

Fiber::Fiber(Timeline& timeline, std::function<void()> body)
    : timeline_(timeline), body_(std::move(body)), stack_(timeline.take_stack()) {
  ::getcontext(&context_);
  context_.uc_stack.ss_sp = static_cast<char*>(stack_) + kGuardBytes;
  context_.uc_stack.ss_size = kStackBytes - kGuardBytes;
  context_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self & 0xffffffffU));
}

Fiber::~Fiber() {
  timeline_.stacks_.push_back(stack_);
}

Timeline::~Timeline() {
  tasks_.clear();
  for (void* stack : stacks_)
    ::munmap(stack, kStackBytes);
}

void* Timeline::take_stack() {
  if (!stacks_.empty()) {
    void* stack = stacks_.back();
    stacks_.pop_back();
    return stack;
  }
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  ::mprotect(stack, kGuardBytes, PROT_NONE);
  return stack;
}

void Timeline::at(MonoTime when, std::function<void()> task) {
  tasks_.emplace(std::pair{std::max(when, now_), order_++}, std::move(task));
}

bool Timeline::step(MonoTime until) {
  if (tasks_.empty() || tasks_.begin()->first.first > until) {
    now_ = std::max(now_, until);
    return false;
  }
  const auto next = tasks_.begin();
  now_ = next->first.first;
  const auto task = std::move(next->second);
  tasks_.erase(next);
  ++steps_;
  task();
  return true;
}

std::shared_ptr<Fiber> Timeline::start(std::function<void()> body) {
  std::shared_ptr<Fiber> fiber(new Fiber(*this, std::move(body)));
  at(now_, [this, fiber] { resume(fiber); });
  return fiber;
}

void Timeline::resume(const std::shared_ptr<Fiber>& fiber) {
  if (fiber->over_) return;
  OTA_ASSERT(current_ == nullptr);
  current_ = fiber;
  fiber->switch_to();
  current_ = nullptr;
  if (fiber->over_) fiber->body_ = nullptr;
  if (fiber->failure_) std::rethrow_exception(std::exchange(fiber->failure_, nullptr));
}

void Timeline::cut(const std::shared_ptr<Fiber>& fiber) {
  OTA_ASSERT(fiber != current_);
  if (fiber->over_) return;
  fiber->cut_ = true;
  resume(fiber);
  OTA_ASSERT(fiber->over_);
}

bool Timeline::wait(MonoTime until) {
  const std::shared_ptr<Fiber> fiber = current_;
  OTA_ASSERT(fiber != nullptr);
  if (fiber->unwinding_) return false;
  fiber->woken_ = false;
  const std::uint64_t number = ++fiber->waits_;
  if (until != MonoTime::max()) {
    at(until, [this, fiber, number] {
      if (fiber->waits_ == number && !fiber->woken_) resume(fiber);
    });
  }
  fiber->switch_back();
  ++fiber->waits_;
  if (fiber->cut_) {
    fiber->unwinding_ = true;
    throw PowerCut{};
  }
  return fiber->woken_;
}

void Timeline::end_here() {
  if (current_) current_->cut_ = current_->unwinding_ = true;
  throw PowerCut{};
}

void Timeline::wait_whole(MonoTime until) {
  while (now_ < until) {
    if (!wait(until) && now_ < until) return;  // it is ending
  }
}

void Timeline::wake(const std::shared_ptr<Fiber>& fiber) {
  if (fiber->over_ || fiber->woken_ || fiber == current_) return;
  fiber->woken_ = true;
  const std::uint64_t number = fiber->waits_;
  at(now_, [this, fiber, number] {
    if (fiber->waits_ == number) resume(fiber);
  });
}

}  // namespace ota::world

#include "http/exchange.h"

#include <new>
#include <utility>

namespace ota::http {
namespace {

// What allocate_shared asks; each copy keeps the room alive until the memory is back in it.
template <class T>
struct RoomAllocator {
  using value_type = T;
  std::shared_ptr<ExchangeRoom> room;

  explicit RoomAllocator(std::shared_ptr<ExchangeRoom> from) : room(std::move(from)) {}
  template <class U>
  RoomAllocator(const RoomAllocator<U>& other) : room(other.room) {}  // NOLINT: an allocator's form
  T* allocate(std::size_t count) { return static_cast<T*>(room->take(count * sizeof(T))); }
  void deallocate(T* place, std::size_t) { room->give_back(place); }
  template <class U>
  bool operator==(const RoomAllocator<U>& other) const {
    return room == other.room;
  }
};

}  // namespace

void* ExchangeRoom::take(std::size_t bytes) {
  if (bytes <= bytes_.size() && !taken_.exchange(true, std::memory_order_acquire)) {
    return bytes_.data();
  }
  return ::operator new(bytes);
}

void ExchangeRoom::give_back(void* place) {
  if (place == bytes_.data()) {
    taken_.store(false, std::memory_order_release);
  } else {
    ::operator delete(place);
  }
}

std::shared_ptr<Exchange> make_exchange(const std::shared_ptr<ExchangeRoom>& room,
                                        std::shared_ptr<Mailbox> mailbox,
                                        std::weak_ptr<AnswerTarget> target, std::uint64_t request) {
  return std::allocate_shared<Exchange>(RoomAllocator<Exchange>(room), std::move(mailbox),
                                        std::move(target), request);
}

Exchange::Exchange(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<AnswerTarget> target,
                   std::uint64_t request)
    : mailbox_(std::move(mailbox)), target_(std::move(target)), request_(request) {}

Exchange::~Exchange() {
  // The last holder: nobody else can be inside.
  if (answered_ || gone_) return;
  deliver(Response::problem(500, "unanswered", "the server gave no answer to this request"));
}

void Exchange::send(Response response) {
  std::function<void()> forgotten;  // dies after the lock: it may hold the last Responder
  {
    const std::lock_guard lock(mutex_);
    if (answered_ || gone_) return;
    answered_ = true;
    forgotten.swap(on_close_);
    if (dispatching_) {
      early_ = std::move(response);
      return;
    }
  }
  deliver(std::move(response));
}

void Exchange::on_close(std::function<void()> called) {
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return;
    if (!gone_) {
      on_close_.swap(called);
      return;
    }
  }
  called();
}

std::optional<Response> Exchange::end_dispatch() {
  const std::lock_guard lock(mutex_);
  dispatching_ = false;
  return std::exchange(early_, std::nullopt);
}

void Exchange::connection_closed() {
  std::function<void()> called;
  {
    const std::lock_guard lock(mutex_);
    if (answered_ || gone_) return;
    gone_ = true;
    called.swap(on_close_);
  }
  if (called) called();
}

void Exchange::deliver(Response response) {
  mailbox_->post([target = target_, request = request_, response = std::move(response)]() mutable {
    // Locked on the io thread alone, so that a connection never dies on another one.
    if (const auto connection = target.lock()) connection->answer(request, std::move(response));
  });
}

}  // namespace ota::http

// The one answer of one request on its way from a handler to its connection.
//
// An answer that comes while the handler still runs is taken by the connection itself; a later one
// travels through the io thread's mailbox. Exactly one is honoured; where the last Responder dies
// without any, the answer is 500. A connection that went away makes on_close run, and the answer is
// dropped.
//
// Thread: send() and on_close() any; the rest the connection's io thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "http/mailbox.h"
#include "http/message.h"

namespace ota::http {

// Where late answers arrive: the connection, on its io thread.
class AnswerTarget {
 public:
  virtual ~AnswerTarget() = default;
  // `request` is the number that the exchange was made with.
  virtual void answer(std::uint64_t request, Response response) = 0;
};

// Room for one exchange at a time, kept by a connection: request after request without a trip to
// the heap. An exchange that lives on while the next one is made sends that one to the heap.
// Thread: any; the last Responder may die on a thread of its own.
class ExchangeRoom {
 public:
  void* take(std::size_t bytes);  // from the heap where the room is taken or too small
  void give_back(void* place);

 private:
  std::atomic<bool> taken_{false};
  alignas(std::max_align_t) std::array<std::byte, 416> bytes_;
};

class Exchange final : public Responder::Sink {
 public:
  Exchange(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<AnswerTarget> target,
           std::uint64_t request);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void send(Response response) override;
  void on_close(std::function<void()> called) override;

  // The handler has returned: its answer, if it gave one; from now on answers are posted.
  std::optional<Response> end_dispatch();
  // The connection is gone; calls what on_close() was given.
  void connection_closed();

 private:
  void deliver(Response response);

  std::mutex mutex_;
  bool dispatching_ = true;
  bool answered_ = false;
  bool gone_ = false;
  std::optional<Response> early_;
  std::function<void()> on_close_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::weak_ptr<AnswerTarget> target_;
  const std::uint64_t request_;
};

std::shared_ptr<Exchange> make_exchange(const std::shared_ptr<ExchangeRoom>& room,
                                        std::shared_ptr<Mailbox> mailbox,
                                        std::weak_ptr<AnswerTarget> target, std::uint64_t request);

}  // namespace ota::http

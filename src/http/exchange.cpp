#include "http/exchange.h"

#include <utility>

namespace ota::http {

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

// Work handed to an io thread from any other; what comes after the end is dropped.
//
// The box outlives the thread that it belongs to: answers to requests hold it, and may come when
// the server is long gone. The io thread is woken once for all that lies in the box.
//
// Thread: any.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace ota::http {

class Mailbox {
 public:
  using Work = std::function<void()>;
  // `wake` is called under the box's lock when the first piece of work comes in; it must make the
  // owner call run().
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void post(Work work);
  // Owner only: does what lies in the box now.
  void run();
  // Owner only: drops everything; later post()s do nothing and wake nobody.
  void close();

 private:
  std::mutex mutex_;
  std::function<void()> wake_;  // empty: closed
  std::vector<Work> waiting_;
  std::vector<Work> running_;  // kept for its memory; run() alone uses it
};

}  // namespace ota::http

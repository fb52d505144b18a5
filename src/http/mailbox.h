// Work handed to an io thread from any other; what comes after the end is dropped.
//
// The box outlives the thread that it belongs to: answers to requests hold it, and may come when
// the server is long gone. The io thread is woken once for all that lies in the box.
//
// Thread: any.
#pragma once

#include <functional>
#include <vector>

#include "base/mutex.h"

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
  Mutex mutex_;
  std::function<void()> wake_ OTA_GUARDED_BY(mutex_);  // empty: closed
  std::vector<Work> waiting_ OTA_GUARDED_BY(mutex_);
  std::vector<Work> running_;  // kept for its memory; run() alone uses it
};

}  // namespace ota::http

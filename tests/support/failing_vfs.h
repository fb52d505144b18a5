// SQLite's file layer with a disk that fills up on command: from the n-th write or sync on, all
// fail with one error, and so does the memory that connections share, until it is told that there
// is space again. Thread: any.
#pragma once

#include <atomic>
#include <memory>
#include <string>

namespace ota::test {

class FailingVfs {
 public:
  explicit FailingVfs(std::string name);
  ~FailingVfs();
  FailingVfs(const FailingVfs&) = delete;
  FailingVfs& operator=(const FailingVfs&) = delete;

  const std::string& name() const { return name_; }
  // `after` writes and syncs still succeed; `error` is an SQLite code (SQLITE_FULL, SQLITE_IOERR).
  void fail(int after, int error);
  void recover();

  // For the layer itself: SQLITE_OK, or the error that this write gets.
  int next_write();

 private:
  struct Layer;
  std::string name_;
  std::unique_ptr<Layer> layer_;
  std::atomic<bool> armed_ = false;
  std::atomic<int> left_ = 0;
  std::atomic<int> error_ = 0;
};

}  // namespace ota::test

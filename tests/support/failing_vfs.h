// SQLite's file layer with a disk that fills up on command: from the n-th write or sync on, all
// fail with one error, and so does the memory that connections share, until it is told that there
// is space again. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
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
  // So many bytes can still be written, and then none: every write fails with SQLITE_FULL.
  void leave_room(std::int64_t bytes);
  // Writes that it refused, and syncs that the real layer was asked for.
  int refused() const { return refused_; }
  int syncs() const { return syncs_; }

  // For the layer itself: SQLITE_OK, or the error that this write gets.
  int next_write(int bytes);
  void count_sync() { ++syncs_; }

 private:
  struct Layer;
  std::string name_;
  std::unique_ptr<Layer> layer_;
  std::atomic<bool> armed_ = false;
  std::atomic<int> left_ = 0;
  std::atomic<int> error_ = 0;
  std::atomic<std::int64_t> room_ = INT64_MAX;
  std::atomic<int> refused_ = 0;
  std::atomic<int> syncs_ = 0;
};

}  // namespace ota::test

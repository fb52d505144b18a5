// The threads that may wait for a disk, so that io threads never do.
//
// Jobs run in order of arrival, two at a time; each hands its result back through the mailbox of
// the io thread that asked. stop() lets the running jobs end and drops the others. Thread: any;
// stop() once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace ota::http {

class FilePool {
 public:
  using Job = std::function<void()>;
  FilePool() = default;
  ~FilePool() { stop(); }
  FilePool(const FilePool&) = delete;
  FilePool& operator=(const FilePool&) = delete;

  void post(Job job);  // threads start with the first job
  void stop();

 private:
  void work();
  Mutex mutex_;
  CondVar wake_;
  std::deque<Job> jobs_ OTA_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ OTA_GUARDED_BY(mutex_);
  bool stopped_ OTA_GUARDED_BY(mutex_) = false;
};

struct OpenFile {
  FileDescriptor descriptor;
  std::uint64_t size = 0;
};
// Blocks. Only regular files beneath `folder`; kNotFound for anything else.
Result<OpenFile> open_file(const std::string& folder, const std::string& path);

enum class MayBlock { kNo, kYes };
// Reads up to `into.size()` bytes from `offset`: the count, 0 at the end. With kNo it is kTimeout
// where the bytes are not in the page cache (or the file system cannot tell).
Result<std::size_t> read_at(int descriptor, std::uint64_t offset, std::span<char> into,
                            MayBlock may_block);

}  // namespace ota::http

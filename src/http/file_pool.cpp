#include "http/file_pool.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/beneath.h"

namespace ota::http {
namespace {
// Two: a slow disk under one download does not hold up the others.
constexpr std::size_t kThreads = 2;
}  // namespace

void FilePool::post(Job job) {
  const MutexLock lock(mutex_);
  if (stopped_) return;
  while (threads_.size() < kThreads)
    threads_.emplace_back([this] { work(); });
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

void FilePool::stop() {
  std::deque<Job> dropped;
  std::vector<std::thread> ending;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    dropped.swap(jobs_);
    ending.swap(threads_);
    wake_.notify_all();
  }
  for (std::thread& thread : ending)
    thread.join();
}

void FilePool::work() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals belong to the main thread
  while (true) {
    Job job;
    {
      const MutexLock lock(mutex_);
      while (!stopped_ && jobs_.empty())
        wake_.wait(mutex_);
      if (stopped_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

Result<OpenFile> open_file(const std::string& folder, const std::string& path) {
  auto opened = open_beneath(folder, path);
  if (!opened && opened.error().code == Errc::kDenied) {
    return fail(Errc::kNotFound, opened.error().context);  // nobody is told what is there
  }
  if (!opened) return opened.error();
  OpenFile file{std::move(*opened), 0};
  struct stat facts {};
  if (::fstat(file.descriptor.get(), &facts) != 0) return fail_errno(errno, "read " + path);
  file.size = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

Result<std::size_t> read_at(int descriptor, std::uint64_t offset, std::span<char> into,
                            MayBlock may_block) {
  const iovec part{into.data(), into.size()};
  while (true) {
    const ssize_t got = ::preadv2(descriptor, &part, 1, static_cast<off_t>(offset),
                                  may_block == MayBlock::kNo ? RWF_NOWAIT : 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (may_block == MayBlock::kNo && (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINVAL)) {
      return fail(Errc::kTimeout, "not in memory");
    }
    return fail_errno(errno, "read a file");
  }
}

}  // namespace ota::http

// The thread that waits for edits of `config/` and drives a Folder.
//
// It watches the folder, not the files: editors write a new file and rename it over the old one,
// and a watch on the file would stay with the old inode. After the first event it waits until
// nothing has happened for a moment (a save is several events), but never longer than the promise
// allows.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/file.h"
#include "config/config.h"
#include "config/folder.h"

namespace ota::config {
namespace {

constexpr int kQuietMs = 40;
constexpr int kLongestQuietMs = 200;
constexpr int kPollMs = 250;  // without inotify
constexpr int kReviewMs =
    30000;  // with it: what it cannot see (a network file system, a link's end)
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                  IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

class FolderEvents {
 public:
  explicit FolderEvents(std::filesystem::path path)
      : path_(std::move(path)), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    arm();
  }
  // -1 where nothing is watched.
  int fd() const { return watch_ >= 0 ? inotify_.get() : -1; }

  void arm() {
    if (inotify_ && watch_ < 0) {
      watch_ = ::inotify_add_watch(inotify_.get(), path_.c_str(), kEvents);
    }
  }

  // Reads what has come. A folder that was moved or removed is no longer watched.
  void drain() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    while (true) {
      const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0 && watch_ >= 0) {
          ::inotify_rm_watch(inotify_.get(), watch_);
          watch_ = -1;
        }
        at += sizeof(inotify_event) + event->len;
      }
    }
  }

 private:
  std::filesystem::path path_;
  FileDescriptor inotify_;
  int watch_ = -1;
};

}  // namespace

struct Watcher::Impl {
  Impl(Folder watched, Changed called)
      : changed(std::move(called)),
        folder(std::move(watched)),
        events(folder.root() / "config"),
        stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread([this] { run(); }) {}
  ~Impl() {
    const std::uint64_t one = 1;
    while (::write(stop.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread.join();
  }

  void run() {
    look();
    while (true) {
      const bool watched = events.fd() >= 0;
      if (!wait(watched ? kReviewMs : kPollMs)) return;
      if (watched && heard) {
        if (!settle()) return;
        look();
      } else {
        events.arm();
        if (folder.looks_changed()) look();
      }
    }
  }

  // False where the watcher shall end; `heard` tells whether the folder had an event.
  bool wait(int timeout_ms) {
    std::array<pollfd, 2> sources{{{stop.get(), POLLIN, 0}, {events.fd(), POLLIN, 0}}};
    const int ready = ::poll(sources.data(), sources.size(), timeout_ms);
    heard = ready > 0 && (sources[1].revents & POLLIN) != 0;
    return ready <= 0 || (sources[0].revents & POLLIN) == 0;
  }

  bool settle() {
    for (int waited = 0; waited < kLongestQuietMs; waited += kQuietMs) {
      events.drain();
      if (!wait(kQuietMs)) return false;
      if (!heard) return true;
    }
    events.drain();
    return true;
  }

  void look() {
    if (folder.refresh()) changed(folder.in_force(), folder.problems());
  }

  Changed changed;
  Folder folder;
  FolderEvents events;
  FileDescriptor stop;
  bool heard = false;
  std::thread thread;  // last: it uses all of the above
};

Watcher::Watcher(Folder folder, Changed changed)
    : impl_(std::make_unique<Impl>(std::move(folder), std::move(changed))) {}

Watcher::~Watcher() = default;

}  // namespace ota::config

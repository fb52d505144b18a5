// Downloads of DDI clients: which bytes of an image each device has been sent, and whose turn it
// is.
//
// An answer other than 200, 206 or 416 ends an update as failed, so a device that asks for too much
// at once is not refused: its further downloads wait until one of its others has ended. Coverage is
// kept as ranges, since streaming clients fetch in pieces of their own choice.
//
// Thread: any. `fetched` is called on io threads.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "fleet/ddi_machine.h"
#include "http/message.h"

namespace ota::ddi {

// Which parts of [0, size) have been seen. Pieces beyond a bound of gaps are forgotten: they are
// fetched again before it is whole.
class Coverage {
 public:
  void add(std::uint64_t first, std::uint64_t length);
  std::uint64_t prefix() const;  // without a gap from 0
  void clear() { ranges_.clear(); }

 private:
  static constexpr std::size_t kMostRanges = 4096;
  std::map<std::uint64_t, std::uint64_t> ranges_;  // first -> end, apart from each other
};

class Transfers : public std::enable_shared_from_this<Transfers> {
 public:
  struct Key {
    std::string device;
    std::uint64_t action = 0;
    auto operator<=>(const Key&) const = default;
  };
  using Fetched = std::function<void(const Key&, const fleet::DdiFetch&)>;
  explicit Transfers(Fetched fetched) : fetched_(std::move(fetched)) {}

  // Calls `begin` with the watch of a transfer, now or when it is the device's turn. `seen`: how
  // much of it was fetched before the server's start. False where too many wait already.
  bool start(const Key& key, std::uint64_t size, std::uint64_t seen, std::uint32_t at_once,
             std::function<void(std::shared_ptr<http::FileWatch>)> begin);
  // No turn comes any more: what waits is let go.
  void close();

 private:
  static constexpr std::size_t kMostWaiting = 16;
  static constexpr std::size_t kMostImages = 20000;
  class Watch;
  struct Image {
    Coverage coverage;
    std::uint64_t size = 0;
    int told_percent = -1;
  };
  struct Waiting {
    Key key;
    std::function<void(std::shared_ptr<http::FileWatch>)> begin;
  };
  struct Device {
    std::uint32_t running = 0;
    std::deque<Waiting> waiting;
  };

  void sent(const Key& key, std::uint64_t first, std::uint64_t length);
  void ended(const Key& key);

  const Fetched fetched_;
  Mutex mutex_;
  std::map<Key, Image> images_ OTA_GUARDED_BY(mutex_);
  std::map<std::string, Device> devices_ OTA_GUARDED_BY(mutex_);
  bool closed_ OTA_GUARDED_BY(mutex_) = false;
};

}  // namespace ota::ddi

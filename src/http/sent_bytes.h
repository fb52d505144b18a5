// Counts what is sent of files, for whoever asked: told in sums, each so often and at the end of a
// transfer.
//
// Thread: any. `tell` is called on io threads, and no more once the counter is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/message.h"

namespace ota::http {

class SentBytes : public std::enable_shared_from_this<SentBytes> {
 public:
  using Tell = std::function<void(const std::string& who, std::uint64_t bytes)>;
  // `clock` outlives what watch() has given.
  SentBytes(const Clock& clock, Tell tell) : clock_(clock), tell_(std::move(tell)) {}

  // For a file that `who` is sent. `inner`: another one that follows it; may be none.
  std::shared_ptr<FileWatch> watch(std::string who, std::shared_ptr<FileWatch> inner = nullptr);

 private:
  static constexpr milliseconds kTold{2000};
  class Watch;

  const Clock& clock_;
  const Tell tell_;
};

}  // namespace ota::http

// What happened in a world, line by line: a hash of all of it, and the lines themselves where
// somebody reads them.
//
// Two runs of a seed have one hash. Thread: the world's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "world/timeline.h"

namespace ota::world {

class Trace {
 public:
  enum class Keep : std::uint8_t { kHash, kLines };
  Trace(const Timeline& timeline, Keep keep) : timeline_(timeline), keep_(keep) {}

  // `where`: a machine; `what`: a line without bytes that come from cryptography's own randomness.
  void add(std::string_view where, std::string_view what) {
    const auto at = std::chrono::duration_cast<milliseconds>(timeline_.now().time_since_epoch());
    mix(static_cast<std::uint64_t>(at.count()));
    mix(where);
    std::string clean;
    if (!hidden_.empty() && what.find(hidden_) != std::string_view::npos) {
      clean = what;
      for (auto found = clean.find(hidden_); found != std::string::npos;
           found = clean.find(hidden_))
        clean.replace(found, hidden_.size(), "~");
      what = clean;
    }
    mix(what);
    ++count_;
    if (keep_ == Keep::kLines)
      lines_.push_back(stamp(at) + " " + std::string(where) + ": " + std::string(what));
  }
  // A folder whose name is another one in each run.
  void hide(std::string folder) { hidden_ = std::move(folder); }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t count() const { return count_; }
  const std::vector<std::string>& lines() const { return lines_; }
  bool keeps_lines() const { return keep_ == Keep::kLines; }

  // "+01:02:03.004"
  static std::string stamp(milliseconds at) {
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    const std::int64_t ms = at.count();
    std::string millis = std::to_string(ms % 1000);
    millis.insert(0, 3 - millis.size(), '0');
    return "+" + two(ms / 3'600'000) + ":" + two(ms / 60'000 % 60) + ":" + two(ms / 1000 % 60) +
           "." + millis;
  }

 private:
  void mix(std::string_view text) {
    for (const char c : text)
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash_ = (hash_ ^ 0xffU) * 0x100000001b3U;
  }
  void mix(std::uint64_t number) {
    hash_ = (hash_ ^ number) * 0x9e3779b97f4a7c15U;
    hash_ ^= hash_ >> 29;
  }

  const Timeline& timeline_;
  Keep keep_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  std::uint64_t count_ = 0;
  std::string hidden_;
  std::vector<std::string> lines_;
};

}  // namespace ota::world

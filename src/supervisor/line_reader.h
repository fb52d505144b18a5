// Cuts a byte stream into printable lines and keeps the last of them. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ota::supervisor {

class LineReader {
 public:
  explicit LineReader(std::size_t lines_kept) : lines_kept_(lines_kept) {}

  // True where at least one line was completed. A line longer than kMaxLine is cut there.
  bool feed(std::string_view bytes);
  // A line of the supervisor's own among the child's.
  void add(std::string line);
  // Ends an unfinished last line, when the stream ends.
  void finish();
  std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

  static constexpr std::size_t kMaxLine = 512;  // wider than any screen

 private:
  std::size_t lines_kept_;
  std::string partial_;
  std::deque<std::string> lines_;
};

}  // namespace ota::supervisor

#include "supervisor/line_reader.h"

#include "base/text.h"

namespace ota::supervisor {

bool LineReader::feed(std::string_view bytes) {
  bool completed = false;
  for (const char c : bytes) {
    if (c != '\n' && partial_.size() < kMaxLine) {
      if (c != '\r') partial_ += c;
      continue;
    }
    finish();
    completed = true;
    if (c != '\n') partial_ += c;
  }
  return completed;
}

void LineReader::add(std::string line) {
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_kept_) lines_.pop_front();
}

void LineReader::finish() {
  if (partial_.empty()) return;
  add(printable(partial_, kMaxLine));
  partial_.clear();
}

}  // namespace ota::supervisor

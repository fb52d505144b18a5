// Where pictures go and keys come from: a real terminal, or nothing but memory.
//
// Thread: UI only.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "console/canvas.h"

namespace ota::console {

// Bytes that copy() takes: what xterm and tmux do at least. An event with all its readings has a
// tenth of it.
inline constexpr std::size_t kMostCopied = 64U << 10;

class Screen {
 public:
  virtual ~Screen() = default;
  // A descriptor that becomes readable when keys are there; -1: none.
  virtual int input() const = 0;
  virtual Size size() = 0;
  // Shows the picture; nothing is sent where it equals the last one. Returns for how long the
  // sending blocked.
  virtual milliseconds present(const Canvas& canvas) = 0;
  // The terminal's size may have changed.
  virtual void resized() = 0;
  // Draws all anew at the next present().
  virtual void forget() = 0;
  // Into the terminal's clipboard (OSC 52), where it takes it.
  virtual void copy(std::string_view text) = 0;
  // Gives the terminal back, stops the process group, and takes the terminal again after SIGCONT.
  virtual void suspend() = 0;
};

// For scripts and tests: has a size, and keeps the last picture.
class MemoryScreen final : public Screen {
 public:
  explicit MemoryScreen(Size size) : size_(size) {}
  int input() const override { return -1; }
  Size size() override { return size_; }
  milliseconds present(const Canvas& canvas) override {
    shown_ = canvas;
    return milliseconds(0);
  }
  void resized() override {}
  void forget() override {}
  void copy(std::string_view) override {}
  void suspend() override {}

  void resize(Size size) { size_ = size; }
  const Canvas& shown() const { return shown_; }

 private:
  Size size_;
  Canvas shown_{{0, 0}, Charset::kUnicode};
};

}  // namespace ota::console

// The console's loop: one poll() over the terminal, the signals and the inbox; frames at a bounded
// rate.
//
// It sleeps until a key, a signal, a change of the model, or the next full second of the clock. A
// key is shown at once (ten frames a second while it is held), a change of the model at most four
// times a second, and a picture that equals the last one is not sent. A terminal that takes longer
// than 50 ms for a frame gets half as many. Thread: UI only, which is the one that has
// block_signals()' signals to itself.
#pragma once

#include <memory>
#include <vector>

#include "console/key.h"
#include "console/screen.h"
#include "console/ui.h"

namespace ota::console {

// Lets `burst` frames through at once and `per_second` in the long run.
class FrameLimiter {
 public:
  FrameLimiter(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}
  // True where a frame may be drawn at `now`; it is then counted.
  bool take(MonoTime now);
  // How long until take() may say yes.
  milliseconds wait(MonoTime now);

 private:
  void refill(MonoTime now);
  double per_second_;
  double burst_;
  double tokens_;
  MonoTime last_{};
};

// What drives a console without a terminal; see script.h.
class App;
class Driver {
 public:
  virtual ~Driver() = default;
  // Called when the loop has nothing to do: does what it can. None: go on, and call again after
  // `patience()`; else the exit code.
  virtual std::optional<int> advance(App& app) = 0;
};

class App {
 public:
  App(Ui& ui, Screen& screen, std::shared_ptr<Inbox> inbox, const Clock& clock);

  // Until quit, SIGTERM, SIGINT or hang-up; returns the exit code. `driver` may be null.
  int run(Driver* driver);

  // -- for drivers --
  // Bytes as if typed; they go through the key decoder.
  void type(std::string_view bytes);
  // An ESC that was typed stands alone.
  void end_escape();
  void draw_now();
  bool ended() const { return exit_.has_value(); }

 private:
  void read_keys();
  void read_signals();
  void take_keys(const std::vector<Key>& keys);
  void apply_effects();
  void draw_if_due();
  milliseconds patience() const;

  Ui& ui_;
  Screen& screen_;
  std::shared_ptr<Inbox> inbox_;
  const Clock& clock_;
  FileDescriptor signals_;
  KeyDecoder decoder_;
  MonoTime escape_deadline_{};
  FrameLimiter key_frames_{10, 8};
  bool key_pending_ = true;
  bool model_pending_ = true;
  // Changes of the model are looked for this long after a frame; longer where the terminal is slow.
  milliseconds interval_{300};
  MonoTime look_at_{};
  bool armed_ = false;
  std::int64_t shown_second_ = 0;
  std::optional<int> exit_;
};

}  // namespace ota::console

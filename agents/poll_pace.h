// How fast the loop that polls for commands may go, whatever the server does.
//
// A poll that fails, or that is answered with nothing long before the time that was asked for, is
// followed by a pause that doubles: a server in trouble is left alone, and two devices that
// displace each other's poll, or a server that answers at once, make nobody spin. Polls that bring
// commands have a floor in time. And commands that change what the device must save have a budget,
// so that no server wears its flash out: beyond it the device asks less often, and what it is asked
// meanwhile waits at the server.
//
// Pure. Thread: one at a time.
#pragma once

#include <cstdint>

#include "agents/backoff.h"
#include "base/clock.h"

namespace ota::agent {

struct PollLimits {
  milliseconds wait{30000};  // that the server is asked to hold a poll
  milliseconds first_pause{500};
  milliseconds longest_pause{30000};
  // Of polls that bring commands: so many at once, and one more each `floor`.
  unsigned burst = 10;
  milliseconds floor{1000};
  // Of commands that change the saved state. An update changes it about five times and takes a
  // minute at least, so an honest server never comes near: 2,880 a day.
  unsigned changes = 30;
  milliseconds change_every{30000};
};

class PollPace {
 public:
  PollPace(const PollLimits& limits, std::uint32_t seed)
      : limits_(limits),
        failing_(limits.first_pause, limits.longest_pause, seed),
        early_(limits.first_pause, limits.longest_pause, seed + 1) {}

  // Each says how long to pause before the next poll. `now`: when the answer was there.
  milliseconds failed() { return failing_.next(); }
  // An answer without a command, `took` after it was asked for.
  milliseconds nothing(milliseconds took);
  // An answer with commands, `changes` of which changed the saved state.
  milliseconds commands(unsigned changes, MonoTime now);

 private:
  // Tokens that come back one each `every`, to at most `most`; debt is paid by waiting.
  struct Bucket {
    double left = 0;
    milliseconds wait_for(double taken, unsigned most, milliseconds every, milliseconds passed);
  };

  PollLimits limits_;
  Backoff failing_;
  Backoff early_;
  bool any_ = false;
  MonoTime counted_{};
  Bucket polls_;
  Bucket changes_;
};

}  // namespace ota::agent

// Bytes to a terminal that may have stopped reading: a stalled ssh, a terminal that hangs.
//
// An ordinary write() waits there for ever, and with it all that the thread should hear: the signal
// that asks it to end, too. So the terminal is opened once more, without blocking. The flag is then
// this descriptor's own: a dup() would share it with the shell that started us.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/file.h"

namespace ota::console {

// Another descriptor of this terminal that never blocks. Where the system refuses one (the
// terminal of another user, after su), a copy that does.
FileDescriptor open_output(int tty);

enum class Sent : std::uint8_t { kAll, kInterrupted, kLate, kGone };

inline constexpr milliseconds kNoLimit{-1};

// Sends everything, in one write() where there is room for it. Gives up once `limit` has passed
// or `interrupt` (-1: none) is readable while the terminal takes nothing. Async-signal-safe.
Sent send_bytes(int fd, std::string_view bytes, milliseconds limit, int interrupt = -1);

}  // namespace ota::console

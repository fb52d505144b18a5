// How often a program writes to its terminal, seen from outside: the kernel tells its tracer of
// every call.
#pragma once

#include "tests/support/pty.h"

namespace ota::test {

// Watches the program's main thread for this long, reading its terminal meanwhile. Throws where the
// system lets nobody trace.
long count_tty_writes(Pty& pty, milliseconds span);

}  // namespace ota::test

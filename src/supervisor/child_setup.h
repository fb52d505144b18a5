// What a child of ours needs between fork and exec: async-signal-safe calls only.
//
// Boost.Process v2 leaves the parent's signal mask (we block all that the screen reads), its
// process group and its descriptors to the child; this initializer takes all three away and asks
// for a signal when the parent's thread ends.
#pragma once

#include <sys/types.h>

namespace ota::supervisor {

// In the child. Clears the signal mask and ignored signals, makes a process group of its own, asks
// for SIGTERM when the forking thread dies, marks every descriptor above standard error
// close-on-exec. False: `parent` is gone already.
bool set_up_child(pid_t parent) noexcept;

}  // namespace ota::supervisor

// `ota-console --headless`: the same server and agents, without a terminal.
#pragma once

#include "base/clock.h"
#include "main/host.h"

namespace ota::main {

// Prints `ready https://ADDR:PORT` when it serves and logs events to standard error until SIGTERM,
// SIGINT or SIGHUP. The signals must be blocked already. Exit code: 0 after an ordered end, 1 where
// it could not start.
int run_headless(const HostOptions& options, const Clock& clock);

}  // namespace ota::main

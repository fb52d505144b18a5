// ota-agent's commands beside `run`: each prints its result and returns the exit status.
//
// Exit status: 0 done, 1 failed, 2 usage.
#pragma once

#include "agents/options.h"

namespace ota::agent {

int join_command(const Options& options);
int status_command(const Options& options);

}  // namespace ota::agent

// Secrets from a person or a file, never from the command line, where other users could read them.
#pragma once

#include <string>

#include "base/result.h"

namespace ota::cli {

// Asked for at the terminal without echo, whatever standard input is; twice where it is new.
// A usage error where there is no terminal.
enum class Asked { kOnce, kTwice };
Result<std::string> ask_passphrase(const std::string& what, Asked asked);

struct Context;
// Whether the file of --passphrase-file, where one is given, can be read: known before anything is
// asked or written.
Result<void> check_passphrase_file(const Context& context);

// The first line of a file that only its owner can read.
Result<std::string> passphrase_from_file(const std::string& path);

}  // namespace ota::cli

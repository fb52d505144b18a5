// The one place where otactl asks a person before it does what cannot be taken back.
//
// It fails closed: only a yes of a person, or --yes beforehand, goes on. A standard input that is
// no terminal (a pipe, /dev/null, a service) is nobody to ask, so nothing is done and the program
// ends with the exit code of usage. Passphrases are asked for in passphrase.h. Thread: one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace ota::cli {

enum class Answer { kYes, kNo, kNobody };  // kNobody: there is no terminal to ask at
using Ask = std::function<Answer(const std::string& question)>;

// None: it was confirmed, go on. Else nothing may be done and the command ends with this code;
// `nothing_done` ("Nothing was signed.") has been said.
std::optional<ExitCode> unless_confirmed(Context& context, const std::string& question,
                                         std::string_view nothing_done = "Nothing was done.");

}  // namespace ota::cli

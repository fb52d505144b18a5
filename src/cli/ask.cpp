#include "cli/ask.h"

#include "cli/context.h"

namespace ota::cli {

std::optional<ExitCode> unless_confirmed(Context& context, const std::string& question,
                                         std::string_view nothing_done) {
  if (context.arguments.has("--yes")) return std::nullopt;
  switch (context.ask(question)) {
    case Answer::kYes:
      return std::nullopt;
    case Answer::kNo:
      context.out.line(nothing_done);
      return ExitCode::kError;
    case Answer::kNobody:
      break;
  }
  context.out.problem("nobody can be asked, since standard input is no terminal: " + question,
                      std::string(nothing_done) + " --yes answers beforehand.");
  return ExitCode::kUsage;
}

}  // namespace ota::cli

#include "cli/run.h"

#include <exception>
#include <ostream>

namespace ota::cli {

std::string hint_for(const Error& error, const Globals& globals) {
  if (error.code == Errc::kUnavailable) {
    return "Start it with: ota-console --root " + globals.root +
           "   (or name another one with --server URL)";
  }
  if (error.code == Errc::kConflict && error.context.find("ota.db") != std::string::npos) {
    return "The console has the database open; leave out --offline and ask it instead.";
  }
  return {};
}

namespace {

ExitCode run_command(const Invocation& invocation, const World& world, Output& out) {
  const Globals& globals = invocation.globals;
  const std::unique_ptr<Api> api = world.open_api(globals.root, globals.server);
  Context context{.arguments = invocation.arguments,
                  .out = out,
                  .api = *api,
                  .clock = world.clock,
                  .root = globals.root,
                  .in = world.in,
                  .ask = world.ask,
                  .interrupted = [&] { return out.lost() || world.interrupted(); },
                  .wait = world.wait};
  const Result<ExitCode> done = invocation.command->run(context);
  out.flush();
  if (done) return *done;
  if (is_usage_error(done.error())) {
    out.problem(done.error().text(),
                "Try: otactl " + std::string(invocation.command->name) + " --help");
    return ExitCode::kUsage;
  }
  out.problem(done.error().text(), hint_for(done.error(), globals));
  return ExitCode::kError;
}

}  // namespace

int run(std::span<const std::string> words, const World& world) {
  try {
    const Invocation invocation = parse(words, world.environment, commands());
    Output out(world.out, world.err, invocation.globals.json ? Format::kJson : Format::kText,
               world.colour);
    ExitCode code = invocation.code;
    if (invocation.command != nullptr) {
      code = run_command(invocation, world, out);
    } else if (code == ExitCode::kDone) {
      out.raw(invocation.text);
      out.flush();
    } else {
      world.err << invocation.text;
    }
    if (!out.lost()) return static_cast<int>(code);
    if (const std::string why = out.why_lost(); !why.empty()) {
      world.err << "otactl: standard output: " << why << "; the answer is not complete\n";
    }
    return static_cast<int>(code == ExitCode::kDone ? ExitCode::kError : code);
  } catch (const std::exception& error) {
    world.err << "otactl: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kError);
  }
}

}  // namespace ota::cli

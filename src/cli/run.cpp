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

int run(std::span<const std::string> words, const World& world) {
  try {
    const Invocation invocation = parse(words, world.environment, commands());
    if (invocation.command == nullptr) {
      (invocation.code == ExitCode::kDone ? world.out : world.err) << invocation.text;
      return static_cast<int>(invocation.code);
    }
    const Globals& globals = invocation.globals;
    Output out(world.out, world.err, globals.json ? Format::kJson : Format::kText, world.colour);
    const std::unique_ptr<Api> api = world.open_api(globals.root, globals.server);
    Context context{.arguments = invocation.arguments,
                    .out = out,
                    .api = *api,
                    .clock = world.clock,
                    .root = globals.root,
                    .in = world.in,
                    .confirm = world.confirm,
                    .interrupted = world.interrupted,
                    .wait = world.wait};
    const Result<ExitCode> done = invocation.command->run(context);
    out.flush();
    if (done) return static_cast<int>(*done);
    if (is_usage_error(done.error())) {
      out.problem(done.error().text(),
                  "Try: otactl " + std::string(invocation.command->name) + " --help");
      return static_cast<int>(ExitCode::kUsage);
    }
    out.problem(done.error().text(), hint_for(done.error(), globals));
    return static_cast<int>(ExitCode::kError);
  } catch (const std::exception& error) {
    world.err << "otactl: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kError);
  }
}

}  // namespace ota::cli

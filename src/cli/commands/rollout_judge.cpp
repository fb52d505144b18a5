// otactl rollout judge: a recorded rollout through the code that judges live ones. Needs no server.
#include <charconv>
#include <fstream>

#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "config/config.h"
#include "rollout/recording.h"

namespace ota::cli {
namespace {

Result<double> number_between(const std::string& option, std::string_view text, double least,
                              double most) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() ||
      !(value >= least && value <= most)) {
    return usage_error(option + " " + std::string(text) + ": not a number from " +
                       format_number(least, 3) + " to " + format_number(most, 3));
  }
  return value;
}

Result<void> take_options(Context& context, rollout::RecordingOptions& options) {
  if (context.arguments.has("--alpha")) {
    const auto alpha = number_between("--alpha", context.arguments.text("--alpha"),
                                      rollout::kLeastAlpha, rollout::kMostAlpha);
    if (!alpha) return alpha.error();
    options.alpha = *alpha;
  }
  for (const std::string& given : context.arguments.list("--margin")) {
    const std::size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0) {
      return usage_error("--margin " + given + ": METRIC=NUMBER is taken, such as cpu=3");
    }
    const auto margin =
        number_between("--margin", given.substr(equals + 1), 0, rollout::kLargestMargin);
    if (!margin) return margin.error();
    options.margins[given.substr(0, equals)] = *margin;
  }
  return {};
}

Result<ExitCode> run_rollout_judge(Context& context) {
  const std::string file = context.arguments.text("FILE");
  rollout::RecordingOptions options;
  if (auto taken = take_options(context, options); !taken) return taken.error();
  options.thresholds = config::load(context.root).value.thresholds;
  std::ifstream from_file;
  if (file != "-") {
    from_file.open(file, std::ios::binary);
    if (!from_file) return fail_errno(errno, file);
  }
  std::istream& in = file == "-" ? context.in : from_file;
  options.write = [&](std::string_view line) {
    context.out.json_text(line);
    if (in.rdbuf()->in_avail() <= 0) context.out.flush();   // whoever feeds us waits for it
    if (context.out.lost()) in.setstate(std::ios::eofbit);  // nobody reads it: enough
  };
  options.note = [&](std::string_view what) {
    context.out.warning(file + ": " + std::string(what) + "; passed over");
  };
  const auto summary = rollout::judge_recording(in, options);
  if (!summary) return summary.error().within(file);
  return summary->halted ? ExitCode::kHalted : ExitCode::kDone;
}

}  // namespace

Command rollout_judge_command() {
  return {
      .name = "rollout judge",
      .summary = "judge a recorded rollout as a live one is judged",
      .details =
          "FILE is JSON Lines in the order of time: who took part, offers, confirmations, "
          "failures, "
          "restarts and the means of each minute (src/rollout/README.md has the format). One line "
          "of JSON for each look and for a halt, then a summary; no line depends on a later row. "
          "Exit code 6: it would have halted.",
      .positionals = {{"FILE", "a recording; - for standard input"}},
      .options =
          {{"--alpha", "A", "chance of a false halt in the whole rollout (recorded; 0.01)"},
           {"--margin", "METRIC=M",
            "least effect that counts, in the metric's unit (recorded); may be given again"}},
      .examples = {{"otactl rollout judge ro-000007.jsonl", "would it halt, when, and why?"},
                   {"otactl rollout judge ro-000007.jsonl --alpha 0.05 --margin cpu=3",
                    "and with other settings?"}},
      .run = &run_rollout_judge};
}

}  // namespace ota::cli

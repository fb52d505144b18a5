// otactl device ID: all about one device, the verdict and the gate explained.
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

void print_facts(Output& out, const Json& facts) {
  Table table({{"FACT"}, {"VERSION"}, {"SHA-256"}});
  for (const char* fact : {"assigned", "written", "booted", "confirmed"}) {
    const Json& image = object_at(facts, fact);
    table.add({fact, version_of(image), dash(text_at(image, "sha256").substr(0, 16))});
  }
  out.table(table);
}

void print_verdict(Output& out, const Json& verdict, WallTime now) {
  const std::string level = text_at(verdict, "level", "unknown");
  out.line("Verdict: " + level + " (" + text_at(verdict, "label", "no telemetry") + "), risk " +
               format_number(number_at(verdict, "risk"), 0) + " of 100, for " +
               age_of(verdict, "since", now),
           tone_of(level));
  if (const std::string sentence = text_at(verdict, "sentence"); !sentence.empty()) {
    out.line("  " + sentence);
  }
  for (const Json& signal : list_at(verdict, "signals"))
    out.line("  " + text_at(signal, "text"));
  if (const std::string clear = text_at(verdict, "would_clear"); !clear.empty()) {
    out.line("  would clear: " + clear);
  }
}

Result<ExitCode> run_device(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto answer = context.api.get("/v1/devices/" + url_escape(id));
  if (!answer) return answer.error();
  context.out.document(*answer);
  Output& out = context.out;
  const WallTime now = context.clock.wall();
  const Json& row = object_at(*answer, "row");
  out.line(text_at(row, "id", id) + ": " + text_at(row, "state"), tone_of(text_at(row, "state")));
  out.line("Model " + dash(text_at(row, "hardware")) + ", group " + dash(text_at(row, "group")) +
           ", seen " + age_of(row, "last_seen", now) + " ago" +
           (is_set(row, "revoked") ? ", REVOKED" : "") +
           (is_set(row, "enrolled") ? "" : ", not enrolled"));
  out.line("CPU " + metric_of(row, "cpu", " %") + ", memory " + metric_of(row, "mem", " %") +
           ", disk " + metric_of(row, "disk", " %") + ", temperature " +
           metric_of(row, "temp", " C"));
  out.line("");
  print_facts(out, object_at(row, "facts"));
  out.line("");
  print_verdict(out, object_at(*answer, "verdict"), now);
  if (const Json& gate = object_at(*answer, "gate"); !gate.empty()) {
    out.line("");
    out.line("If v" + text_at(gate, "version") + " were pushed now:");
    print_decision(out, gate, Checks::kAll);
  }
  if (const Json& jobs = list_at(*answer, "jobs"); !jobs.empty()) {
    out.line("");
    out.table(job_table(jobs, now));
  }
  return ExitCode::kDone;
}

}  // namespace

Command device_command() {
  return {
      .name = "device",
      .summary = "all about one device: facts, verdict and gate explained, its jobs",
      .details = "",
      .positionals = {{"ID", "the device"}},
      .options = {},
      .examples = {{"otactl device iot-002", "why is it refused, and what would have to change"}},
      .run = &run_device};
}

}  // namespace ota::cli

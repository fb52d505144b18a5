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

// What its DDI client said: attributes, and the log of its last update with ERROR lines first.
void print_ddi_client(Output& out, const Json& answer) {
  const Json& client = object_at(object_at(answer, "record"), "ddi");
  if (client.empty()) return;
  out.line("");
  out.line("Updated over DDI by " + dash(text_at(client, "name")));
  for (const auto& [key, value] : object_at(client, "attributes").items()) {
    if (value.is_string()) {
      out.line("  " + printable(key, 128) + " = " + printable(value.get<std::string>(), 128));
    }
  }
  const Json& log = list_at(answer, "ddi_log");
  if (log.empty()) return;
  out.line("Log of its last update, errors first, then the newest line:");
  for (const Json& line : log) {
    if (line.is_string()) out.line("  " + printable(line.get<std::string>(), 512));
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
  if (const std::string notes = text_at(object_at(*answer, "spec"), "notes"); !notes.empty()) {
    out.line("Notes: " + notes);
  }
  out.line("CPU " + metric_of(row, "cpu", " %") + ", memory " + metric_of(row, "mem", " %") +
           ", disk " + metric_of(row, "disk", " %") + ", temperature " +
           metric_of(row, "temp", " C"));
  out.line("");
  print_facts(out, object_at(row, "facts"));
  out.line("");
  Json verdict = object_at(*answer, "verdict");
  if (!is_set(row, "online")) verdict.erase("risk");  // of the last sample, which may be old
  print_verdict(out, verdict, now);
  if (const Json& gate = object_at(*answer, "gate"); !gate.empty()) {
    out.line("");
    out.line("If v" + text_at(gate, "version") + " were pushed now:");
    print_decision(out, gate, Checks::kAll);
  }
  print_ddi_client(out, *answer);
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

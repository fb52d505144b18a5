// otactl status: is the server up, is the state sound, how is the fleet.
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

std::string count_line(const Json& counts) {
  const auto number = [&](const char* key) { return std::to_string(count_at(counts, key)); };
  return number("devices") + " devices, " + number("online") + " online: " + number("stable") +
         " stable, " + number("watch") + " watch, " + number("critical") + " critical, " +
         number("unknown") + " unknown; " + number("updating") + " updating, " + number("failed") +
         " failed, " + number("rolled_back") + " rolled back";
}

std::string version_line(const Json& versions) {
  std::string out;
  for (const auto& [version, devices] : versions.items()) {
    out.append(out.empty() ? "v" : ", v").append(version).append(" on ").append(devices.dump());
  }
  return printable(out);
}

void print_problems(Output& out, const Json& status) {
  const Json& store = object_at(status, "store");
  if (store.contains("writable") && !is_set(store, "writable")) {
    out.line("State: NOT SAVED: " + text_at(store, "problem") + "; no push is accepted",
             Tone::kBad);
  } else {
    out.line("State: saved");
  }
  if (const Json& stop = object_at(status, "stop"); !stop.empty()) {
    out.line("Updates: STOPPED by " + text_at(stop, "actor") + " at " + text_at(stop, "at") + ": " +
                 text_at(stop, "reason") + "; otactl resume lets them start again",
             Tone::kBad);
  }
  const Json& updates = object_at(status, "updates");
  const std::uint64_t saved = count_at(updates, "saved_bytes");
  if (const std::uint64_t sent = count_at(updates, "sent_bytes"); sent + saved > 0) {
    out.line("Sent: " + format_bytes(sent) + " of images in all; patches and packed images saved " +
             format_bytes(saved));
  }
  for (const Json& problem : list_at(status, "config_problems")) {
    out.line("Configuration: " + text_at(problem, "file") + ": " + text_at(problem, "message") +
                 "; the last good one is in force",
             Tone::kBad);
  }
  for (const Json& agent : list_at(status, "agents")) {
    out.line("Agent: " + text_at(agent, "id") + " " + text_at(agent, "phase") + ", " +
             std::to_string(count_at(agent, "restarts")) + " restarts");
  }
}

Result<ExitCode> run_status(Context& context) {
  const auto status = context.api.get("/v1/status");
  if (!status) return status.error();
  context.out.document(*status);
  const Json& server = object_at(*status, "server");
  std::string line = "Server: " + text_at(server, "phase", "up") + " at " +
                     text_at(server, "listen", context.api.where());
  if (!text_at(server, "started").empty()) {
    line += ", started " + age_of(server, "started", context.clock.wall()) + " ago";
  }
  context.out.line(line, Tone::kGood);
  if (const std::string print = text_at(server, "ca_fingerprint"); !print.empty()) {
    context.out.line("Authority: SHA-256 " + print);
  }
  const Json& counts = object_at(*status, "counts");
  context.out.line("Fleet: " + count_line(counts));
  if (const std::string versions = version_line(object_at(counts, "versions")); !versions.empty()) {
    context.out.line("Versions: " + versions);
  }
  print_problems(context.out, *status);
  return ExitCode::kDone;
}

}  // namespace

Command status_command() {
  return {.name = "status",
          .summary = "whether the server is up, the state is sound, and how the fleet is",
          .details = "",
          .positionals = {},
          .options = {},
          .examples = {{"otactl status", "of the console whose folder this is"},
                       {"otactl --server https://10.0.0.5:8443 --root /srv/ota status",
                        "of another host, with the certificates of /srv/ota/state/pki"}},
          .run = &run_status};
}

}  // namespace ota::cli

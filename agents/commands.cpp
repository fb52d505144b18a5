#include "agents/commands.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <thread>

#include "agents/agent.h"
#include "agents/config.h"
#include "agents/identity.h"
#include "agents/slot_store.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "model/sample_image.h"
#include "model/time_json.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr int kJoinTries = 5;

int complain(const Error& error) {
  std::fprintf(stderr, "ota-agent: %s\n", error.text().c_str());
  return 1;
}

std::string machine_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "generic";
}

// What `run` needs, for a device that was joined by hand.
Result<void> write_config(const Options& options, const std::string& device) {
  const fs::path file = options.dir / "config.json";
  std::error_code ignored;
  if (fs::exists(file, ignored)) return {};
  const Json document{{"device_id", device},
                      {"server", options.server},
                      {"hardware", options.hardware.empty() ? machine_name() : options.hardware},
                      {"status_port", 0},
                      {"profile", options.profile},
                      {"interval_ms", 1000},
                      {"dir", "."}};
  if (auto good = parse_config(document.dump(), file); !good) return good.error();
  return write_file_durably(file, document.dump(2) + "\n");
}

// What the folder says of the device, and whether exactly one slot would boot.
struct SlotReport {
  Json document;
  bool bootable = false;
};

Result<SlotReport> report_slots(const fs::path& dir) {
  std::error_code ignored;
  if (!fs::exists(dir / "slots", ignored))
    return fail(Errc::kNotFound, dir.string() + " holds no device yet");
  const auto store = SlotStore::open(dir / "slots");
  if (!store) return store.error();
  SlotReport report;
  report.document["slots"] = Json::object();
  const auto current = store->current();
  for (const Slot slot : {Slot::kA, Slot::kB}) {
    const auto image = store->image(slot);
    if (!image) return image.error();
    Json entry{{"image", nullptr}};
    if (*image) entry = Json{{"image", **image}, {"whole", store->check(slot).has_value()}};
    const bool boots = current && *current == slot;
    if (boots) report.bootable = *image && entry["whole"].get<bool>();
    entry["current"] = boots;
    report.document["slots"][std::string(letter(slot))] = std::move(entry);
  }
  report.document["bootable"] = report.bootable;
  return report;
}

}  // namespace

int join_command(const Options& options) {
  if (auto good = checked_server(options.server); !good) return complain(good.error());
  std::string code = options.code;
  if (code == "-") {
    if (::isatty(STDIN_FILENO) == 1) std::fputs("join code: ", stderr);
    std::getline(std::cin, code);
  }
  if (auto made = make_directories(options.dir, 0700); !made) return complain(made.error());
  Identity identity(options.dir, this_process().connect);
  if (identity.enrolled()) {
    return complain(fail(Errc::kExists,
                         options.dir.string() +
                             " is enrolled already; remove its identity folder to enrol it anew"));
  }
  auto device = identity.join(options.server, code, options.device, kAgentName);
  // A server that says when it has time for us is asked again then; one that says nothing is not.
  for (int again = 0; !device && identity.told_to_wait() > seconds(0) && again < kJoinTries;
       ++again) {
    std::fprintf(stderr, "ota-agent: %s; again in %s\n", device.error().text().c_str(),
                 format_age(identity.told_to_wait()).c_str());
    std::this_thread::sleep_for(identity.told_to_wait());
    device = identity.join(options.server, code, options.device, kAgentName);
  }
  if (!device) return complain(device.error());
  if (auto written = write_config(options, *device); !written) return complain(written.error());
  std::printf("joined as %s\nrun it with: ota-agent run --dir %s\n", device->c_str(),
              options.dir.c_str());
  return 0;
}

int status_command(const Options& options) {
  const auto config = load_config(options.config);
  if (!config) return complain(config.error());
  auto slots = report_slots(config->dir);
  if (!slots) return complain(slots.error());
  const Identity identity(config->dir, this_process().connect);
  const auto term = identity.term();
  Json document = std::move(slots->document);
  document["device_id"] = config->device_id;
  document["enrolled"] = identity.enrolled();
  document["certificate_ends"] = term ? Json(format_rfc3339(term->ends)) : Json(nullptr);
  if (options.json) {
    std::printf("%s\n", document.dump(2).c_str());
    return slots->bootable ? 0 : 1;
  }
  std::printf("device       %s (%s)\n", config->device_id.c_str(), config->hardware.c_str());
  std::printf("server       %s\n", config->server.c_str());
  std::printf("certificate  %s\n",
              term ? ("until " + format_rfc3339(term->ends, Fraction::kNone)).c_str() : "none");
  for (const auto& [name, slot] : document["slots"].items()) {
    std::string line = "empty";
    if (slot.contains("whole")) {
      line = slot["image"]["version"].get<std::string>();
      if (!slot["whole"].get<bool>()) line += "  DAMAGED";
    }
    if (slot["current"].get<bool>()) line += "  boots";
    std::printf("slot %s       %s\n", name.c_str(), line.c_str());
  }
  return slots->bootable ? 0 : 1;
}

}  // namespace ota::agent

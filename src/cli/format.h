// How a device, a job, an event or a decision of the server's answers reads in one line or table.
// Pure; any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/table.h"

namespace ota::cli {

inline constexpr std::size_t kMaxCell = 48;
// The text of a member as a cell of a table.
std::string cell(const Json& object, const char* key);
// "-" for what is absent.
std::string dash(const std::string& text);
// A fact's version ("v2.1.4") or "-".
std::string version_of(const Json& image);
// "12.5 %" and "44 C": the last sample's value; "-" where it has none or is no longer true, since
// the device is silent.
std::string metric_of(const Json& row, const char* metric, std::string_view unit);
// "17": the device's risk; "-" while it is silent.
std::string risk_of(const Json& row);
// The age of a stored time ("12s", "3h04"), "never" for none.
std::string age_of(const Json& object, const char* key, WallTime now);
// "14:03:22Z" today, else "2026-08-20T14:03:22Z": UTC, as everywhere.
std::string time_text(WallTime time, WallTime now);

Table job_table(const Json& jobs, WallTime now);
// "14:03:22Z  #214  warning  iot-002  BLOCKED → OTA for iot-002 rejected (Risk: High Load)"
std::string event_line(const Json& event, WallTime now);
// The verdict with its sentence, each signal with how rare it is and its share of the score, and
// what would clear it; without "risk", "-" in its place. `now`: what ages are told against.
void print_verdict(Output& out, const Json& verdict, WallTime now);
// The gate's answer for a device: the headline, then each check that did not pass. `kAll` also
// those that did.
enum class Checks { kOnlyReasons, kAll };
void print_decision(Output& out, const Json& decision, Checks checks);

}  // namespace ota::cli

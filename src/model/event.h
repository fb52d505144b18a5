// Something that an operator or an auditor may want to know later. Events are the entries of a log
// that others can verify (store/event_document.h, audit/).
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/json_numbers.h"
#include "model/enum_text.h"

namespace ota::model {

enum class Severity : std::uint8_t { kInfo, kNotice, kWarning, kError };
inline constexpr EnumTable<Severity, 4> kSeverityWords{{{Severity::kInfo, "info"},
                                                        {Severity::kNotice, "notice"},
                                                        {Severity::kWarning, "warning"},
                                                        {Severity::kError, "error"}}};
OTA_ENUM_TEXT(Severity, parse_severity, kSeverityWords)

struct Event {
  std::uint64_t seq = 0;  // its place in the log: 1, 2, 3, ... without a gap
  WallTime at;
  Severity severity = Severity::kInfo;
  std::string kind;     // "gate.block", "job.succeeded", "enrol.ok", "auth.fail", "config.bad", ...
  std::string source;   // who it is about: a device id, an address, "server", "operator"
  std::string actor;    // who caused it, where that is another
  std::string message;  // "BLOCKED → OTA for iot-002 rejected (Risk: High Load)"
  nlohmann::json data = nlohmann::json::object();  // the details: a decision, a job, ...
  std::string
      id;  // gateway.incarnation.batch.n: given with the number, unlike it the same anywhere
  // Of events that programs before the tree wrote, which have no id (store/audit_chain.h):
  std::string previous;  // SHA-256 (hex) of the event before; 64 zeros at the first
  std::string hash;      // SHA-256 (hex) of this one's canonical form, `previous` included
};

void to_json(nlohmann::json& out, const Event& event);
void from_json(const nlohmann::json& in, Event& event);

}  // namespace ota::model

#include "main/log.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/text.h"

namespace ota::main {
namespace {

// sd-daemon(3): the syslog level in front of the line.
const char* level_prefix(model::Severity severity) {
  switch (severity) {
    case model::Severity::kInfo:
      return "<6>";
    case model::Severity::kNotice:
      return "<5>";
    case model::Severity::kWarning:
      return "<4>";
    case model::Severity::kError:
      return "<3>";
  }
  return "";
}

}  // namespace

EventLog::EventLog(WallTime since)
    : journal_(std::getenv("JOURNAL_STREAM") != nullptr), since_(since) {}

void EventLog::print_new(const fleet::Snapshot& snapshot) {
  if (snapshot.events == nullptr) return;
  for (const auto& event : *snapshot.events) {
    if (event->seq <= printed_) continue;
    printed_ = event->seq;
    // Those of an earlier run come first. Past them time counts no more: the clock may be set back.
    if (!begun_ && event->at < since_) continue;
    begun_ = true;
    const std::string stamp = journal_ ? level_prefix(event->severity)
                                       : format_rfc3339(event->at, Fraction::kNone) + " " +
                                             std::string(model::to_text(event->severity)) + " ";
    const std::string line =
        stamp + event->source + " " + event->kind + ": " + printable(event->message) + "\n";
    std::fputs(line.c_str(), stderr);
  }
  std::fflush(stderr);
}

}  // namespace ota::main

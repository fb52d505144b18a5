#include "cli/format.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/api.h"

namespace ota::cli {
std::string cell(const Json& object, const char* key) {
  return dash(printable(text_at(object, key), kMaxCell));
}

std::string dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string version_of(const Json& image) {
  const std::string version = text_at(image, "version");
  return version.empty() ? "-" : "v" + printable(version, kMaxCell);
}

std::string metric_of(const Json& row, const char* metric, std::string_view unit) {
  if (!is_set(row, "online")) return "-";
  const double value = number_at(object_at(row, "values"), metric, std::nan(""));
  if (!std::isfinite(value)) return "-";
  return format_number(value, 0) + std::string(unit);
}

std::string risk_of(const Json& row) {
  return is_set(row, "online") ? format_number(number_at(row, "risk"), 0) : "-";
}

std::string age_of(const Json& object, const char* key, WallTime now) {
  const WallTime then = stamp_at(object, key);
  return then == WallTime{} ? "never" : format_age(now - then);
}

std::string time_text(WallTime time, WallTime now) {
  if (time == WallTime{}) return "-";
  constexpr std::size_t kDay = std::string_view("2026-08-20T").size();
  const std::string then = format_rfc3339(time, Fraction::kNone);
  const std::string today = format_rfc3339(now, Fraction::kNone);
  return then.substr(0, kDay) == today.substr(0, kDay) ? then.substr(kDay) : then;
}

Table job_table(const Json& jobs, WallTime now) {
  Table table({{"JOB"},
               {"DEVICE"},
               {"VERSION"},
               {"STATE"},
               {"AT", Align::kRight},
               {"STARTED"},
               {"BY"},
               {"DETAIL"}});
  for (const Json& job : jobs) {
    const std::string state = text_at(job, "state");
    std::string detail = text_at(job, "watch") == "regressed" ? "regressed after the update; " : "";
    if (const std::string code = text_at(job, "error_code"); !code.empty()) {
      detail.append(code).append(": ");
    }
    detail += text_at(job, "detail");
    table.add({cell(job, "id"), cell(job, "device"), version_of(object_at(job, "release")), state,
               state == "downloading" ? format_number(number_at(job, "percent"), 0) + "%" : "",
               time_text(stamp_at(job, "created"), now), cell(job, "actor"),
               printable(detail, 120)});
  }
  return table;
}

std::string event_line(const Json& event, WallTime now) {
  std::string severity = text_at(event, "severity");
  severity.resize(std::max<std::size_t>(severity.size(), 7), ' ');
  return time_text(stamp_at(event, "at"), now) + "  #" + std::to_string(count_at(event, "seq")) +
         "  " + severity + "  " + printable(text_at(event, "source"), kMaxCell) + "  " +
         printable(text_at(event, "message"));
}

namespace {

// " [1 in 2100, 61 % of the score]": what the signal's text does not say already.
std::string rarity(const Json& signal) {
  const double tail = number_at(signal, "tail");
  const double share = number_at(signal, "share");
  std::string out;
  if (tail > 0 && tail < 1) {
    constexpr double kRarest = 1e9;
    out = "1 in " + format_number(std::min(1 / tail, kRarest), 0);
  }
  if (share > 0)
    out += (out.empty() ? "" : ", ") + format_number(100 * share, 0) + " % of the score";
  return out.empty() ? out : " [" + out + "]";
}

}  // namespace

void print_verdict(Output& out, const Json& verdict, WallTime now) {
  const std::string level = text_at(verdict, "level", "unknown");
  const std::string risk =
      verdict.contains("risk") ? format_number(number_at(verdict, "risk"), 0) : "-";
  out.line("Verdict: " + level + " (" + text_at(verdict, "label", "no telemetry") + "), risk " +
               risk + " of 100, for " + age_of(verdict, "since", now),
           tone_of(level));
  if (const std::string sentence = text_at(verdict, "sentence"); !sentence.empty()) {
    out.line("  " + sentence);
  }
  for (const Json& signal : list_at(verdict, "signals"))
    out.line("  " + text_at(signal, "text") + rarity(signal));
  if (const std::string group = text_at(verdict, "group"); !group.empty()) {
    out.line("  " + text_at(verdict, "scope") + ": " + group);
  }
  if (const std::string clear = text_at(verdict, "would_clear"); !clear.empty()) {
    out.line("  would clear: " + clear);
  }
}

void print_decision(Output& out, const Json& decision, Checks checks) {
  const std::string answer = text_at(decision, "answer");
  const Tone tone = answer == "allow" ? Tone::kGood : answer == "skip" ? Tone::kDim : Tone::kBad;
  out.line(text_at(decision, "headline"), tone);
  for (const Json& check : list_at(decision, "checks")) {
    const std::string result = text_at(check, "result");
    if (result == "pass" && checks == Checks::kOnlyReasons) continue;
    std::string words =
        "  " + result + "  " + text_at(check, "check") + ": " + text_at(check, "observed");
    if (const std::string required = text_at(check, "required"); !required.empty()) {
      words += " (required: " + required + ")";
    }
    out.line(words, tone_of(result));
    if (const std::string remedy = text_at(check, "remedy"); !remedy.empty()) {
      out.line("        " + remedy);
    }
  }
}

}  // namespace ota::cli

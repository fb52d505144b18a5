// otactl push: asks the gate for each device and starts the updates that it allows.
#include <algorithm>
#include <map>
#include <span>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "cli/format.h"
#include "cli/selection.h"

namespace ota::cli {
namespace {

enum class Run { kReal, kDry };

constexpr std::size_t kLongestHeadline = 120;

using Ids = std::span<const std::string>;

Result<Json> request_of(const Arguments& arguments, Ids ids, Run run) {
  const auto version = arguments.version("--version");
  if (!version) return version.error();
  Json body{{"devices", std::vector<std::string>(ids.begin(), ids.end())}};
  if (*version) body["version"] = (*version)->text();
  if (arguments.has("--override")) body["override"] = arguments.text("--override");
  if (arguments.has("--again")) body["again"] = true;
  if (run == Run::kDry) body["dry_run"] = true;
  return body;
}

// Of several devices: a refusal weighs more than a skip, a failed job more than both.
ExitCode worse(ExitCode a, ExitCode b) {
  const auto weight = [](ExitCode code) {
    switch (code) {
      case ExitCode::kDone:
        return 0;
      case ExitCode::kSkipped:
        return 1;
      case ExitCode::kBlocked:
        return 2;
      case ExitCode::kJobFailed:
        return 3;
      default:
        return 4;
    }
  };
  return weight(a) >= weight(b) ? a : b;
}

ExitCode code_of(const Json& decision) {
  const std::string answer = text_at(decision, "answer");
  if (answer == "allow") return ExitCode::kDone;
  return answer == "skip" ? ExitCode::kSkipped : ExitCode::kBlocked;
}

// "13 devices: 9 ALLOWED, 3 BLOCKED: Anomaly Detected, 1 SKIPPED: Device already on v2.1.5"
std::string sum_of(const Json& results, Run run) {
  std::map<std::string, std::size_t> counts;
  for (const Json& result : results) {
    const Json& decision = object_at(result, "decision");
    const bool allowed = text_at(decision, "answer") == "allow";
    ++counts[allowed ? (run == Run::kDry ? "ALLOWED" : "SUCCESS") : text_at(decision, "headline")];
  }
  std::vector<std::pair<std::size_t, std::string>> most_first;
  most_first.reserve(counts.size());
  for (auto& [headline, count] : counts)
    most_first.emplace_back(count, headline);
  std::stable_sort(most_first.begin(), most_first.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = std::to_string(results.size()) + " devices:";
  for (const auto& [count, headline] : most_first) {
    text += (text.ends_with(':') ? " " : ", ") + std::to_string(count) + " " +
            printable(headline, kLongestHeadline);
  }
  return text;
}

// What the update makes the allowed devices fetch.
void print_plan(Context& context, const Json& answer) {
  const auto print = [&](const Json& sum) {
    if (count_at(sum, "devices") > 0) context.out.line("To fetch: " + text_at(sum, "words"));
  };
  print(object_at(answer, "fetch"));
  for (const Json& sum : list_at(answer, "fetches"))
    print(sum);
}

ExitCode print_results(Context& context, const Json& results, Run run) {
  ExitCode code = ExitCode::kDone;
  const bool many = results.size() > 1;
  if (many) context.out.line(sum_of(results, run));
  for (const Json& result : results) {
    const Json& decision = object_at(result, "decision");
    code = worse(code, code_of(decision));
    if (many || run == Run::kDry) context.out.line(text_at(decision, "device") + ":");
    const bool would = run == Run::kDry && text_at(decision, "answer") == "allow";
    if (would) {
      context.out.line(
          "ALLOWED: Update to v" + text_at(decision, "version") + " would be initiated (dry run)",
          Tone::kGood);
    } else {
      print_decision(context.out, decision, Checks::kOnlyReasons);
    }
    if (const std::string job = text_at(result, "job"); !job.empty()) {
      context.out.line("  job " + job);
    }
  }
  return code;
}

void print_step(Context& context, const Json& job) {
  std::string words =
      text_at(job, "id") + " " + text_at(job, "device") + ": " + text_at(job, "state");
  if (text_at(job, "state") == "downloading") {
    words += " " + format_number(number_at(job, "percent"), 0) + " %";
  }
  if (const std::string detail = text_at(job, "detail"); !detail.empty()) words += ", " + detail;
  context.out.line(words, tone_of(text_at(job, "state")));
  context.out.flush();
}

// The jobs end one after the other as far as this loop is concerned; they run side by side.
Result<ExitCode> wait_for_all(Context& context, Json& results) {
  ExitCode code = ExitCode::kDone;
  for (Json& result : results) {
    const std::string job = text_at(result, "job");
    if (job.empty()) continue;
    auto ended = wait_for_job(context, job, [&](const Json& step) { print_step(context, step); });
    if (!ended) return ended.error();
    if (text_at(*ended, "state") != "succeeded") code = ExitCode::kJobFailed;
    result["ended"] = std::move(*ended);
  }
  return code;
}

// The answers for all of them, in as many requests as the server takes them in: where one does, what
// they fetch in all is in "fetch", as it came; else that of each request in "fetches".
Result<Json> push_once(Context& context, Ids ids, Run run) {
  constexpr std::size_t kMost = 10'000;
  Json results = Json::array();
  Json fetches = Json::array();
  while (!ids.empty()) {
    const Ids some = ids.first(std::min(ids.size(), kMost));
    const auto body = request_of(context.arguments, some, run);
    if (!body) return body.error();
    auto answer = context.api.post("/v1/push", *body);
    if (!answer) return answer.error();
    const Json& given = list_at(*answer, "results");
    if (given.size() != some.size()) {
      return fail(Errc::kInvalid, "the server's answer does not name every device");
    }
    for (const Json& result : given)
      results.push_back(result);
    if (answer->contains("fetch")) fetches.push_back((*answer)["fetch"]);
    ids = ids.subspan(some.size());
  }
  Json all{{"results", std::move(results)}};
  if (fetches.size() == 1) all["fetch"] = std::move(fetches[0]);
  if (fetches.size() > 1) all["fetches"] = std::move(fetches);
  return all;
}

Result<ExitCode> run_push(Context& context) {
  const Arguments& arguments = context.arguments;
  const auto selection = selected_devices(context);
  if (!selection) return selection.error();
  const Ids ids = selection->ids;
  if (arguments.has("--dry-run")) {
    const auto answer = push_once(context, ids, Run::kDry);
    if (!answer) return answer.error();
    context.out.document(*answer);
    const ExitCode code = print_results(context, list_at(*answer, "results"), Run::kDry);
    print_plan(context, *answer);
    return code;
  }
  // Whoever names one device has said which.
  if ((ids.size() > 1 || selection->counted) && !arguments.has("--yes")) {
    const auto preview = push_once(context, ids, Run::kDry);
    if (!preview) return preview.error();
    print_results(context, list_at(*preview, "results"), Run::kDry);
    print_plan(context, *preview);
    context.out.flush();
    if (const auto code = unless_confirmed(
            context,
            "Push to " +
                (ids.size() == 1 ? ids.front()
                                 : "these " + std::to_string(ids.size()) + " devices") +
                "?",
            "Nothing was pushed.")) {
      return *code;
    }
  }
  auto answer = push_once(context, ids, Run::kReal);
  if (!answer) return answer.error();
  Json results = list_at(*answer, "results");
  ExitCode code = print_results(context, results, Run::kReal);
  context.out.flush();
  if (arguments.has("--wait")) {
    const auto ended = wait_for_all(context, results);
    if (!ended) return ended.error();
    code = worse(code, *ended);
  }
  (*answer)["results"] = std::move(results);
  context.out.document(*answer);
  return code;
}

}  // namespace

Command push_command() {
  return {
      .name = "push",
      .summary = "update devices; each is asked at the gate, and each refusal says why",
      .details =
          "Without --version the device gets the target version of config/ota_settings.json.\n"
          "For more than one device a person is shown every answer first and asked once.",
      .positionals = {devices_positional()},
      .options = with_selecting_options(
          {{"--version", "V", "the version to install", {}, Kind::kVersion},
           {"--wait",
            "",
            "follow until every job has ended; exit 5 where one did not succeed",
            {},
            Kind::kText,
            Option::Need::kOptional,
            {"--dry-run"}},
           {"--override", "REASON",
            "let a security or remediation release pass an anomaly, a closed window or a used-up "
            "data budget; audited"},
           {"--again", "", "also a release that the device fell back from before"},
           {"--dry-run", "",
            "say what the gate would answer, and what would be fetched; nothing is started or "
            "stored"},
           {"--yes", "", "do not ask"}}),
      .examples = {{"otactl push iot-001", "to the target version"},
                   {"otactl push iot-001 --version 2.1.5 --wait", "and follow it to its end"},
                   {"otactl push iot-002 --version 2.1.6 --override \"fix of the runaway logger\"",
                    "a remediation release to a device with an anomaly"},
                   {"otactl push iot-001 iot-002 --dry-run", "what would the gate say"},
                   {"otactl push --group floor --filter \"behind !id:iot-007,iot-008\"",
                    "all of a group that want it but two"}},
      .run = &run_push};
}

}  // namespace ota::cli

#include "cli/fetch.h"

#include "model/job.h"

namespace ota::cli {
namespace {

constexpr std::size_t kPage = 1000;

bool is_over(const Json& job) {
  const auto state = model::parse_job_state(text_at(job, "state"));
  return state && model::is_final(*state);
}

}  // namespace

Result<Json> fetch_devices(Api& api, const std::string& filter) {
  Json rows = Json::array();
  std::string after;
  while (true) {
    auto page = api.get("/v1/devices?limit=" + std::to_string(kPage) +
                        (filter.empty() ? "" : "&filter=" + url_escape(filter)) +
                        (after.empty() ? "" : "&after=" + url_escape(after)));
    if (!page) return page.error();
    if (!filter.empty() && text_at(*page, "filter") != filter) {
      return fail(Errc::kConflict, "the server is of an earlier release and knows no filters");
    }
    const Json& devices = list_at(*page, "devices");
    for (const Json& row : devices)
      rows.push_back(row);
    if (devices.size() < kPage) return rows;
    const std::string last = text_at(devices.back(), "id");
    if (last <= after) return fail(Errc::kInvalid, "the server's pages of devices do not go on");
    after = last;
  }
}

Result<Json> wait_for_job(Context& context, const std::string& job,
                          const std::function<void(const Json&)>& step, Patience patience) {
  const MonoTime start = context.clock.mono();
  MonoTime answered = start;
  std::string seen;
  while (true) {
    auto answer = context.api.get("/v1/jobs/" + url_escape(job));
    const MonoTime now = context.clock.mono();
    if (answer) {
      answered = now;
      const std::string state =
          text_at(*answer, "state") + std::to_string(number_at(*answer, "percent"));
      if (state != seen) step(*answer);
      seen = state;
      if (is_over(*answer)) return answer;
    } else if (answer.error().code != Errc::kUnavailable || now - answered > patience.away) {
      return answer.error();
    }
    if (now - start > patience.patience) {
      return fail(Errc::kTimeout, job + " is still " + (seen.empty() ? "unknown" : seen));
    }
    if (context.interrupted()) {
      std::string words = "interrupted; the update goes on, see: otactl trace ";
      return fail(Errc::kTimeout, words += job);
    }
    context.wait(patience.poll);
  }
}

}  // namespace ota::cli

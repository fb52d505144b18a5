#include "agents/answer.h"

#include "base/json.h"
#include "base/text.h"

namespace ota::agent {
namespace {

constexpr std::size_t kMostWords = 200;

void add_text(std::string& words, const Json& problem, const char* member) {
  const auto found = problem.find(member);
  if (found == problem.end() || !found->is_string()) return;
  words += (words.empty() ? "" : " ") + found->get_ref<const std::string&>();
}

}  // namespace

std::string problem_words(const http::Reply& reply) {
  std::string words;
  if (const auto problem = parse_json(reply.body); problem && problem->is_object()) {
    add_text(words, *problem, "code");
    add_text(words, *problem, "detail");
  }
  const std::string status = "status " + std::to_string(reply.status);
  return words.empty() ? status : status + ": " + printable(words, kMostWords);
}

Result<unsigned> status_of(const http::Reply& reply) {
  if (reply.status == 401 || reply.status == 403)
    return fail(Errc::kDenied, "this device is refused, " + problem_words(reply));
  if (reply.status == 429 || reply.status >= 500) {
    return fail(reply.status == 429 ? Errc::kUnavailable : Errc::kConflict,
                "the server answers " + std::to_string(reply.status));
  }
  return reply.status;
}

bool certificate_ended(const http::Reply& reply) {
  if (reply.status != 403) return false;
  const auto problem = parse_json(reply.body);
  if (!problem || !problem->is_object()) return false;
  const auto code = problem->find("code");
  return code != problem->end() && code->is_string() && *code == "certificate-expired";
}

std::optional<milliseconds> asked_pause(const http::Reply& reply) {
  const seconds pause = reply.wait();
  if (pause == seconds(0)) return std::nullopt;
  return pause;
}

}  // namespace ota::agent

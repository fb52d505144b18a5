// otactl against answers that a test lays out beforehand; nothing is opened.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/run.h"

namespace ota::cli::test {

struct Script {
  // "GET /v1/jobs/job-1" -> its answers, one a call; the last one stays.
  std::map<std::string, std::vector<Result<Json>>> answers;
  std::vector<std::string> calls;  // as above
  std::vector<Json> bodies;        // of the posts
  std::vector<std::string> asked;  // questions to the person
  Answer says = Answer::kYes;
  int looks = 1000;  // endless commands end after so many checks for an interrupt
};

class FakeApi final : public Api {
 public:
  explicit FakeApi(Script& script) : script_(script) {}
  Result<Json> get(const std::string& path, milliseconds) override { return next("GET " + path); }
  Result<Json> post(const std::string& path, const Json& body, milliseconds) override {
    script_.bodies.push_back(body);
    return next("POST " + path);
  }
  Result<std::string> get_text(const std::string& path, milliseconds) override {
    auto answer = next("GET " + path);
    if (!answer) return answer.error();
    return dump_json(*answer);
  }
  Result<void> post_text(const std::string& path, const std::string& body, milliseconds) override {
    script_.bodies.push_back(*parse_json(body));
    auto answer = next("POST " + path);
    if (!answer) return answer.error();
    return {};
  }
  std::string where() const override { return "https://127.0.0.1:8443"; }

 private:
  Result<Json> next(const std::string& call) {
    script_.calls.push_back(call);
    const auto found = script_.answers.find(call);
    if (found == script_.answers.end()) return fail(Errc::kNotFound, "no answer for " + call);
    auto& answers = found->second;
    auto answer = answers.front();
    if (answers.size() > 1) answers.erase(answers.begin());
    return answer;
  }
  Script& script_;
};

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
  bool says(std::string_view text) const { return out.find(text) != std::string::npos; }
};

// `line` without the program's name, split at blanks; '' is an empty word.
inline Ran otactl(const std::string& line, Script& script, Environment environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  ManualClock clock(WallTime(milliseconds(1787000000000)));
  std::vector<std::string> words = line.empty() ? std::vector<std::string>() : split(line, ' ');
  std::ranges::replace(words, "''", "");
  Ran ran;
  ran.code = run(
      words, {.out = out,
              .err = err,
              .in = in,
              .colour = Colour::kPlain,
              .clock = clock,
              .environment = std::move(environment),
              .ask =
                  [&](const std::string& question) {
                    script.asked.push_back(question);
                    return script.says;
                  },
              .interrupted = [&] { return --script.looks < 0; },
              .wait = [&](milliseconds time) { clock.advance(time); },
              .open_api = [&](const std::string&,
                              const std::string&) { return std::make_unique<FakeApi>(script); }});
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

}  // namespace ota::cli::test

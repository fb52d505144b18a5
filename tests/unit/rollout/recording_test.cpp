#include "rollout/recording.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/catch.h"

using namespace ota::rollout;
using ota::Errc;

namespace {

struct Judged {
  ota::Result<RecordingSummary> summary = RecordingSummary{};
  std::string lines;
  std::vector<std::string> notes;
};

Judged judge(const std::string& text, RecordingOptions options = {}) {
  Judged judged;
  options.write = [&](std::string_view line) { judged.lines += line; };
  options.note = [&](std::string_view what) { judged.notes.emplace_back(what); };
  std::istringstream in(text);
  judged.summary = judge_recording(in, options);
  return judged;
}

// Tests run from the repository's root, or out of build/MODE/bin.
std::string vector_file(const std::string& name) {
  std::filesystem::path at = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  while (!std::filesystem::is_directory(at / "tests/vectors/rollout") && at.has_relative_path())
    at = at.parent_path();
  const auto content = ota::read_file(at / "tests/vectors/rollout" / name, 1U << 20);
  REQUIRE(content.has_value());
  return *content;
}

const char* const kVectors[] = {"clean",   "cpu",          "crash-loop", "failures",
                                "silence", "few-controls", "one-group"};

const std::string kHead =
    R"({"type":"rollout","format":1,"start":"2026-03-04T00:00:00Z","phases":["canary","rest"],)"
    R"("metrics":["cpu","temp"],"devices":[{"id":"d1","model":"a","group":"s"},{"id":"d2","model":"a"}]})"
    "\n";

// What is wrong with a recording that begins with a good head.
std::string problem(const std::string& rows) {
  const Judged judged = judge(kHead + rows);
  REQUIRE(!judged.summary.has_value());
  return judged.summary.error().text();
}

// The error's words about a head that differs from the good one in a place.
std::string head_problem(const std::string& from, const std::string& to) {
  std::string head = kHead;
  const std::size_t at = head.find(from);
  REQUIRE(at != std::string::npos);
  head.replace(at, from.size(), to);
  const Judged judged = judge(head);
  if (judged.summary.has_value()) return "";
  return judged.summary.error().text();
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("recordings are judged line by line as the committed lines say", "[rollout][recording]") {
  for (const std::string name : kVectors) {
    INFO(name);
    const Judged judged = judge(vector_file(name + ".jsonl"));
    REQUIRE(judged.summary.has_value());
    CHECK(judged.lines == vector_file(name + ".judged"));
  }
}

TEST_CASE("a recording that is cut anywhere has the same lines up to there",
          "[rollout][recording]") {
  for (const std::string name : {"clean", "cpu", "one-group"}) {
    const std::string text = vector_file(name + ".jsonl");
    const std::string whole = vector_file(name + ".judged");
    for (std::size_t cut = 0; cut < text.size(); cut += 7919) {
      INFO(name << " cut after " << cut);
      const Judged judged = judge(text.substr(0, cut));
      const std::size_t summary = judged.lines.find(R"({"summary")");
      const std::string lines = judged.lines.substr(0, summary);
      REQUIRE(whole.substr(0, lines.size()) == lines);
      // Cut within a row it says so; between two it is a recording.
      const bool between = cut == 0 || text[cut - 1] == '\n';
      if (!between && judged.summary.has_error()) {
        REQUIRE(judged.summary.error().text().find("line ") == 0);
      }
    }
  }
}

TEST_CASE("every look's line is there at the first row of its time, whatever follows",
          "[rollout][recording]") {
  const std::string text = vector_file("clean.jsonl");
  const std::size_t at = text.find(R"({"t":"2026-03-04T00:25:00Z")");
  REQUIRE(at != std::string::npos);
  CHECK(judge(text.substr(0, at)).lines.find(R"("look":1)") == std::string::npos);
  const std::string row = R"({"t":"2026-03-04T00:25:00Z","type":"boot","device":"dev-00"})";
  const Judged judged = judge(text.substr(0, at) + row);
  const std::string whole = vector_file("clean.judged");
  CHECK(judged.lines.substr(0, whole.find('\n')) == whole.substr(0, whole.find('\n')));
}

TEST_CASE("devices may stand in any order, in the head and in each row", "[rollout][recording]") {
  for (const std::string name : {"clean", "cpu"}) {
    std::string turned;
    for (const std::string& line : ota::lines_of(vector_file(name + ".jsonl"))) {
      if (line.empty()) continue;
      // nlohmann's objects are sorted, so an order is made by hand.
      const std::size_t open = line.find(R"("devices":{)");
      const std::size_t list = line.find(R"("devices":[)");
      if (open == std::string::npos && list == std::string::npos) {
        turned += line + "\n";
        continue;
      }
      const bool head = list != std::string::npos;
      const std::size_t from = (head ? list : open) + 11;
      const std::size_t to = head ? line.find("}]", from) + 1 : line.rfind("}}");
      std::vector<std::string> parts;
      const std::string close = head ? "}" : "]";
      for (std::size_t i = from; i < to;) {
        const std::size_t end = line.find(close, i) + 1;
        parts.push_back(line.substr(i, end - i));
        i = end + 1;
      }
      std::reverse(parts.begin(), parts.end());
      std::string joined;
      for (const std::string& part : parts)
        joined += (joined.empty() ? "" : ",") + part;
      turned += line.substr(0, from) + joined + line.substr(to) + "\n";
    }
    const Judged judged = judge(turned);
    REQUIRE(judged.summary.has_value());
    CHECK(judged.lines == vector_file(name + ".judged"));
  }
}

TEST_CASE("what follows a halt is not read", "[rollout][recording]") {
  const std::string text = vector_file("failures.jsonl");
  const std::size_t after = text.find(R"({"t":"2026-03-04T00:05:00Z")");
  REQUIRE(after != std::string::npos);
  const Judged judged = judge(text.substr(0, after) + "nonsense\n");
  REQUIRE(judged.summary.has_value());
  CHECK(judged.lines == vector_file("failures.judged"));
}

TEST_CASE("other settings may be tried on a recording", "[rollout][recording]") {
  RecordingOptions wide;
  wide.margins["cpu"] = 40;
  const Judged judged = judge(vector_file("cpu.jsonl"), wide);
  REQUIRE(judged.summary.has_value());
  CHECK(!judged.summary->halted);
  CHECK(judged.summary->looks == 2);
  RecordingOptions strict;
  strict.alpha = 0.001;
  CHECK(!judge(vector_file("crash-loop.jsonl"), strict).summary->halted);
  CHECK(judge(vector_file("crash-loop.jsonl")).summary->halted);
}

TEST_CASE("what a recording is judged by stands in its head", "[rollout][recording]") {
  std::string text = vector_file("cpu.jsonl");
  const auto with = [&](const std::string& judge_member) {
    std::string changed = text;
    changed.replace(changed.find(R"("limits")"), 0, R"("judge":)" + judge_member + ",");
    return judge(changed);
  };
  CHECK(with(R"({"alpha":0.001})").summary->halted.has_value() == false);
  CHECK(with(R"({"margins":{"cpu":40}})").summary->halted.has_value() == false);
  CHECK(with(R"({"expected":{"cpu":40}})").summary->halted.has_value() == false);
  CHECK(with(R"({"worse":{"cpu":"down"}})").summary->halted.has_value() == false);
  CHECK(with(R"({"min_controls":20})").summary->halted.has_value() == false);
  CHECK(with(R"({"alpha":0.01,"margins":{"cpu":2}})").summary->halted.has_value());
  const Judged noted = with(R"({"alhpa":0.001,"on_halt":"pause"})");
  CHECK(noted.summary->halted.has_value());
  CHECK(noted.notes.size() == 2);
}

TEST_CASE("a recording without limits has those of the configuration", "[rollout][recording]") {
  std::string text = vector_file("clean.jsonl");
  const std::string limits = R"(,"limits":{"cpu":90,"temp":80})";
  text.erase(text.find(limits), limits.size());
  RecordingOptions options;
  options.thresholds.cpu_threshold = 1;  // all are critical, on both sides
  const Judged judged = judge(text, options);
  CHECK(judged.lines.find(R"("bad":5,"controls":19,"bad_controls":19)") != std::string::npos);
  CHECK(!judged.summary->halted);
}

TEST_CASE("a bad row ends a recording with its line and what is wrong", "[rollout][recording]") {
  const std::string t0 = R"({"t":"2026-03-04T00:00:00Z",)";
  const std::string offer = t0 + R"("type":"offer","device":"d1","phase":0})" + "\n";
  has(problem("{\"t\":\"2026-03-04T00:00"), "line 2: the file ends within a row: cut off?");
  has(problem("nonsense\n" + offer), "line 2: ");
  has(problem("[1]\n"), "line 2: a row is an object of JSON");
  has(problem(offer + R"({"t":"2026-03-03T23:59:00Z","type":"boot","device":"d1"})"),
      "line 3: 2026-03-03T23:59:00Z comes after 2026-03-04T00:00:00Z: rows stand in the order");
  has(problem(t0 + R"("type":"boot","device":"iot-9"})"), "line 2: 'iot-9' is no device of this");
  has(problem(t0 + R"("type":"minute","devices":{"iot-9":[1,2]}})"),
      "'iot-9' is no device of this");
  has(problem(t0 + R"("type":"minute","devices":{"d1":[1]}})"), "d1: a list of 2 values is needed");
  has(problem(t0 + R"("type":"minute","devices":{"d1":[1,"x"]}})"), "d1: \"x\" is no reading");
  has(problem(t0 + R"("type":"minute","devices":{"d1":[1,1e300]}})"), "d1: 1e+300 is no reading");
  const std::string minute = t0 + R"("type":"minute","devices":{"d1":[1,2]}})" + "\n";
  has(problem(minute + minute), "line 3: d1 has this minute already");
  has(problem(t0 + R"("type":"minute"})"), "devices: an object");
  has(problem(t0 + R"("type":"reboot","device":"d1"})"), "type 'reboot' is not known");
  has(problem(t0 + R"("device":"d1"})"), "type: offer, confirmed");
  has(problem(t0 + R"("type":"boot"})"), "device: the id of a device is needed");
  has(problem(t0 + R"("type":"offer","device":"d1","phase":2})"), "phase: a number from 0 to 1");
  has(problem(t0 + R"("type":"offer","device":"d1"})"), "phase: a number from 0 to 1");
  has(problem(offer + offer), "line 3: d1 was offered the release already");
  has(problem(t0 + R"("type":"confirmed","device":"d1"})"), "d1 was never offered the release");
  has(problem(t0 + R"("type":"failed","device":"d1"})"), "d1 was never offered the release");
  const std::string confirmed = t0 + R"("type":"confirmed","device":"d1"})" + "\n";
  has(problem(offer + confirmed + confirmed), "line 4: d1 has ended its update already");
  has(problem(R"({"t":"2026-03-03T23:00:00Z","type":"offer","device":"d1","phase":0})"),
      "an offer before the rollout's start");
  has(problem(R"({"t":"2026-03-04T00:00:30Z","type":"boot","device":"d1"})"), "is no whole minute");
  has(problem(R"({"t":7,"type":"boot","device":"d1"})"), "t: a time such as");
  has(problem(R"({"t":"yesterday","type":"boot","device":"d1"})"), "is no RFC 3339 time");
  has(problem(t0 + R"("type":"rollout"})"), "a second rollout begins");
  has(problem(std::string(kLongestRow + 1, ' ') + "\n"), "longer than 16777216 bytes");
}

TEST_CASE("a bad head is refused with the member that does not fit", "[rollout][recording]") {
  has(judge("").summary.error().text(), "the file is empty");
  has(judge("timestamp,cpu\n").summary.error().text(), "line 1: ");
  has(head_problem(R"("type":"rollout")", R"("type":"minute")"), "no recording of a rollout");
  has(head_problem(R"("format":1)", R"("format":2)"), "this program reads format 1 alone");
  has(head_problem(R"("2026-03-04T00:00:00Z")", R"("2026-03-04")"), "start: ");
  has(head_problem(R"(["canary","rest"])", "[]"), "phases: a list of names is needed");
  has(head_problem(R"(["cpu","temp"])", R"(["cpu","cpu"])"), "metrics: 'cpu' stands there twice");
  has(head_problem(R"("id":"d2")", R"("id":"d1")"), "'d1' stands there twice");
  has(head_problem(R"({"id":"d2","model":"a"})", R"({"id":"d2"})"), "each needs an id and a model");
  has(head_problem(R"({"id":"d2","model":"a"})", R"({"id":"","model":"a"})"), "1 to 128 bytes");
  has(head_problem(R"("format":1)", R"("format":1,"judge":{"alpha":0.5})"),
      "judge.alpha: a number");
  has(head_problem(R"("format":1)", R"("format":1,"judge":{"margins":{"cpu":-1}})"),
      "judge.margins.cpu: a number");
  has(head_problem(R"("format":1)", R"("format":1,"judge":{"worse":{"cpu":"left"}})"),
      "up or down");
  has(head_problem(R"("format":1)", R"("format":1,"judge":{"first_look_s":86400})"),
      "later than 48 hours");
  has(head_problem(R"("format":1)", R"("format":1,"limits":{"cpu":"hot"})"),
      "limits.cpu: a number");
  CHECK(head_problem(R"("format":1)", R"("format":1,"note":"from elsewhere")").empty());
  std::string many = R"("phases":["p0")";
  for (std::size_t i = 1; i <= kMostPhases; ++i)
    many += ",\"p" + std::to_string(i) + "\"";
  has(head_problem(R"("phases":["canary","rest")", many), "phases: more than 32");
}

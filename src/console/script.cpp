#include "console/script.h"

#include <charconv>
#include <cstdio>

#include "base/file.h"
#include "base/text.h"

namespace ota::console {
namespace {

Error wrong(int line, const std::string& what) {
  return fail(Errc::kInvalid, "script line " + std::to_string(line) + ": " + what);
}

Result<ScriptStep> parse_step(const std::string& verb, const std::string& rest, int line) {
  ScriptStep step{};
  step.line = line;
  step.text = rest;
  if (verb == "key") {
    step.kind = ScriptStep::Kind::kKey;
    const auto bytes = bytes_of_key(rest);
    if (!bytes) return wrong(line, "no key is called '" + rest + "'");
    step.text = *bytes;
  } else if (verb == "type") {
    step.kind = ScriptStep::Kind::kType;
  } else if (verb == "wait-for") {
    step.kind = ScriptStep::Kind::kWaitFor;
    const std::size_t blank = rest.find(' ');
    if (const auto patience = parse_duration(rest.substr(0, blank));
        patience && blank != std::string::npos) {
      step.patience = *patience;
      step.text = rest.substr(blank + 1);
    }
  } else if (verb == "save-screen") {
    step.kind = ScriptStep::Kind::kSaveScreen;
  } else if (verb == "resize") {
    step.kind = ScriptStep::Kind::kResize;
    const auto size = parse_size(rest);
    if (!size) return wrong(line, size.error().context);
    step.size = *size;
  } else {
    return wrong(line, "'" + verb + "' is none of: key type wait-for save-screen resize");
  }
  if (step.text.empty()) return wrong(line, verb + " needs a word after it");
  return step;
}

}  // namespace

Result<Size> parse_size(std::string_view text) {
  Size size{};
  const char* end = text.data() + text.size();
  const auto [cross, first] = std::from_chars(text.data(), end, size.columns);
  const bool crossed = first == std::errc() && cross != end && *cross == 'x';
  const auto last = crossed ? std::from_chars(cross + 1, end, size.rows)
                            : std::from_chars_result{end, std::errc::invalid_argument};
  const bool whole = last.ec == std::errc() && last.ptr == end;
  if (!whole || size.columns < 1 || size.columns > 1000 || size.rows < 1 || size.rows > 500) {
    return fail(Errc::kInvalid, "'" + printable(text, 40) +
                                    "' is no size; accepted: 1x1 to 1000x500, such as 80x24");
  }
  return size;
}

Result<std::vector<ScriptStep>> read_script(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 1U << 20;
  const auto text = read_file(file, kMostBytes);
  if (!text) return text.error();
  return parse_script(*text);
}

Result<std::vector<ScriptStep>> parse_script(std::string_view text) {
  std::vector<ScriptStep> steps;
  int number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const std::size_t blank = line.find(' ');
    auto step = parse_step(line.substr(0, blank),
                           blank == std::string::npos ? "" : line.substr(blank + 1), number);
    if (!step) return step.error();
    steps.push_back(std::move(*step));
  }
  return steps;
}

bool ScriptDriver::take(App& app, const ScriptStep& step) {
  switch (step.kind) {
    case ScriptStep::Kind::kKey:
      app.type(step.text);
      if (step.text == "\033") app.end_escape();
      app.draw_now();
      return true;
    case ScriptStep::Kind::kType:
      app.type(step.text);
      app.draw_now();
      return true;
    case ScriptStep::Kind::kResize:
      screen_.resize(step.size);
      app.draw_now();
      return true;
    case ScriptStep::Kind::kSaveScreen:
      app.draw_now();
      if (auto saved = write_file_durably(step.text, screen_.shown().text()); !saved) {
        std::fprintf(stderr, "script line %d: %s\n", step.line, saved.error().text().c_str());
        failed_ = 1;
      }
      return true;
    case ScriptStep::Kind::kWaitFor:
      break;
  }
  app.draw_now();
  if (screen_.shown().text().find(step.text) != std::string::npos) return true;
  const MonoTime now = std::chrono::steady_clock::now();
  if (!waiting_since_) waiting_since_ = now;
  if (now - *waiting_since_ < step.patience) return false;
  std::fprintf(stderr, "script line %d: '%s' is not on the screen:\n%s", step.line,
               step.text.c_str(), screen_.shown().text().c_str());
  failed_ = 1;
  return true;
}

std::optional<int> ScriptDriver::advance(App& app) {
  while (next_ < steps_.size() && !failed_) {
    if (!take(app, steps_[next_])) return std::nullopt;
    waiting_since_.reset();
    ++next_;
    if (app.ended()) return std::nullopt;  // the step quit the console
  }
  return failed_.value_or(0);
}

}  // namespace ota::console

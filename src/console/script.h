// Scripts that drive the console: real keys through the real decoder and loop, screens saved as
// text.
//
//   key 2            # a key by its name: a, Enter, PgDn, Ctrl-L
//   type v2.1.5      # text, key by key
//   wait-for UP      # until the text is on the screen; 10 s, or `wait-for 30s TEXT`
//   save-screen F    # the picture as UTF-8 text
//   resize 120x36
//
// A line that begins with # is a comment. The script ends with exit code 0; a wait that fails, 1,
// and says what was on the screen. Thread: UI only.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "console/app.h"

namespace ota::console {

struct ScriptStep {
  enum class Kind : std::uint8_t { kKey, kType, kWaitFor, kSaveScreen, kResize };
  Kind kind;
  std::string text;
  Size size;
  seconds patience{10};
  int line = 0;
};

// kInvalid with the line's number for anything that is not understood.
Result<std::vector<ScriptStep>> parse_script(std::string_view text);
Result<std::vector<ScriptStep>> read_script(const std::filesystem::path& file);
// "80x24"; from 1x1 to 1000x500.
Result<Size> parse_size(std::string_view text);

class ScriptDriver final : public Driver {
 public:
  ScriptDriver(std::vector<ScriptStep> steps, MemoryScreen& screen)
      : steps_(std::move(steps)), screen_(screen) {}
  std::optional<int> advance(App& app) override;

 private:
  // False where the step must be tried again later.
  bool take(App& app, const ScriptStep& step);
  std::vector<ScriptStep> steps_;
  MemoryScreen& screen_;
  std::size_t next_ = 0;
  std::optional<MonoTime> waiting_since_;
  std::optional<int> failed_;
};

}  // namespace ota::console

// The console without a terminal, with a backend that answers at once and a clock that stands.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "console/ui.h"
#include "tests/support/screen_fixture.h"

namespace ota::test {

struct Desk {
  explicit Desk(console::Access access = console::Access::kFull)
      : ui(backend, inbox, clock,
           {console::Charset::kUnicode, console::GraphStyle::kBraille, access}) {}

  FakeBackend backend;
  ManualClock clock{screen_time()};
  std::shared_ptr<console::Inbox> inbox = std::make_shared<console::Inbox>();
  console::Ui ui;

  void keys(std::string_view names) {
    while (!names.empty()) {
      const std::size_t end = names.find(' ');
      press(names.substr(0, end));
      if (end == std::string_view::npos) break;
      names.remove_prefix(end + 1);
    }
  }
  void press(std::string_view name) {
    console::KeyDecoder decoder;
    std::vector<console::Key> decoded;
    decoder.feed(console::bytes_of_key(name).value(), decoded);
    decoder.flush(decoded);
    for (const console::Key& key : decoded)
      ui.handle(key);
    settle();
  }
  void type(std::string_view text) {
    for (const char c : text)
      ui.handle({console::Key::Kind::kText, static_cast<char32_t>(c), {}});
    settle();
  }
  void command(std::string_view line) {
    press(":");
    type(line);
    press("Enter");
  }
  void settle() {
    inbox->run();
    ui.refresh();
  }
  std::string screen(console::Size size = {80, 24}) { return ui.draw(size).text(); }
  bool shows(const std::string& text) { return screen().find(text) != std::string::npos; }
  std::string notice() { return ui.state().notice ? ui.state().notice->text : ""; }
};

}  // namespace ota::test

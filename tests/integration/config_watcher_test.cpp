#include <condition_variable>
#include <fstream>
#include <mutex>

#include "base/file.h"
#include "config/config.h"
#include "config/folder.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::config;

namespace {

using Clk = std::chrono::steady_clock;

// The watcher's last call, to be waited for.
class Calls {
 public:
  Watcher::Changed receiver() {
    return [this](std::shared_ptr<const model::Settings> settings, std::vector<Problem> problems) {
      const std::lock_guard lock(mutex_);
      settings_ = std::move(settings);
      problems_ = std::move(problems);
      ++count_;
      changed_.notify_all();
    };
  }
  template <class Condition>
  bool until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return settings_ != nullptr && condition(*settings_, problems_);
    });
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const model::Settings> settings_;
  std::vector<Problem> problems_;
  int count_ = 0;
};

struct Watched {
  test::TempFolder root;
  Calls calls;
  std::unique_ptr<Watcher> watcher;
  Watched() {
    REQUIRE(write_defaults(root.path()));
    watch();
  }
  void watch() {
    watcher = std::make_unique<Watcher>(
        Folder(root.path(), std::make_shared<const model::Settings>(load(root.path()).value)),
        calls.receiver());
  }
  std::filesystem::path file(const char* name) const { return root.path() / "config" / name; }
};

auto cpu_is(double percent) {
  return [percent](const model::Settings& settings, const std::vector<Problem>& problems) {
    return settings.thresholds.cpu_threshold == percent && problems.empty();
  };
}

}  // namespace

TEST_CASE("an edit by rename, as editors do it, arrives within half a second",
          "[config][threads]") {
  Watched watched;
  const auto start = Clk::now();
  REQUIRE(write_file_durably(watched.file("thresholds.json"), R"({"cpu_threshold": 71})"));
  CHECK(watched.calls.until(cpu_is(71)));
  CHECK(Clk::now() - start < std::chrono::milliseconds(500));
}

TEST_CASE("an edit in place arrives", "[config][threads]") {
  Watched watched;
  std::ofstream(watched.file("thresholds.json")) << R"({"cpu_threshold": 72})";
  CHECK(watched.calls.until(cpu_is(72)));
}

TEST_CASE("a bad edit is reported and its mending too", "[config][threads]") {
  Watched watched;
  REQUIRE(write_file_durably(watched.file("devices.json"), "{\"devices\":[}"));
  CHECK(watched.calls.until([](const auto& settings, const auto& problems) {
    return problems.size() == 1 && problems[0].line == 1 && settings.whitelist.devices.size() == 3;
  }));
  REQUIRE(write_file_durably(watched.file("devices.json"), "{\"devices\":[]}"));
  CHECK(watched.calls.until([](const auto& settings, const auto& problems) {
    return problems.empty() && settings.whitelist.devices.empty();
  }));
}

TEST_CASE("many edits in a moment end in the last one", "[config][threads]") {
  Watched watched;
  for (int i = 1; i <= 30; ++i) {
    REQUIRE(write_file_durably(watched.file("thresholds.json"),
                               "{\"cpu_threshold\": " + std::to_string(i) + "}"));
  }
  CHECK(watched.calls.until(cpu_is(30)));
  CHECK(watched.calls.count() < 30);
}

TEST_CASE("a folder that is replaced as a whole is still watched", "[config][threads]") {
  Watched watched;
  std::filesystem::rename(watched.root.path() / "config", watched.root.path() / "old");
  CHECK(
      watched.calls.until([](const auto&, const auto& problems) { return problems.size() == 4; }));
  REQUIRE(write_defaults(watched.root.path()));
  CHECK(watched.calls.until([](const auto&, const auto& problems) { return problems.empty(); }));
  REQUIRE(write_file_durably(watched.file("thresholds.json"), R"({"cpu_threshold": 73})"));
  CHECK(watched.calls.until(cpu_is(73)));
}

TEST_CASE("an edit between reading and watching is not lost", "[config][threads]") {
  Watched watched;
  watched.watcher.reset();
  auto stale = std::make_shared<const model::Settings>(load(watched.root.path()).value);
  REQUIRE(write_file_durably(watched.file("thresholds.json"), R"({"cpu_threshold": 74})"));
  watched.watcher =
      std::make_unique<Watcher>(Folder(watched.root.path(), stale), watched.calls.receiver());
  CHECK(watched.calls.until(cpu_is(74)));
}

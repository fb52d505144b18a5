#include "agents/engine.h"

#include <fstream>
#include <functional>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "model/failure_code.h"
#include "model/sample_image.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::agent;
using model::JobState;
using Kind = Action::Kind;
namespace fs = std::filesystem;

namespace {

const std::string kImage = model::sample_image(model::Version(2, 1, 5));

// The power goes: unwinds out of the engine as a crash would.
struct PowerCut {};

Command update(const std::string& bytes = kImage) {
  Command command;
  command.job = "job-1";
  command.release.version = model::Version(2, 1, 5);
  command.release.hardware = {"sim-a"};
  command.release.target = "firmware-2.1.5.img";
  command.release.length = bytes.size();
  command.release.sha256 = sha256_hex(bytes);
  return command;
}

Command of_type(Command::Type type) {
  Command command;
  command.type = type;
  command.job = "job-1";
  return command;
}

// A device with a folder on disk; what it fetches, and how healthy it is, the test decides.
struct Device {
  test::TempFolder folder;
  std::string served = kImage;
  Outcome health;
  std::function<void(const Progress&)> while_downloading = [](const Progress&) {};
  std::function<void()> while_installing = [] {};
  Outcome installed;
  std::vector<std::string> given_back;  // "slot version" of every revert
  int cut_at = -1;  // the n-th step that reaches the disk, counted over all starts
  int steps = 0;
  std::vector<std::string> lines;
  int interrupted = 0;
  std::unique_ptr<Engine> engine;

  EnginePorts ports() {
    EnginePorts ports;
    ports.check = [](const Action&) { return Outcome(); };
    ports.check_back = [](const Action&) { return Outcome(); };
    ports.download = [this](const model::Release&, PartialImage& into,
                            const Progress& progress) -> Outcome {
      // In two halves, so that a cut finds a beginning of the file.
      const std::string rest = served.substr(std::min<std::size_t>(into.size(), served.size()));
      (void)into.append(rest.substr(0, rest.size() / 2));
      hook("half downloaded");
      while_downloading(progress);
      (void)into.append(rest.substr(rest.size() / 2));
      progress(100);
      return {};
    };
    ports.install = [this](const fs::path&, const model::Release&) {
      while_installing();
      return installed;
    };
    ports.revert = [this](const fs::path& image, const model::Version& version) {
      given_back.push_back(image.parent_path().filename().string() + " " + version.text());
      return Outcome();
    };
    ports.probe = [this](const fs::path&) { return health; };
    ports.restart = [] { return Outcome(); };
    ports.interrupt = [this] { ++interrupted; };
    ports.say = [this](const std::string& line) { lines.push_back(line); };
    return ports;
  }
  void hook(std::string_view) {
    if (steps++ == cut_at) throw PowerCut{};
  }
  Result<std::unique_ptr<Engine>> open() {
    EngineOptions options;
    options.folder = folder.path();
    options.machine.hardware = "sim-a";
    options.factory_version = model::kFactoryVersion;
    options.hook = [this](std::string_view step) { hook(step); };
    return Engine::open(std::move(options), ports());
  }
  void start() {
    engine.reset();
    auto opened = open();
    REQUIRE(opened.has_value());
    engine = std::move(*opened);
    engine->boot();
  }
  // Works until there is nothing to do; restarts where asked to, and where the power was cut.
  void settle() {
    for (int guard = 0; guard < 100; ++guard) {
      try {
        if (!engine) start();
        check_bootable();
        const Kind kind = engine->step();
        if (engine->restart_due()) engine.reset();
        if (kind == Kind::kWait) return;
      } catch (const PowerCut&) {
        engine.reset();
      }
    }
    FAIL("the device does not settle");
  }
  // Root writes into read-only folders, so a folder takes the state file's place.
  void block_saving() const {
    fs::remove(state_file());
    fs::create_directories(state_file() / "in-the-way");
  }
  fs::path state_file() const { return folder.path() / "state" / "update.json"; }
  // Exactly one slot boots, and its image is whole.
  void check_bootable() const {
    const auto store = SlotStore::open(folder.path() / "slots");
    REQUIRE(store.has_value());
    const auto current = store->current();
    REQUIRE(current.has_value());
    REQUIRE(store->check(*current).has_value());
  }
  bool reported(JobState state) const {
    for (auto entry = engine->next_report(); entry; entry = engine->next_report()) {
      if (entry->report.state == state) return true;
      engine->acknowledged(entry->job, entry->report.seq);
      engine->step();
    }
    return false;
  }
};

}  // namespace

TEST_CASE("a new device starts with the factory image, whose digest is that of the published one",
          "[agent]") {
  Device device;
  device.start();
  const DeviceFacts facts = device.engine->facts();
  CHECK(facts.slot == Slot::kA);
  CHECK(facts.confirmed.version == model::kFactoryVersion);
  CHECK(facts.confirmed.sha256 == sha256_hex(model::sample_image(model::kFactoryVersion)));
  CHECK(facts.running == facts.confirmed);
  device.check_bootable();
}

TEST_CASE("a device with a factory.img of its own starts with that", "[agent]") {
  Device device;
  std::ofstream(device.folder.path() / "factory.img") << "my image";
  device.start();
  CHECK(device.engine->facts().confirmed.sha256 == sha256_hex("my image"));
}

TEST_CASE("an update ends in the other slot, confirmed, with the old image kept", "[agent]") {
  Device device;
  device.start();
  device.engine->command(update());
  device.settle();
  const DeviceFacts facts = device.engine->facts();
  CHECK(facts.slot == Slot::kB);
  CHECK(facts.confirmed.sha256 == sha256_hex(kImage));
  CHECK(std::find(device.lines.begin(), device.lines.end(), "Updated to v2.1.5") !=
        device.lines.end());
  CHECK(device.reported(JobState::kSucceeded));
}

TEST_CASE("a wrong byte and a wrong length each have their own code, and the running image stays",
          "[agent]") {
  Device device;
  device.start();
  std::string code;
  SECTION("one byte differs") {
    device.served[1000] = static_cast<char>(device.served[1000] ^ 1);
    code = "image.hash";
  }
  SECTION("bytes are missing") {
    device.served.resize(5000);
    code = "image.length";
  }
  device.engine->command(update());
  device.settle();
  CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  std::string reported;
  for (auto entry = device.engine->next_report(); entry; entry = device.engine->next_report()) {
    reported = entry->report.error_code;
    device.engine->acknowledged(entry->job, entry->report.seq);
    device.engine->step();
  }
  CHECK(reported == code);
}

TEST_CASE("an unhealthy image falls back, and the reason is among the facts", "[agent]") {
  Device device;
  device.start();
  device.health = Failure{"health.failed", "does not answer", Failure::Again::kNever};
  device.engine->command(update());
  device.settle();
  const DeviceFacts facts = device.engine->facts();
  CHECK(facts.slot == Slot::kA);
  CHECK(facts.confirmed.version == model::kFactoryVersion);
  CHECK(facts.fallback == "v2.1.5: does not answer");
  CHECK(facts.fallback_sha256 == sha256_hex(kImage));
  CHECK(device.reported(JobState::kRolledBack));
}

TEST_CASE(
    "a power cut at any step of an update leaves one whole bootable slot and loses no outcome",
    "[agent]") {
  const auto healthy = GENERATE(true, false);
  int last = 0;
  for (int cut = 0; cut <= last; ++cut) {
    Device device;
    device.start();
    if (!healthy) device.health = Failure{"health.failed", "no", Failure::Again::kNever};
    device.steps = 0;
    device.cut_at = cut;
    device.engine->command(update());
    device.settle();
    // Where the cut came before the job was durable the server repeats its command.
    device.engine->command(update());
    device.settle();
    device.cut_at = -1;
    INFO("cut at step " << cut);
    CHECK((device.engine->facts().confirmed.sha256 == sha256_hex(kImage)) == healthy);
    CHECK(device.engine->facts().running == device.engine->facts().confirmed);
    CHECK(device.reported(healthy ? JobState::kSucceeded : JobState::kRolledBack));
    if (cut == 0) {
      Device whole;
      whole.start();
      whole.health = device.health;
      whole.steps = 0;
      whole.engine->command(update());
      whole.settle();
      last = whole.steps;
      CHECK(last > 15);
    }
  }
}

TEST_CASE("a power cut at any step of the first start is mended by the next", "[agent]") {
  for (int cut = 0; cut < 20; ++cut) {
    Device device;
    device.cut_at = cut;
    try {
      device.start();
    } catch (const PowerCut&) {
      device.engine.reset();
    }
    device.cut_at = -1;
    device.settle();
    device.check_bootable();
    CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  }
}

TEST_CASE("damaged state is made anew from the slot that boots", "[agent]") {
  Device device;
  device.start();
  device.engine->command(update());
  device.settle();
  std::ofstream(device.state_file()) << "{\"format\":1";
  device.start();
  CHECK(device.engine->facts().slot == Slot::kB);
  CHECK(device.engine->facts().confirmed.sha256 == sha256_hex(kImage));
  CHECK(device.lines.back().starts_with("the update state is damaged"));
  CHECK(read_file(device.state_file().string() + ".damaged", 100).value() == "{\"format\":1");
}

TEST_CASE("without a state, and with a slot that boots and says nothing, it begins anew",
          "[agent]") {
  Device device;
  device.start();
  device.engine->command(update());
  device.settle();
  REQUIRE(device.engine->facts().slot == Slot::kB);
  fs::remove(device.state_file());
  fs::remove(device.folder.path() / "slots" / "b" / "version.json");
  device.start();
  CHECK(device.engine->facts().slot == Slot::kA);
  CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
}

TEST_CASE("an agent's way back is open although the old image was damaged meanwhile", "[agent]") {
  Device device;
  device.start();
  device.health = Failure{"health.failed", "does not answer", Failure::Again::kNever};
  device.engine->command(update());
  while (device.engine->step() != Kind::kRestart) {
  }
  std::ofstream(device.folder.path() / "slots" / "a" / "image", std::ios::app) << "x";
  device.start();
  for (int i = 0; i < 20 && !device.engine->restart_due(); ++i)
    device.engine->step();
  const auto store = SlotStore::open(device.folder.path() / "slots");
  REQUIRE(store.has_value());
  CHECK(store->current().value() == Slot::kA);
}

TEST_CASE("what the server is trusted for is kept: no earlier time, no lower version", "[agent]") {
  Device device;
  device.start();
  const WallTime told = *parse_rfc3339("2026-01-02T03:04:05Z");
  device.engine->trusted_time(told);
  CHECK(device.engine->clock_floor() == told);
  device.engine->version_floor(model::Version(3, 0, 0));
  device.engine->command(update());
  device.settle();
  CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  const auto entry = device.engine->next_report();
  REQUIRE(entry);
  CHECK(entry->report.error_code == model::failure_code::kDowngrade);
}

TEST_CASE("to end an agent interrupts what it is about", "[agent]") {
  Device device;
  device.start();
  device.engine->stop();
  CHECK(device.interrupted == 1);
}

TEST_CASE("state of a newer agent is refused and left as it is", "[agent]") {
  Device device;
  device.start();
  device.engine.reset();
  const std::string newer = R"({"format":2,"highest":"9.9.9"})";
  std::ofstream(device.state_file()) << newer;
  const auto opened = device.open();
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == Errc::kConflict);
  CHECK(opened.error().text().find("newer agent (form 2, this one knows 1)") != std::string::npos);
  CHECK(read_file(device.state_file(), 100).value() == newer);
}

TEST_CASE("an image changed on disk after its check does not run", "[agent]") {
  Device device;
  device.start();
  device.engine->command(update());
  while (device.engine->step() != Kind::kInstall) {
  }
  std::ofstream(device.folder.path() / "slots" / "b" / "image", std::ios::app) << "x";
  device.settle();
  CHECK(device.engine->facts().slot == Slot::kA);
  REQUIRE(device.reported(JobState::kFailed));
  CHECK(device.engine->next_report()->report.detail.find("not the one that was installed") !=
        std::string::npos);
}

TEST_CASE("a link in place of the download is not followed", "[agent]") {
  Device device;
  device.start();
  const fs::path victim = device.folder.path() / "victim";
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, device.folder.path() / "slots" / "b" / (sha256_hex(kImage) + ".part"));
  device.engine->command(update());
  device.settle();
  CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  CHECK(fs::file_size(victim) == 8);
}

TEST_CASE("the running slot is never written to", "[agent]") {
  Device device;
  device.start();
  auto store = SlotStore::open(device.folder.path() / "slots");
  REQUIRE(store.has_value());
  CHECK(store->begin(Slot::kA, std::string(64, 'a')).error().code == Errc::kConflict);
  CHECK(store->commit(Slot::kA, model::Image{}).error().code == Errc::kConflict);
  CHECK(store->make_current(Slot::kB).error().code == Errc::kConflict);  // it holds nothing
}

TEST_CASE("an interrupted download goes on from where it was", "[agent]") {
  Device device;
  device.start();
  std::uint64_t found = 0;
  auto store = SlotStore::open(device.folder.path() / "slots");
  REQUIRE(store.has_value());
  {
    auto part = store->begin(Slot::kB, sha256_hex(kImage));
    REQUIRE(part.has_value());
    REQUIRE(part->append(kImage.substr(0, 12345)).has_value());
  }
  auto part = store->begin(Slot::kB, sha256_hex(kImage));
  REQUIRE(part.has_value());
  found = part->size();
  CHECK(found == 12345);
  auto other_release = store->begin(Slot::kB, std::string(64, 'c'));
  REQUIRE(other_release.has_value());
  CHECK(other_release->size() == 0);
  CHECK_FALSE(fs::exists(store->partial_path(Slot::kB, sha256_hex(kImage))));
}

TEST_CASE("a state that cannot be saved ends the update as failed and is told all the same",
          "[agent]") {
  Device device;
  device.start();
  device.block_saving();
  device.engine->command(update());
  CHECK(device.engine->step() == Kind::kWait);
  const auto report = device.engine->next_report();
  REQUIRE(report.has_value());
  JobState last = report->report.state;
  while (const auto entry = device.engine->next_report()) {
    last = entry->report.state;
    device.engine->acknowledged(entry->job, entry->report.seq);
  }
  CHECK(last == JobState::kFailed);
  fs::remove_all(device.state_file());
  CHECK(device.engine->step() == Kind::kWait);
  CHECK(fs::is_regular_file(device.state_file()));
}

TEST_CASE("an acknowledgement during a download does not hold back the reports that follow",
          "[agent]") {
  Device device;
  device.start();
  std::vector<int> told;
  device.while_downloading = [&](const Progress& progress) {
    for (const int percent : {10, 20, 30}) {
      progress(percent);
      const auto entry = device.engine->next_report();
      if (!entry) return;
      told.push_back(entry->report.percent);
      device.engine->acknowledged(entry->job, entry->report.seq);
    }
  };
  device.engine->command(update());
  CHECK_FALSE(device.engine->next_report());  // the job itself is not durable yet
  device.settle();
  CHECK(told == std::vector<int>{10, 20, 30});
  while (const auto entry = device.engine->next_report())
    device.engine->acknowledged(entry->job, entry->report.seq);
  device.engine->step();
  device.start();
  CHECK_FALSE(device.engine->has_reports());  // an acknowledgement is saved too, in its turn
}

TEST_CASE("what became of an update is told when it is durable, also where nothing came of it",
          "[agent]") {
  Device device;
  device.start();
  JobState expected = JobState::kFailed;
  Command command = update();
  command.release.hardware = {"another model"};
  SECTION("refused") {}
  SECTION("cancelled") {
    command.type = Command::Type::kCancel;
    expected = JobState::kCancelled;
  }
  device.engine->command(command);
  CHECK(device.engine->has_reports());
  CHECK_FALSE(device.engine->next_report());
  device.engine->step();
  const auto told = device.engine->next_report();
  REQUIRE(told);
  CHECK(told->report.state == expected);
}

TEST_CASE("only a command that changes what is saved is counted as one", "[agent]") {
  using Effect = Engine::Effect;
  Device device;
  device.start();
  CHECK(device.engine->command(update()) == Effect::kChanged);
  CHECK(device.engine->command(update()) == Effect::kNone);  // repeated while it runs
  CHECK(device.engine->command(of_type(Command::Type::kRollback)) == Effect::kNone);
  CHECK(device.engine->command(of_type(Command::Type::kCancel)) == Effect::kChanged);
  Command never = of_type(Command::Type::kCancel);
  never.job = "job-7";
  CHECK(device.engine->command(never) == Effect::kChanged);
}

TEST_CASE("a success that cannot be saved is not told before it can", "[agent]") {
  Device device;
  device.start();
  device.engine->command(update());
  while (!device.engine->restart_due())
    device.engine->step();
  device.start();
  device.block_saving();
  CHECK(device.engine->step() == Kind::kProbe);
  CHECK(device.engine->has_reports());
  CHECK_FALSE(device.engine->next_report());
  // What runs is what runs; that it is confirmed a power cut could still undo.
  CHECK(device.engine->facts().running.sha256 == sha256_hex(kImage));
  CHECK(device.engine->facts().slot == Slot::kB);
  CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  fs::remove_all(device.state_file());
  CHECK(device.engine->step() == Kind::kWait);
  CHECK(device.engine->facts().confirmed.sha256 == sha256_hex(kImage));
  CHECK(device.reported(JobState::kSucceeded));
}

TEST_CASE("what an installer did is undone where its job comes to nothing", "[agent]") {
  Device device;
  device.start();
  SECTION("nothing to undo after an update that held") {
    device.engine->command(update());
    device.settle();
    CHECK(device.given_back.empty());
  }
  SECTION("an image that does not hold") {
    device.health = Failure{"health.failed", "the fan stands", Failure::Again::kNever};
    device.engine->command(update());
    device.settle();
    CHECK(device.given_back == std::vector<std::string>{"a 2.1.4"});
  }
  SECTION("the installer fails half way") {
    device.installed = Failure{"install.failed", "exit status 7", Failure::Again::kNever};
    device.engine->command(update());
    device.settle();
    CHECK(device.given_back == std::vector<std::string>{"a 2.1.4"});
  }
  SECTION("the job is cancelled meanwhile") {
    device.while_installing = [&] { device.engine->command(of_type(Command::Type::kCancel)); };
    device.engine->command(update());
    device.settle();
    CHECK(device.given_back == std::vector<std::string>{"a 2.1.4"});
    CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  }
  SECTION("the operator rolls back") {
    device.engine->command(update());
    device.settle();
    device.engine->command(of_type(Command::Type::kRollback));
    device.settle();
    CHECK(device.given_back == std::vector<std::string>{"a 2.1.4"});
    CHECK(device.engine->facts().confirmed.version == model::kFactoryVersion);
  }
}

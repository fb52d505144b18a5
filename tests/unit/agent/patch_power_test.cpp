// Updates by patches, with the power cut at every step that reaches the disk and at every piece that
// comes from the network.
#include <fstream>
#include <random>

#include "agents/engine.h"
#include "agents/patcher.h"
#include "base/digest.h"
#include "base/file.h"
#include "delta/error.h"
#include "delta/patch_file.h"
#include "model/sample_image.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/agent/file_server.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using namespace ota::agent;
using Kind = Action::Kind;
namespace fs = std::filesystem;

namespace {

struct CutOff {};

// What is published: the same for all devices of this file.
struct Offer {
  // `noise`: bytes of the images that no packing makes shorter.
  explicit Offer(std::size_t noise = 0) {
    base = as_text(ota::test::program_like(60000, 1));
    base += as_text(ota::test::noise(noise, 2));
    image = base;
    for (std::size_t i = 500; i < image.size(); i += 3000)
      ++image[i];
    write("base", base);
    write("image", image);
    make("patch", patch_file, patch, folder.path() / "base");
    make("packed", packed_file, packed, {});
    patch.from = sha256_hex(base);
    patch.from_version = model::kFactoryVersion;
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder.path() / name, std::ios::binary) << bytes;
  }
  void make(const std::string& name, std::string& file, tuf::Patch& into, const fs::path& from) {
    delta::EncodeOptions options;
    options.block_log = 14;
    options.window_log = 12;
    const delta::Head head =
        delta::make_patch(from, folder.path() / "image", folder.path() / name, options).value();
    file = read_file(folder.path() / name, 1000000).value();
    into.length = file.size();
    into.sha256 = sha256_hex(file);
    into.head = to_hex(sha256(delta::serialize(head)));
  }

  ota::test::TempFolder folder{ota::test::TempFolder::fast_parent()};
  std::string base, image, patch_file, packed_file;
  tuf::Patch patch, packed;
};

enum class Spoilt { kNothing, kPatch, kBoth, kBase };

struct CutDevice {
  CutDevice(const Offer& what, Spoilt wrong) : published(what), spoilt(wrong) {
    std::ofstream(folder.path() / "factory.img", std::ios::binary) << published.base;
  }

  EnginePorts ports() {
    EnginePorts ports;
    ports.check = [](const Action&) { return Outcome(); };
    ports.patches = [this] { return std::vector{published.packed, published.patch}; };
    ports.patch = [this](const Action& action, const BaseFiles& base, PartialImage& into,
                         const Progress&) -> Outcome { return patch(action, base, into); };
    ports.download = [this](const model::Release&, PartialImage& into, const Progress&) -> Outcome {
      const std::string rest = published.image.substr(static_cast<std::size_t>(into.size()));
      raw += rest.size();
      (void)into.append(rest.substr(0, rest.size() / 2));
      hook("half downloaded");
      (void)into.append(rest.substr(rest.size() / 2));
      return {};
    };
    ports.probe = [](const fs::path&) { return Outcome(); };
    ports.restart = [] { return Outcome(); };
    return ports;
  }
  Outcome patch(const Action& action, const BaseFiles& base, PartialImage& into) {
    const bool whole = action.patch.from.empty();
    ota::test::FileServer server;
    server.file = whole ? published.packed_file : published.patch_file;
    if (spoilt == Spoilt::kBoth || (spoilt == Spoilt::kPatch && !whole)) server.file.back() ^= 1;
    server.piece = spoilt == Spoilt::kBase ? 9000 : 700;
    server.base = published.base;
    const std::string url = "/x";
    const std::string base_url = ota::test::FileServer::kBase;
    const auto done = fetch_patch(server,
                                  {action.release,
                                   action.patch,
                                   url,
                                   base,
                                   base_url,
                                   {},
                                   [this] {
                                     hook("a piece");
                                     return Result<void>();
                                   },
                                   [](const std::string&) {}},
                                  into);
    sent += server.sent;
    mended += server.base_sent;
    if (done) return {};
    return Failure{std::string(delta::word_of(done.error().code)), done.error().text(),
                   Failure::Again::kNever};
  }
  void hook(std::string_view) {
    if (steps++ == cut_at) throw CutOff{};
  }
  void start() {
    engine.reset();
    EngineOptions options;
    options.folder = folder.path();
    options.machine.hardware = "sim-a";
    options.factory_version = model::kFactoryVersion;
    options.hook = [this](std::string_view step) { hook(step); };
    auto opened = Engine::open(std::move(options), ports());
    REQUIRE(opened.has_value());
    engine = std::move(*opened);
    engine->boot();
  }
  void settle() {
    for (int guard = 0; guard < 200; ++guard) {
      try {
        if (!engine) start();
        check_bootable();
        const Kind kind = engine->step();
        if (engine->restart_due()) engine.reset();
        if (kind == Kind::kWait) return;
      } catch (const CutOff&) {
        engine.reset();
        if (next_cut) cut_at = steps + next_cut();
      }
    }
    FAIL("the device does not settle");
  }
  void check_bootable() const {
    const auto store = SlotStore::open(folder.path() / "slots");
    // A base that changed by itself is what boots until the update is through.
    if (spoilt == Spoilt::kBase && store->current().value() == Slot::kA) {
      CHECK(read_file(store->image_path(Slot::kA), 1000000).value() == changed_base());
      return;
    }
    REQUIRE(store->check(store->current().value()).has_value());
  }
  std::string changed_base() const {
    std::string bytes = published.base;
    for (const std::size_t place : {std::size_t{10}, 3 * kPiece, 3 * kPiece + 10})
      bytes[place] = static_cast<char>(~bytes[place]);
    return bytes;
  }
  // After its first start, as a partition does that is mounted writable.
  void change_base() const {
    std::ofstream(folder.path() / "slots" / "a" / "image", std::ios::binary) << changed_base();
  }
  void update() {
    Command command;
    command.job = "job-1";
    command.release.version = model::Version(2, 1, 5);
    command.release.hardware = {"sim-a"};
    command.release.target = "sim-a/firmware-2.1.5.img";
    command.release.length = published.image.size();
    command.release.sha256 = sha256_hex(published.image);
    if (!engine) start();
    engine->command(command);
  }
  // Twice: where the cut came before the job was durable the server repeats its command.
  void play() {
    update();
    settle();
    cut_at = -1;
    next_cut = nullptr;
    update();
    settle();
    CHECK(engine->facts().confirmed.sha256 == sha256_hex(published.image));
    CHECK(read_file(engine->running_image(), 1000000).value() == published.image);
    // Nothing is left of the way.
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "slots"))
      CHECK(entry.path().extension() != ".mended");
  }

  const Offer& published;
  Spoilt spoilt;
  ota::test::TempFolder folder{ota::test::TempFolder::fast_parent()};
  int cut_at = -1;
  std::function<int()> next_cut;  // steps until the power is cut again
  int steps = 0;
  std::uint64_t sent = 0, mended = 0, raw = 0;
  std::unique_ptr<Engine> engine;
};

}  // namespace

TEST_CASE("the patch and the packed image together are the most that is fetched",
          "[agent][delta]") {
  const Offer published;
  const std::uint64_t patch = published.patch.length;
  const std::uint64_t packed = published.packed.length;
  CutDevice good(published, Spoilt::kNothing);
  good.play();
  CHECK(good.sent == patch);
  CHECK(good.raw == 0);
  // The last block is what is wrong: it comes twice, and the packed image's last one instead.
  CutDevice spoilt(published, Spoilt::kPatch);
  spoilt.play();
  CHECK(spoilt.sent <= patch + packed);
  CHECK(spoilt.raw == 0);
  CutDevice both(published, Spoilt::kBoth);
  both.play();
  CHECK(both.raw < published.image.size() / 3);
}

TEST_CASE("a base that changed in places is mended, for less than the packed image costs",
          "[agent][delta]") {
  const Offer published(400000);
  CutDevice device(published, Spoilt::kBase);
  device.start();
  device.change_base();
  device.play();
  CHECK(device.mended == 2 * kPiece);
  CHECK(device.sent == published.patch.length);
  CHECK(static_cast<double>(device.mended + device.sent) <=
        tuf::kWorthPatching * static_cast<double>(published.packed.length));
  CHECK(device.raw == 0);
}

TEST_CASE(
    "a power cut at any step of an update from a mended base leaves a device that comes "
    "through",
    "[agent][delta]") {
  const Offer published(400000);
  CutDevice whole(published, Spoilt::kBase);
  whole.start();
  whole.change_base();
  whole.steps = 0;
  whole.play();
  CHECK(whole.steps > 30);
  for (int cut = 0; cut < whole.steps; ++cut) {
    INFO("cut at step " << cut);
    CutDevice device(published, Spoilt::kBase);
    device.start();
    device.change_base();
    device.steps = 0;
    device.cut_at = cut;
    device.play();
    CHECK(device.raw == 0);
    // What was under way when the power went comes again: a piece, a block of the patch, or all
    // where the image lay in its slot and was not armed.
    CHECK(device.mended <= 2 * 2 * kPiece);
    CHECK(device.sent <= 2 * published.patch.length);
  }
}

TEST_CASE(
    "a power cut at any step of a patched update leaves one whole bootable slot, and the "
    "update comes through",
    "[agent][delta]") {
  const Offer published;
  for (const Spoilt spoilt : {Spoilt::kNothing, Spoilt::kPatch, Spoilt::kBoth}) {
    CutDevice whole(published, spoilt);
    whole.start();
    whole.steps = 0;
    whole.play();
    CHECK(whole.steps > 20);
    for (int cut = 0; cut < whole.steps; ++cut) {
      INFO("cut at step " << cut);
      CutDevice device(published, spoilt);
      device.start();
      device.steps = 0;
      device.cut_at = cut;
      device.play();
    }
  }
}

TEST_CASE("a device whose power is cut again and again ends with the image", "[agent][delta]") {
  const Offer published;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::minstd_rand random(seed);
    CutDevice device(published, seed % 2 == 0 ? Spoilt::kNothing : Spoilt::kPatch);
    device.start();
    device.next_cut = [&] { return static_cast<int>(5 + random() % 30); };
    device.cut_at = device.steps + device.next_cut();
    device.play();
  }
}

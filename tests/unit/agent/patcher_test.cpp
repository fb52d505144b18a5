// An image that is made of a patch, over a network and a disk that a test spoils.
#include "agents/patcher.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "delta/error.h"
#include "delta/patch_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/agent/file_server.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using namespace ota::agent;
using ota::test::FileServer;

namespace {

// A device with a base of 60 kB whose new image has four blocks, and a patch between them.
struct PatchedDevice {
  PatchedDevice() {
    base = ota::test::program_like(60000, 1);
    image = base;
    for (std::size_t i = 500; i < image.size(); i += 3000)
      image[i] = static_cast<std::uint8_t>(image[i] + 1);
    const Bytes fresh = ota::test::noise(2000, 5);
    image.insert(image.begin() + 30000, fresh.begin(), fresh.end());
    write("base", base);
    write("image", image);
    make("patch", "base", "image");
    head = delta::read_head(path("patch")).value();
    REQUIRE(head.blocks.size() == 4);
    server.file = read("patch");
    patch.from = to_hex(head.base);
    patch.length = server.file.size();
    patch.head = to_hex(sha256(delta::serialize(head)));
    release.length = image.size();
    release.sha256 = to_hex(head.image);
  }
  std::filesystem::path path(const std::string& name) const { return folder.path() / name; }
  void write(const std::string& name, ByteView bytes) const {
    std::ofstream(path(name), std::ios::binary) << as_text(bytes);
  }
  std::string read(const std::string& name) const {
    return read_file(path(name), std::size_t{1} << 20).value();
  }
  void make(const std::string& to, const std::string& from, const std::string& of) const {
    delta::EncodeOptions options;
    options.block_log = 14;
    options.window_log = 12;
    REQUIRE(delta::make_patch(from.empty() ? std::filesystem::path() : path(from), path(of),
                              path(to), options)
                .has_value());
  }
  // What is there of the image before.
  void leave(ByteView bytes) {
    auto part = slots.begin(Slot::kB, release.sha256);
    REQUIRE(part->truncate().has_value());
    REQUIRE(part->append(as_text(bytes)).has_value());
  }
  Result<void> fetch() {
    auto part = slots.begin(Slot::kB, release.sha256);
    const std::string url = "/x";
    const std::string no_base;
    const BaseFiles files{path("base"), {}, {}, 0};
    return fetch_patch(server,
                       {release, patch, url, files, no_base, {}, [] { return Result<void>(); }, {}},
                       *part);
  }
  std::string there() const {
    return read_file(slots.partial_path(Slot::kB, release.sha256), std::size_t{1} << 20).value();
  }
  bool whole() const { return there() == as_text(image); }
  ByteView first(std::size_t bytes) const { return ByteView(image).first(bytes); }

  ota::test::TempFolder folder{ota::test::TempFolder::fast_parent()};
  SlotStore slots = SlotStore::open(folder.path() / "slots").value();
  Bytes base, image;
  delta::Head head;
  FileServer server;
  tuf::Patch patch;
  model::Release release;
};

constexpr std::size_t kBlock = 1U << 14;

}  // namespace

TEST_CASE("the image is made of base and patch in one request", "[agent][delta]") {
  PatchedDevice device;
  device.server.piece = GENERATE(1, 7, 95, 1000, 1000000);
  CHECK(device.fetch().has_value());
  CHECK(device.whole());
  CHECK(device.server.offsets == std::vector<std::uint64_t>{0});
  CHECK(device.server.sent == device.patch.length);
}

TEST_CASE("a packed image needs no base", "[agent][delta]") {
  PatchedDevice device;
  device.make("patch", "", "image");
  device.server.file = device.read("patch");
  device.patch = {"",
                  {},
                  device.server.file.size(),
                  "",
                  to_hex(sha256(delta::serialize(delta::read_head(device.path("patch")).value())))};
  std::filesystem::remove(device.path("base"));
  CHECK(device.fetch().has_value());
  CHECK(device.whole());
}

TEST_CASE("a base that differs costs no byte of the network", "[agent][delta]") {
  PatchedDevice device;
  Bytes other = device.base;
  SECTION("in a byte") {
    other[59999] ^= 1;
  }
  SECTION("cut short") {
    other.pop_back();
  }
  SECTION("empty") {
    other.clear();
  }
  device.write("base", other);
  CHECK(device.fetch().error().code == delta::Errc::kBaseDiffers);
  CHECK(device.server.offsets.empty());
}

TEST_CASE("a network that is cut anywhere, or slow, costs no block that was whole",
          "[agent][delta]") {
  PatchedDevice device;
  device.server.cut_error = GENERATE(Errc::kUnavailable, Errc::kTimeout);
  device.server.piece = 50;
  const std::uint64_t length = device.patch.length;
  for (std::uint64_t at = 0; at < length; at += length / 40) {
    device.leave({});
    device.server.cut_after = at;
    device.server.sent = 0;
    const auto first = device.fetch();
    REQUIRE(first.has_error());
    CHECK(first.error().code == device.server.cut_error);
    const std::size_t kept = device.there().size();
    CHECK(kept % kBlock == 0);
    CHECK(device.fetch().has_value());
    CHECK(device.whole());
    // The head twice, the block in which it was cut twice, and what was under way.
    std::uint64_t largest = 0;
    for (const delta::Block& block : device.head.blocks)
      largest = std::max<std::uint64_t>(largest, block.coded_length);
    CHECK(device.server.sent <= length + device.head.head_length() + largest + 3 * 50);
  }
}

TEST_CASE("what is there of the image stays as far as its last whole block fits",
          "[agent][delta]") {
  PatchedDevice device;
  std::uint64_t from = 0;
  SECTION("whole blocks") {
    device.leave(device.first(2 * kBlock));
    from = device.head.offset_of(2);
  }
  SECTION("and a part of one") {
    device.leave(device.first(3 * kBlock - 1));
    from = device.head.offset_of(2);
  }
  SECTION("a block that is not what it has to be") {
    Bytes bytes(device.image.begin(), device.image.begin() + 3 * kBlock);
    bytes[2 * kBlock + 5] ^= 1;
    device.leave(bytes);
    from = device.head.offset_of(2);
  }
  SECTION("nothing that fits") {
    device.leave(ota::test::noise(2 * kBlock, 1));
    from = 0;
  }
  SECTION("more than the image") {
    device.leave(ota::test::noise(5 * kBlock, 1));
    from = 0;
  }
  SECTION("the whole image") {
    device.leave(device.image);
    from = ~std::uint64_t{0};
  }
  CHECK(device.fetch().has_value());
  CHECK(device.whole());
  if (from == ~std::uint64_t{0} || from == 0) {
    CHECK(device.server.offsets == std::vector<std::uint64_t>{0});
  } else {
    CHECK(device.server.offsets == std::vector<std::uint64_t>{0, from});
  }
}

TEST_CASE("a block that comes out wrong is fetched once more, and then given up",
          "[agent][delta]") {
  PatchedDevice device;
  const std::string good = device.server.file;
  const auto place = static_cast<std::size_t>(device.head.offset_of(2)) + 20;
  device.server.file[place] ^= 1;
  SECTION("the second time it is right") {
    device.server.at_each_piece = [&] {
      if (device.server.offsets.size() > 1) device.server.file = good;
    };
    CHECK(device.fetch().has_value());
    CHECK(device.whole());
  }
  SECTION("it is wrong again") {
    CHECK(device.fetch().error().code == delta::Errc::kBlock);
    CHECK(device.there() == as_text(device.first(2 * kBlock)));
  }
  CHECK(device.server.offsets == std::vector<std::uint64_t>{0, device.head.offset_of(2)});
}

TEST_CASE("a server that spoils each block at first has only one sent again", "[agent][delta]") {
  PatchedDevice device;
  const std::string good = device.server.file;
  device.server.at_each_piece = [&] {
    // The next block is wrong whenever a request begins.
    device.server.file = good;
    const std::size_t spoilt = device.server.offsets.size() == 1 ? 1 : 2;
    device.server.file[static_cast<std::size_t>(device.head.offset_of(spoilt)) + 20] ^= 1;
  };
  CHECK(device.fetch().error().code == delta::Errc::kBlock);
  CHECK(device.there() == as_text(device.first(2 * kBlock)));
  CHECK(device.server.offsets == std::vector<std::uint64_t>{0, device.head.offset_of(1)});
}

TEST_CASE("a base that changes while it is read makes no image", "[agent][delta]") {
  PatchedDevice device;
  device.server.at_each_piece = [&] {
    std::ofstream(device.path("base"), std::ios::binary) << std::string(60000, 'x');
  };
  CHECK(device.fetch().error().code == delta::Errc::kBlock);
  CHECK(device.there().empty());
}

TEST_CASE("a disk that is full anywhere in a patch leaves whole blocks, and goes on from them",
          "[agent][delta]") {
  for (std::size_t room = 0; room < 4 * kBlock; room += 7001) {
    PatchedDevice device;
    INFO("room for " << room << " bytes");
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    const rlimit small{room, limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto full = device.fetch();
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, before);
    if (room >= device.image.size()) {
      CHECK(full.has_value());
      continue;
    }
    REQUIRE(full.has_error());
    CHECK(full.error().code.category() != delta::category());
    CHECK(device.there() == as_text(device.first(room / kBlock * kBlock)));
    CHECK(device.fetch().has_value());
    CHECK(device.whole());
  }
}

TEST_CASE("a base that is cut short while it is read makes no image", "[agent][delta]") {
  PatchedDevice device;
  device.server.at_each_piece = [&] { std::filesystem::resize_file(device.path("base"), 100); };
  CHECK(device.fetch().has_error());
  CHECK_FALSE(device.whole());
}

TEST_CASE("a head that was not signed is refused before a block is fetched for it",
          "[agent][delta]") {
  PatchedDevice device;
  device.server.piece = device.head.head_length();
  SECTION("a patch of the server's own") {
    Bytes evil = device.image;
    evil[5] ^= 1;
    device.write("evil", evil);
    device.make("patch", "base", "evil");
    device.server.file = device.read("patch");
    device.server.piece = 100;
    CHECK(device.fetch().error().code == delta::Errc::kHead);
    CHECK(device.server.sent < device.head.head_length() + 100);
  }
  SECTION("any byte of it") {
    for (std::size_t i = 0; i < device.head.head_length(); i += 3) {
      device.server.file[i] ^= 4;
      CHECK(device.fetch().error().code == delta::Errc::kHead);
      device.server.file[i] ^= 4;
    }
  }
  SECTION("signed for another image") {
    device.release.sha256 = std::string(64, 'a');
    CHECK(device.fetch().error().code == delta::Errc::kHead);
  }
  SECTION("signed with another length") {
    ++device.patch.length;
    CHECK(device.fetch().error().code == delta::Errc::kHead);
  }
  CHECK(device.there().empty());
}

TEST_CASE("a file that is longer or shorter than the signed patch is no patch", "[agent][delta]") {
  PatchedDevice device;
  SECTION("longer") {
    device.server.file += "more";
    SECTION("in a piece of its own: the image is whole by then") {
      device.server.piece = 1;
      CHECK(device.fetch().has_value());
    }
    SECTION("with the end of the patch") {
      CHECK(device.fetch().error().code == delta::Errc::kBlock);
    }
    CHECK(device.server.sent <= device.patch.length);
  }
  SECTION("shorter") {
    device.server.file.pop_back();
    CHECK(device.fetch().error().code == Errc::kUnavailable);
  }
  SECTION("not there") {
    device.server.status = 404;
    CHECK(device.fetch().error().code == Errc::kNotFound);
  }
  SECTION("a server that is busy") {
    device.server.status = GENERATE(429, 503);
    CHECK(device.fetch().error().code == Errc::kUnavailable);
  }
}

TEST_CASE("a server that sends no part of a file ends the patch, and the image stays as it was",
          "[agent][delta]") {
  PatchedDevice device;
  device.leave(device.first(2 * kBlock));
  device.server.at_each_piece = [&] { device.server.ignores_ranges = true; };
  CHECK(device.fetch().error().code == Errc::kNotFound);
  CHECK(device.there() == as_text(device.first(2 * kBlock)));
}

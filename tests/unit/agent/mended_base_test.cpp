// A base that changed in places, over a network and a disk that a test spoils.
#include "agents/mended_base.h"

#include <fstream>

#include "base/read_exactly.h"
#include "delta/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/agent/file_server.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using namespace ota::agent;
using ota::test::FileServer;

namespace {

constexpr std::size_t kImage = 5 * kPiece + 1234;
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;

// A device whose image has six pieces, the last one a short one.
struct ChangedDevice {
  ChangedDevice() {
    server.base = as_text(ota::test::noise(kImage, 1));
    server.piece = 1000;
    files = {path("image"), path("pieces"), path("mended"), kPlenty};
    sha256 = sha256_hex(server.base);
    image = server.base;
    write("image", image);
    note(image, sha256, kPiece);
  }
  std::filesystem::path path(const std::string& name) const { return folder.path() / name; }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string read(const std::string& name) const {
    return read_file(path(name), std::size_t{1} << 20).value();
  }
  void note(const std::string& bytes, const std::string& digest, std::size_t at_a_time) const {
    PieceNotes notes;
    for (std::size_t at = 0; at < bytes.size(); at += at_a_time)
      notes.add(as_bytes(std::string_view(bytes).substr(at, at_a_time)));
    REQUIRE(notes.write(real_disk(), path("pieces"), digest).has_value());
  }
  void change(std::initializer_list<std::size_t> places) {
    for (const std::size_t place : places)
      image[place] = static_cast<char>(~image[place]);
    write("image", image);
  }
  Result<MendedBase> open() {
    return MendedBase::open(server, {files, sha256, base_path, {}, [] { return Result<void>(); }});
  }
  bool differs() { return open().error().code == delta::Errc::kBaseDiffers; }
  // All of it, read at places that have nothing to do with pieces.
  std::string all(const MendedBase& base) const {
    std::string out(kImage, '\0');
    constexpr std::size_t kStep = 50000;
    for (std::size_t at = 0; at < kImage; at += kStep) {
      const std::size_t part = std::min(kStep, kImage - at);
      REQUIRE(base.read(at, {reinterpret_cast<std::uint8_t*>(out.data()) + at, part}).has_value());
    }
    return out;
  }

  ota::test::TempFolder folder{ota::test::TempFolder::fast_parent()};
  FileServer server;
  BaseFiles files;
  std::string base_path = FileServer::kBase;
  std::string sha256, image;
};

}  // namespace

TEST_CASE("a base as it was published is read as it is", "[agent][delta]") {
  ChangedDevice device;
  const auto base = device.open();
  REQUIRE(base.has_value());
  CHECK(base->mended() == 0);
  CHECK(device.all(*base) == device.server.base);
  CHECK(device.server.base_ranges.empty());
}

TEST_CASE("of a base that changed in places the pieces that changed are fetched, and no more",
          "[agent][delta]") {
  ChangedDevice device;
  device.server.piece = GENERATE(1000, 65536, 1000000);
  device.change({kPiece, 2 * kPiece + 7, kImage - 1});
  const auto base = device.open();
  REQUIRE(base.has_value());
  CHECK(base->mended() == 3);
  CHECK(base->length() == kImage);
  CHECK(device.all(*base) == device.server.base);
  CHECK(device.server.base_ranges == std::vector<std::string>{"65536-196607", "327680-328913"});
  CHECK(device.server.base_sent == 2 * kPiece + 1234);
  CHECK(device.read("image") == device.image);
}

TEST_CASE("a base that is not worth mending, or cannot be, costs no byte of the network",
          "[agent][delta]") {
  ChangedDevice device;
  device.change({5});
  SECTION("it differs wholly") {
    device.write("image", std::string(kImage, 'x'));
    device.files.may_fetch = 3 * kPiece;
  }
  SECTION("in a piece more than may be fetched") {
    device.change({kPiece, 2 * kPiece});
    device.files.may_fetch = 3 * kPiece - 1;
  }
  SECTION("nothing may be fetched") {
    device.files.may_fetch = 0;
  }
  SECTION("it is shorter") {
    std::filesystem::resize_file(device.path("image"), kImage - 1);
  }
  SECTION("it is longer") {
    std::filesystem::resize_file(device.path("image"), kImage + 1);
  }
  SECTION("it is empty") {
    device.write("image", "");
  }
  SECTION("it is not published any more") {
    device.base_path.clear();
  }
  SECTION("its pieces were not noted") {
    std::filesystem::remove(device.path("pieces"));
  }
  SECTION("the notes are of another image") {
    device.note(device.server.base, std::string(64, 'a'), kPiece);
  }
  SECTION("the notes are cut short") {
    std::filesystem::resize_file(device.path("pieces"), GENERATE(0, 8, 48, 49, 50, 49 + 5 * 16));
  }
  SECTION("the notes have more than they should") {
    std::filesystem::resize_file(device.path("pieces"), 49 + 7 * 16);
  }
  CHECK(device.differs());
  CHECK(device.server.base_ranges.empty());
}

TEST_CASE("notes that do not tell the truth make no base", "[agent][delta]") {
  ChangedDevice device;
  SECTION("of a piece that is wrong") {
    device.change({5});
    std::string notes = device.read("pieces");
    notes[49] = static_cast<char>(~notes[49]);
    device.write("pieces", notes);
    CHECK(device.differs());
    CHECK(device.server.base_sent == kPiece);
  }
  SECTION("they pass over one") {
    std::string other = device.server.base;
    other[kPiece] ^= 1;
    device.note(other, device.sha256, kPiece);
    device.image = other;
    device.change({5});
    CHECK(device.differs());
    CHECK(device.server.base_sent == kPiece);
  }
}

TEST_CASE("a server that has no right pieces of a base is left after one", "[agent][delta]") {
  ChangedDevice device;
  device.change({5, 3 * kPiece});
  SECTION("another image") {
    device.server.base = as_text(ota::test::noise(kImage, 2));
    CHECK(device.differs());
    CHECK(device.server.base_sent <= kPiece + device.server.piece);
  }
  SECTION("it sends no part of a file") {
    device.server.ignores_ranges = true;
    CHECK(device.differs());
    CHECK(device.server.base_sent <= device.server.piece);
  }
  SECTION("it does not have it") {
    device.server.status = 404;
    CHECK(device.differs());
  }
  SECTION("it is busy") {
    device.server.status = 503;
    CHECK(device.open().error().code == Errc::kUnavailable);
  }
  SECTION("a shorter one") {
    device.server.base.resize(3 * kPiece + 1000);
    CHECK(device.open().error().code == Errc::kUnavailable);
  }
  CHECK(device.server.base_ranges.size() <= 2);
}

TEST_CASE("a network that is cut anywhere costs no piece that was whole", "[agent][delta]") {
  ChangedDevice device;
  device.change({0, kPiece, 4 * kPiece});
  const std::uint64_t whole = 3 * kPiece;
  for (std::uint64_t at = 0; at < whole; at += whole / 20) {
    std::filesystem::remove(device.path("mended"));
    device.server.cut_after = at;
    device.server.base_sent = 0;
    REQUIRE(device.open().error().code == Errc::kUnavailable);
    const auto base = device.open();
    REQUIRE(base.has_value());
    CHECK(device.all(*base) == device.server.base);
    CHECK(device.server.base_sent < whole + kPiece);
  }
}

TEST_CASE("of the pieces that a power cut leaves those that are right stay", "[agent][delta]") {
  ChangedDevice device;
  device.change({0, kPiece, 4 * kPiece});
  REQUIRE(device.open().has_value());
  device.server.base_sent = 0;
  const std::string kept = device.read("mended");
  std::uint64_t again = 0;
  SECTION("all") {}
  SECTION("a part of the last one") {
    device.write("mended", kept.substr(0, kept.size() - 1));
    again = kPiece;
  }
  SECTION("an index and nothing") {
    device.write("mended", kept.substr(0, 2 * (8 + kPiece) + 8));
    again = kPiece;
  }
  SECTION("zeros in the place of the second") {
    device.write("mended", kept.substr(0, 8 + kPiece) + std::string(8 + kPiece, '\0'));
    again = 2 * kPiece;
  }
  SECTION("an index beyond the image") {
    device.write("mended", std::string(8, '\x7f') + kept.substr(8));
    again = 3 * kPiece;
  }
  SECTION("nothing") {
    device.write("mended", "");
    again = 3 * kPiece;
  }
  const auto base = device.open();
  REQUIRE(base.has_value());
  CHECK(device.all(*base) == device.server.base);
  CHECK(device.server.base_sent == again);
}

TEST_CASE("a base that goes on changing costs no more than may be fetched in all",
          "[agent][delta]") {
  ChangedDevice device;
  device.files.may_fetch = 3 * kPiece;
  device.change({0, kPiece});
  REQUIRE(device.open().has_value());
  // The first piece is right again, two others are wrong.
  device.change({0, 2 * kPiece});
  REQUIRE(device.open().has_value());
  CHECK(device.server.base_sent == 3 * kPiece);
  device.change({3 * kPiece});
  CHECK(device.differs());
  CHECK(device.server.base_sent == 3 * kPiece);
}

TEST_CASE("a base that cannot be read is none, and no fault of the disk that is written",
          "[agent][delta]") {
  ChangedDevice device;
  std::filesystem::remove(device.path("image"));
  CHECK(device.differs());
  std::filesystem::create_directory(device.path("image"));
  CHECK(device.differs());
}

TEST_CASE("the notes of an image are the same however it streams by", "[agent]") {
  ChangedDevice device;
  const std::string notes = device.read("pieces");
  CHECK(notes.size() == 49 + 6 * 16);
  for (const std::size_t step : {std::size_t{1}, std::size_t{777}, kPiece + 1, kImage}) {
    std::filesystem::remove(device.path("pieces"));
    device.note(device.server.base, device.sha256, step);
    CHECK(device.read("pieces") == notes);
  }
}

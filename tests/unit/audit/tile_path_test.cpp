#include "audit/tile_path.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::audit;

TEST_CASE("a tile's path is written and read as the format has it", "[audit]") {
  CHECK(TilePath{0, 1234067, 256}.text() == "tile/0/x001/x234/067");
  CHECK(TilePath{1, 3, 17}.text() == "tile/1/003.p/17");
  CHECK(TilePath{std::nullopt, 0, 256}.text() == "tile/entries/000");
  for (const char* text : {"tile/0/x001/x234/067", "tile/1/003.p/17", "tile/entries/000",
                           "tile/entries/x001/000.p/255", "tile/7/000"})
    CHECK(TilePath::parse(text)->text() == text);
}

TEST_CASE("a path that is written otherwise is none", "[audit]") {
  for (const char* text : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/00/000",
                           "tile/8/000",
                           "tile/-1/000",
                           "tile/0/x000/000",
                           "tile/0/001/000",
                           "tile/0/x001/x000",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/000.p",
                           "tile/0/../000",
                           "tile/entries/x",
                           "tile/entry/000",
                           "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
                           "tile/0/000/",
                           "TILE/0/000"}) {
    INFO(text);
    CHECK_FALSE(TilePath::parse(text).has_value());
  }
}

TEST_CASE("a bundle gives back its entries, and a cut one is refused", "[audit]") {
  std::string bundle;
  const std::string large(kMaxEntryBytes, 'x');
  for (const std::string& entry : {std::string("first"), std::string(), large})
    REQUIRE(append_entry(bundle, entry));
  CHECK(bundle.substr(0, 7) == std::string("\0\5first", 7));
  const auto entries = entries_of(bundle);
  REQUIRE(entries->size() == 3);
  CHECK(entries->at(2) == large);
  for (const std::size_t left : {std::size_t{1}, std::size_t{3}, bundle.size() - 1})
    CHECK_FALSE(entries_of(std::string_view(bundle).substr(0, left)).has_value());
  CHECK(append_entry(bundle, large + "x").error().code == Errc::kLimit);
}

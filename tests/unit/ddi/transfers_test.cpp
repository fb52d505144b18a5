#include "ddi/transfers.h"

#include <optional>
#include <vector>

#include "tests/support/catch.h"

using namespace ota;
using ddi::Coverage;
using ddi::Transfers;
using fleet::DdiFetch;

namespace {

struct Rig {
  std::vector<DdiFetch> told;
  std::shared_ptr<ddi::Transfers> transfers = std::make_shared<ddi::Transfers>(
      [this](const ddi::Transfers::Key&, const DdiFetch& fetch) { told.push_back(fetch); });
  std::vector<std::shared_ptr<http::FileWatch>> begun;

  bool start(const std::string& device, std::uint64_t size, std::uint64_t seen = 0,
             std::uint32_t at_once = 2) {
    return transfers->start(
        {device, 1001}, size, seen, at_once,
        [this](std::shared_ptr<http::FileWatch> watch) { begun.push_back(std::move(watch)); });
  }
  std::size_t wholes() const {
    std::size_t count = 0;
    for (const DdiFetch& fetch : told) {
      if (fetch.kind == DdiFetch::Kind::kWhole) ++count;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("pieces in any order cover an image once no gap is left", "[ddi]") {
  Coverage coverage;
  coverage.add(50, 50);
  CHECK(coverage.prefix() == 0);
  coverage.add(0, 20);
  CHECK(coverage.prefix() == 20);
  coverage.add(10, 20);
  CHECK(coverage.prefix() == 30);
  coverage.add(30, 20);
  CHECK(coverage.prefix() == 100);
  coverage.add(40, 5);
  CHECK(coverage.prefix() == 100);
}

TEST_CASE("an image counts as fetched with its last missing byte, each time anew", "[ddi]") {
  Rig rig;
  REQUIRE(rig.start("press-01", 100));
  rig.begun[0]->sent(0, 60);
  CHECK(rig.wholes() == 0);
  rig.begun[0].reset();  // cut
  CHECK(rig.told.back().kind == DdiFetch::Kind::kEnded);
  CHECK(rig.told.back().prefix == 60);
  REQUIRE(rig.start("press-01", 100));
  rig.begun[1]->sent(60, 40);  // resumed
  CHECK(rig.wholes() == 1);
  rig.begun[1].reset();
  REQUIRE(rig.start("press-01", 100));
  rig.begun[2]->sent(0, 99);
  CHECK(rig.wholes() == 1);
  rig.begun[2]->sent(99, 1);
  CHECK(rig.wholes() == 2);
}

TEST_CASE("what was fetched before a restart of the server counts for the rest", "[ddi]") {
  Rig rig;
  REQUIRE(rig.start("press-01", 100, 70));
  rig.begun[0]->sent(70, 30);
  CHECK(rig.wholes() == 1);
}

TEST_CASE("a device's further downloads wait their turn and are not refused", "[ddi]") {
  Rig rig;
  REQUIRE(rig.start("press-01", 100));
  REQUIRE(rig.start("press-01", 100));
  REQUIRE(rig.start("press-01", 100));
  REQUIRE(rig.start("press-02", 100));
  REQUIRE(rig.begun.size() == 3);  // two of the first, one of the second
  rig.begun[0].reset();
  CHECK(rig.begun.size() == 4);
  bool accepted = true;
  for (int i = 0; i < 100 && accepted; ++i)
    accepted = rig.start("press-01", 100);
  CHECK_FALSE(accepted);  // but not without end
  rig.transfers->close();
  rig.begun.clear();
}

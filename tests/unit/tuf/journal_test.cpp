#include "tuf/journal.h"

#include <fstream>

#include "base/file.h"

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tuf/ceremony.h"
#include "tuf/repository.h"

using namespace ota;
using test::TempFolder;
using tuf::Journal;

namespace {

const WallTime kStart = *parse_rfc3339("2026-08-20T12:00:00Z");

}  // namespace

TEST_CASE("what was done with the keys waits until it was taken, at least once", "[tuf]") {
  const TempFolder folder{TempFolder::fast_parent()};
  const Journal journal(folder.path() / "keys");
  CHECK(journal.take()->empty());
  REQUIRE(journal.add({kStart, "keys.rotate", "uid 0", false, {"one", "two"}}).has_value());
  REQUIRE(journal.take()->size() == 1);
  CHECK(journal.take()->front().words == std::vector<std::string>{"one", "two"});  // not given back
  REQUIRE(journal.add({kStart, "keys.submit", "uid 0", true, {"three"}}).has_value());
  CHECK(journal.take()->size() == 1);  // the second waits for its turn
  REQUIRE(journal.taken().has_value());
  const auto rest = journal.take();
  REQUIRE(rest->size() == 1);
  CHECK(rest->front().step == "keys.submit");
  CHECK(rest->front().failed);
  CHECK(rest->front().at == kStart);
  REQUIRE(journal.taken().has_value());
  CHECK(journal.take()->empty());
}

TEST_CASE("a line of the journal that is no entry is told, and paints no screen", "[tuf]") {
  const TempFolder folder{TempFolder::fast_parent()};
  const Journal journal(folder.path());
  std::ofstream(folder.path() / "journal") << "\x1b[2Jforged\n";
  const auto entries = journal.take();
  REQUIRE(entries->size() == 1);
  CHECK(entries->front().failed);
  CHECK(entries->front().words.front().find('\x1b') == std::string::npos);
}

TEST_CASE("each step of a ceremony is in the journal, and so is one that fails", "[tuf]") {
  const TempFolder folder{TempFolder::fast_parent()};
  const ManualClock clock{kStart};
  auto repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);
  auto ceremony = *tuf::Ceremony::open(folder.path() / "firmware", folder.path() / "keys", clock);
  REQUIRE(ceremony.rotate({{"targets", 2, 3}}).has_value());
  const auto no_passphrase = ceremony.take_offline(
      folder.path() / "vault", [](const std::string&) -> Result<std::string> { return "short"; });
  REQUIRE_FALSE(no_passphrase.has_value());
  REQUIRE(ceremony
              .take_offline(folder.path() / "vault",
                            [](const std::string&) -> Result<std::string> { return "passphrase"; })
              .has_value());
  std::ofstream(folder.path() / "image") << "image";
  model::Release release;
  release.version = model::Version(2, 1, 5);
  release.hardware = {"rpi4"};
  REQUIRE_FALSE(repository.add(folder.path() / "image", release).has_value());
  REQUIRE_FALSE(ceremony.submit("{}").has_value());
  REQUIRE(ceremony.discard("targets").has_value());
  std::vector<std::string> steps;
  for (const auto& entry : *Journal(folder.path() / "keys").take())
    steps.push_back(entry.step + (entry.failed ? " failed" : ""));
  CHECK(steps == std::vector<std::string>{"keys.rotate", "keys.take-offline failed",
                                          "keys.take-offline", "firmware.add", "keys.submit failed",
                                          "keys.discard"});
}

TEST_CASE("the draft that is signed is the one that was read", "[tuf]") {
  const TempFolder folder{TempFolder::fast_parent()};
  const ManualClock clock{kStart};
  auto repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);
  auto ceremony = *tuf::Ceremony::open(folder.path() / "firmware", folder.path() / "keys", clock);
  REQUIRE(ceremony
              .take_offline(folder.path() / "vault",
                            [](const std::string&) -> Result<std::string> { return "passphrase"; })
              .has_value());
  REQUIRE(ceremony.rotate({{"timestamp", 1, 1}}).has_value());
  const auto pem = *read_file(folder.path() / "vault" / "root-1.pem", 10000);
  const auto read = ceremony.pending()->front();
  CHECK(ceremony.sign("root", std::string(64, '0'), tuf::Signer::from_pem(pem, "passphrase"))
            .error()
            .code == Errc::kConflict);
  CHECK_FALSE(ceremony.sign("root", read.sha256, tuf::Signer::from_pem(pem, "wrong")).has_value());
  const auto done = ceremony.sign("root", read.sha256, tuf::Signer::from_pem(pem, "passphrase"));
  REQUIRE(done.has_value());
  CHECK(done->front() == "root version 2 is published");
}

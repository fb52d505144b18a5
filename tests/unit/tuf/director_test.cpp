#include "tuf/director.h"

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/tuf/folder_mirror.h"
#include "tuf/error.h"
#include "tuf/repository.h"
#include "tuf/strict_json.h"

using namespace ota;
using test::TempFolder;
using tuf::DirectedJob;

namespace {

const WallTime kStart = *parse_rfc3339("2026-08-20T12:00:00Z");
const std::string kImage(64, 'a');

struct Fixture {
  TempFolder folder{TempFolder::fast_parent()};
  ManualClock clock{kStart};
  tuf::Repository repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);
  tuf::Director director = *tuf::Director::open(folder.path() / "firmware", folder.path() / "keys");
  tuf::DirectorWatch watch{folder.path() / "device"};

  Fixture() {
    REQUIRE(tuf::Updater::pin_root(folder.path() / "device", *repository.root()).has_value());
  }
  std::string word_for(const std::string& device) const {
    return *director.sign(
        {"job-000001", device, kImage, model::Version(2, 1, 5), kStart + seconds(600), ""});
  }
  std::string checked(const std::string& word, WallTime now = kStart,
                      const std::string& image = kImage) const {
    const auto job = watch.check(word, "iot-001", image, now);
    return job ? "ok" : std::string(tuf::word_of(job.error().code));
  }
};

}  // namespace

TEST_CASE("a job counts for its device, its image and its time alone", "[tuf]") {
  Fixture f;
  const std::string word = f.word_for("iot-001");
  CHECK(*f.watch.required());
  CHECK(f.checked(word) == "ok");
  CHECK(f.checked(f.word_for("iot-002")) == "tuf.foreign-job");
  CHECK(f.checked(word, kStart, std::string(64, 'b')) == "tuf.foreign-job");
  CHECK(f.checked(word, kStart + seconds(600)) == "tuf.expired-job");
  CHECK(f.watch.check(word, "iot-001", kImage, kStart)->version == model::Version(2, 1, 5));
}

TEST_CASE("a job that ended is a replay for ever; one that goes on is not", "[tuf]") {
  Fixture f;
  const std::string word = f.word_for("iot-001");
  const auto job = f.watch.check(word, "iot-001", kImage, kStart);
  REQUIRE(job.has_value());
  CHECK(f.checked(word) == "ok");  // the agent was restarted in the middle
  REQUIRE(f.watch.spend(*job, kStart).has_value());
  CHECK(f.checked(word) == "tuf.replayed-job");
  CHECK(f.checked(f.word_for("iot-001")) == "ok");  // a new word for the same job
}

TEST_CASE("spent jobs are forgotten only long after they have expired", "[tuf]") {
  Fixture f;
  const std::string word = f.word_for("iot-001");
  const auto job = f.watch.check(word, "iot-001", kImage, kStart);
  REQUIRE(f.watch.spend(*job, kStart).has_value());
  const WallTime later = kStart + std::chrono::hours(24 * 60);
  auto other = *job;
  other.nonce = std::string(32, '1');
  other.expires = later;
  REQUIRE(f.watch.spend(other, later).has_value());
  const auto memory = read_file(f.folder.path() / "device/spent-jobs", 10000);
  REQUIRE(memory.has_value());
  CHECK(memory->find(job->nonce) == std::string::npos);
  CHECK(memory->find(other.nonce) != std::string::npos);
}

TEST_CASE("a job without the director's signature is refused, whoever else signed", "[tuf]") {
  Fixture f;
  const std::string word = f.word_for("iot-001");
  CHECK(f.checked("") == "tuf.unsigned-job");
  CHECK(f.checked("{}") == "tuf.malformed");
  CHECK(f.checked(std::string(10000, ' ')) == "tuf.endless-data");
  auto forged = *tuf::parse_strict(word);
  forged["signed"]["device"] = "iot-002";
  CHECK(f.checked(forged.dump()) == "tuf.unsigned-job");
  forged = *tuf::parse_strict(word);
  forged["signatures"] = tuf::Json::array();
  CHECK(f.checked(forged.dump()) == "tuf.unsigned-job");
  // The keys of another installation.
  const Fixture other;
  CHECK(f.checked(other.word_for("iot-001")) == "tuf.unsigned-job");
}

TEST_CASE("a damaged memory of spent jobs lets no job in until the next one is written", "[tuf]") {
  Fixture f;
  const std::string word = f.word_for("iot-001");
  const auto job = f.watch.check(word, "iot-001", kImage, kStart);
  REQUIRE(write_file_durably(f.folder.path() / "device/spent-jobs", "{").has_value());
  CHECK(f.checked(word) == "tuf.storage");
  REQUIRE(f.watch.spend(*job, kStart).has_value());
  CHECK(f.checked(word) == "tuf.replayed-job");
}

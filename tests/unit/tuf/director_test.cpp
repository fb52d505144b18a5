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

struct DirectorFixture {
  TempFolder folder{TempFolder::fast_parent()};
  ManualClock clock{kStart};
  tuf::Repository repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);
  tuf::Director director = *tuf::Director::open(folder.path() / "firmware", folder.path() / "keys");

  DirectorFixture() {
    REQUIRE(tuf::Updater::pin_root(folder.path() / "device", *repository.root()).has_value());
  }
  static DirectedJob job_for(const std::string& device) {
    return {"job-000001",
            device,
            kImage,
            model::Version(2, 1, 5),
            kStart + seconds(600),
            tuf::nonce_of(device, "job-000001", 1, kStart)};
  }
  std::string word_for(const std::string& device) const { return *director.sign(job_for(device)); }
  std::string checked(const std::string& word, WallTime now = kStart,
                      const DirectedJob& expected = job_for("iot-001")) const {
    const auto good = tuf::check_word(folder.path() / "device", word, expected, now);
    return good ? "ok" : std::string(tuf::word_of(good.error().code));
  }
};

}  // namespace

TEST_CASE("a rollback's word counts for its device, its two images and its time alone", "[tuf]") {
  const DirectorFixture f;
  const std::string other_image(64, 'b');
  const tuf::DirectedRollback good{"iot-001", kImage, other_image, kStart + seconds(600),
                                   tuf::nonce_of("iot-001", "rollback", 1, kStart)};
  const auto checked = [&](const std::string& word, const tuf::DirectedRollback& expected,
                           WallTime now = kStart) {
    const auto told = tuf::check_rollback_word(f.folder.path() / "device", word, expected, now);
    return told ? "ok" : std::string(tuf::word_of(told.error().code));
  };
  const std::string word = *f.director.sign(good);
  CHECK(checked(word, good) == "ok");
  CHECK(tuf::read_rollback_word(word)->nonce == good.nonce);
  CHECK(checked("", good) == "tuf.unsigned-job");
  CHECK(checked(word, good, kStart + seconds(600)) == "tuf.expired-job");
  for (int member = 0; member < 3; ++member) {
    tuf::DirectedRollback other = good;
    (member == 0 ? other.device : member == 1 ? other.from : other.to) = "else";
    CHECK(checked(word, other) == "tuf.foreign-job");
  }
  // Neither word passes for the other.
  CHECK(checked(f.word_for("iot-001"), good) == "tuf.malformed");
  CHECK(f.checked(word) == "tuf.malformed");
  std::string changed = word;
  changed.replace(changed.find("iot-001"), 7, "iot-002");
  CHECK(checked(changed, good) == "tuf.unsigned-job");
}

TEST_CASE("a job counts for its device, its image, its name and its time alone", "[tuf]") {
  const DirectorFixture f;
  const std::string word = f.word_for("iot-001");
  CHECK(f.checked(word) == "ok");
  CHECK(f.checked(f.word_for("iot-002")) == "tuf.foreign-job");
  auto other = DirectorFixture::job_for("iot-001");
  other.sha256 = std::string(64, 'b');
  CHECK(f.checked(word, kStart, other) == "tuf.foreign-job");
  other = DirectorFixture::job_for("iot-001");
  other.version = model::Version(2, 1, 6);
  CHECK(f.checked(word, kStart, other) == "tuf.foreign-job");
  other = DirectorFixture::job_for("iot-001");
  other.job = "job-000002";
  CHECK(f.checked(word, kStart, other) == "tuf.foreign-job");
  CHECK(f.checked(word, kStart + seconds(600)) == "tuf.expired-job");
  CHECK(tuf::read_word(word)->nonce == DirectorFixture::job_for("iot-001").nonce);
}

TEST_CASE("an attempt of a job has one nonce however often it is handed out", "[tuf]") {
  const std::string nonce = tuf::nonce_of("iot-001", "job-000001", 1, kStart);
  CHECK(nonce.size() == 32);
  CHECK(nonce == tuf::nonce_of("iot-001", "job-000001", 1, kStart));
  CHECK(nonce != tuf::nonce_of("iot-001", "job-000001", 2, kStart));
  CHECK(nonce != tuf::nonce_of("iot-002", "job-000001", 1, kStart));
  // A server whose state was lost counts its jobs from 1 again.
  CHECK(nonce != tuf::nonce_of("iot-001", "job-000001", 1, kStart + milliseconds(1)));
}

TEST_CASE("a job without the director's signature is refused, whoever else signed", "[tuf]") {
  DirectorFixture f;
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
  const DirectorFixture other;
  CHECK(f.checked(other.word_for("iot-001")) == "tuf.unsigned-job");
}

// The agent's side of signed metadata, over a network that serves a repository's folder or nothing.
#include "agents/trust.h"

#include <fstream>

#include "base/digest.h"
#include "base/file.h"
#include "model/failure_code.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tuf/director.h"
#include "tuf/repository.h"
#include "tuf/updater.h"

using namespace ota;
using agent::Failure;

namespace {

const WallTime kToday = *parse_rfc3339("2026-08-20T12:00:00Z");

class FolderClient final : public http::Requester {
 public:
  explicit FolderClient(std::filesystem::path folder) : folder_(std::move(folder)) {}
  bool away = false;
  unsigned status = 0;  // instead of the file

  Result<http::Reply> download(const std::string&, const Download&, const Sink&,
                               const std::function<void()>&) override {
    return fail(Errc::kInternal, "no image is asked for");
  }
  void cancel() override {}
  void close() override {}

 private:
  Result<http::Reply> do_get(const std::string& path, std::size_t max_bytes,
                             milliseconds) override {
    constexpr std::string_view kBelow = "/tuf/metadata/";
    REQUIRE(path.starts_with(kBelow));
    if (away) return fail(Errc::kUnavailable, "no connection");
    http::Reply reply;
    reply.status = status;
    if (status != 0) return reply;
    auto body = read_file(folder_ / path.substr(kBelow.size()), max_bytes);
    reply.status = body ? 200 : 404;
    if (body) reply.body = std::move(*body);
    return reply;
  }
  Result<http::Reply> do_post(const std::string&, std::string_view, std::size_t,
                              milliseconds) override {
    return fail(Errc::kInternal, "nothing is posted");
  }

  std::filesystem::path folder_;
};

// A device "iot-001" of the model rpi4 that joined, and a release 2.1.5 for it with a floor of 2.0.0.
struct Joined {
  test::TempFolder folder{test::TempFolder::fast_parent()};
  ManualClock clock{kToday};
  tuf::Repository repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);
  FolderClient client{folder.path() / "firmware" / "metadata"};
  agent::Trust trust{folder.path() / "device", "rpi4"};
  model::Release release;
  std::string word;

  Joined() {
    REQUIRE(tuf::Updater::pin_root(folder.path() / "device", *repository.root()));
    std::ofstream(folder.path() / "image") << "firmware bytes";
    release.version = model::Version(2, 1, 5);
    release.hardware = {"rpi4"};
    const auto added = repository.add(folder.path() / "image", release, model::Version(2, 0, 0));
    REQUIRE(added.has_value());
    release = *added;
    const auto director = tuf::Director::open(folder.path() / "firmware", folder.path() / "keys");
    REQUIRE(director.has_value());
    word = *director->sign({"job-000001", "iot-001", release.sha256, release.version,
                            kToday + std::chrono::hours(1), std::string(32, 'a')});
  }
  agent::Outcome check() {
    return trust.check(client, {"iot-001", "job-000001", release, word}, kToday, kToday);
  }
};

}  // namespace

TEST_CASE("of a release that is signed for this device its place and its floor are known",
          "[agent]") {
  Joined device;
  CHECK_FALSE(device.trust.version_floor());
  REQUIRE_FALSE(device.check());
  CHECK(device.trust.target_path().ends_with(device.release.sha256 + ".firmware-2.1.5.img"));
  CHECK(device.trust.version_floor() == model::Version(2, 0, 0));
}

TEST_CASE("a release is not taken without the director's word, and its floor is not noted",
          "[agent]") {
  Joined device;
  device.word.clear();
  const agent::Outcome outcome = device.check();
  REQUIRE(outcome);
  CHECK(outcome->code == "tuf.unsigned-job");
  CHECK_FALSE(device.trust.version_floor());
}

TEST_CASE("a server that is away says nothing against a release", "[agent]") {
  Joined device;
  device.client.away = true;
  const agent::Outcome first = device.check();
  REQUIRE(first);
  CHECK(first->again == Failure::Again::kLater);
  device.client.away = false;
  CHECK_FALSE(device.check());
}

TEST_CASE("a server that refuses the device for now does not say that a file is missing",
          "[agent]") {
  Joined device;
  device.client.status = 403;
  const agent::Outcome first = device.check();
  REQUIRE(first);
  CHECK(first->again == Failure::Again::kLater);
  CHECK(first->detail.find("status 403") != std::string::npos);
  device.client.status = 0;
  CHECK_FALSE(device.check());
}

TEST_CASE("a job that says other than the signed metadata is refused for good", "[agent]") {
  const auto refused = [](const std::function<void(model::Release&)>& otherwise) {
    Joined device;
    otherwise(device.release);
    const agent::Outcome outcome = device.check();
    REQUIRE(outcome);
    CHECK(outcome->again == Failure::Again::kNever);
    return outcome->code;
  };
  using model::failure_code::kJobMismatch;
  CHECK(refused([](auto& release) { release.sha256 = sha256_hex("other"); }) == kJobMismatch);
  CHECK(refused([](auto& release) { ++release.length; }) == kJobMismatch);
  CHECK(refused([](auto& release) { release.version = {2, 1, 6}; }) == kJobMismatch);
  CHECK(refused([](auto& release) { release.target = "rpi4/firmware-9.9.9.img"; }) != kJobMismatch);
}

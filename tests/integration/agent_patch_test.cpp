// The real agent against a real TLS server that has a packed image and a patch beside the image.
#include <algorithm>
#include <fstream>

#include "base/digest.h"
#include "base/file.h"
#include "delta/patch_file.h"
#include "tests/support/agent_rig.h"
#include "tests/support/catch.h"
#include "tests/support/wait.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using model::JobState;
using test::AgentRig;

namespace {

const model::Version kNext(2, 1, 5);

// A device whose factory image is the base of the patch, which is four blocks long.
struct Patched {
  // `noise`: bytes of the images that no packing makes shorter.
  explicit Patched(std::size_t noise = 0) {
    base = as_text(test::program_like(60000, 1));
    base += as_text(test::noise(noise, 2));
    image = base;
    for (std::size_t i = 500; i < image.size(); i += 3000)
      ++image[i];
    std::ofstream(rig.device() / "factory.img", std::ios::binary) << base;
    release = rig.publish_with_patch(kNext, image, base);
    rig.leave_join_code(rig.join_code());
  }
  model::JobReport update() {
    agent = rig.run();
    rig.command(rig.update_command("job-1", release));
    const auto last = rig.final_report("job-1");
    REQUIRE(last);
    return *last;
  }
  // Of "patch", "packed" and "image", what the device asked for, in order.
  std::vector<std::string> fetched() const {
    std::vector<std::string> out;
    for (const std::string& path : rig.requests()) {
      if (!path.starts_with("/tuf/targets/")) continue;
      const auto has = [&](const char* word) { return path.find(word) != std::string::npos; };
      out.emplace_back(has(".patch-") ? "patch" : has(".packed-") ? "packed" : "image");
    }
    return out;
  }
  bool told(const std::string& detail) const {
    const auto reports = rig.reports("job-1");
    return std::ranges::any_of(reports, [&](const model::JobReport& report) {
      return report.detail.find(detail) != std::string::npos;
    });
  }
  void runs_the_image() const {
    const auto slot = rig.device() / "slots" / "current" / "image";
    CHECK(read_file(slot, 1000000).value() == image);
  }
  // A byte of the published file, from its end.
  void spoil(const std::string& like, int from_end) const {
    const auto path = rig.published_file(like);
    std::string bytes = read_file(path, 100000).value();
    bytes[bytes.size() - static_cast<std::size_t>(from_end)] ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
  }

  AgentRig rig;
  std::string base, image;
  model::Release release;
  std::unique_ptr<test::AgentProcess> agent;
};

}  // namespace

TEST_CASE("a device that runs the base of a patch fetches what changed, and nothing else",
          "[agent][delta]") {
  Patched p;
  CHECK(p.update().state == JobState::kSucceeded);
  CHECK(p.fetched() == std::vector<std::string>{"patch"});
  CHECK(p.told("patch from v2.1.4: "));
  CHECK(p.told(" instead of 58.6 KiB"));
  p.runs_the_image();
}

TEST_CASE("a device that runs another image than it believes fetches the packed one",
          "[agent][delta]") {
  Patched p;
  // The base changes by itself, as a partition does that is mounted writable.
  p.agent = p.rig.run();
  REQUIRE(p.rig.polled());
  const auto slot = p.rig.device() / "slots" / "a" / "image";
  std::string bytes = read_file(slot, 100000).value();
  bytes[100] ^= 1;
  std::ofstream(slot, std::ios::binary) << bytes;
  p.rig.command(p.rig.update_command("job-1", p.release));
  const auto last = p.rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
  CHECK(p.fetched() == std::vector<std::string>{"packed"});
  CHECK(p.told("not by the patch (patch.base-differs)"));
  p.runs_the_image();
}

TEST_CASE("metadata from before patches makes no difference: the image comes as such",
          "[agent][delta]") {
  AgentRig rig;
  const std::string image(as_text(test::program_like(60000, 1)));
  rig.leave_join_code(rig.join_code());
  const auto release = rig.publish(kNext, image);
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
  for (const std::string& path : rig.requests()) {
    CHECK(path.find(".packed-") == std::string::npos);
    CHECK(path.find(".patch-") == std::string::npos);
  }
  CHECK(read_file(rig.device() / "slots" / "current" / "image", 100000).value() == image);
}

TEST_CASE("a device whose image changed in a place fetches that piece of it, and the patch",
          "[agent][delta]") {
  Patched p(300000);
  p.rig.publish(model::Version(2, 1, 4), p.base);
  p.agent = p.rig.run();
  REQUIRE(p.rig.polled());
  const auto slot = p.rig.device() / "slots" / "a" / "image";
  std::string bytes = read_file(slot, 1000000).value();
  bytes[100000] ^= 1;
  std::ofstream(slot, std::ios::binary) << bytes;
  p.rig.command(p.rig.update_command("job-1", p.release));
  const auto last = p.rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == JobState::kSucceeded);
  CHECK(p.fetched() == std::vector<std::string>{"image", "patch"});
  CHECK(std::ranges::count(p.rig.ranges(), "bytes=65536-131071") == 1);
  CHECK(p.agent->says("[OTA] the base differs: put right in 1 of its pieces of 64.0 KiB"));
  p.runs_the_image();
}

TEST_CASE("a damaged block is fetched again, and then the packed image goes on from there",
          "[agent][delta]") {
  Patched p;
  p.spoil("patch-", 1);
  CHECK(p.update().state == JobState::kSucceeded);
  CHECK(p.fetched() == std::vector<std::string>{"patch", "patch", "packed", "packed"});
  CHECK(p.told("not by the patch (patch.block)"));
  p.runs_the_image();
}

TEST_CASE("where patch and packed image are damaged the image comes as such", "[agent][delta]") {
  Patched p;
  p.spoil("patch-", 1);
  p.spoil("packed-", 1);
  CHECK(p.update().state == JobState::kSucceeded);
  CHECK(p.fetched().back() == "image");
  CHECK(p.told("not packed (patch.block)"));
  p.runs_the_image();
}

TEST_CASE("a patch that is gone from the server is no end of the update", "[agent][delta]") {
  Patched p;
  std::filesystem::remove(p.rig.published_file("patch-"));
  CHECK(p.update().state == JobState::kSucceeded);
  CHECK(p.fetched() == std::vector<std::string>{"patch", "packed"});
  p.runs_the_image();
}

TEST_CASE("a stolen server's own patch and packed image are refused by their heads",
          "[agent][delta]") {
  Patched p;
  std::string evil = p.image;
  evil.replace(1000, 4, "evil");
  const auto folder = p.rig.folder();
  std::ofstream(folder / "evil", std::ios::binary) << evil;
  std::ofstream(folder / "old", std::ios::binary) << p.base;
  REQUIRE(delta::make_patch(folder / "old", folder / "evil", p.rig.published_file("patch-"), {})
              .has_value());
  REQUIRE(delta::make_patch({}, folder / "evil", p.rig.published_file("packed-"), {}).has_value());
  CHECK(p.update().state == JobState::kSucceeded);
  CHECK(p.told("not by the patch (patch.head)"));
  CHECK(p.told("not packed (patch.head)"));
  CHECK(p.fetched() == std::vector<std::string>{"patch", "packed", "image"});
  p.runs_the_image();
}

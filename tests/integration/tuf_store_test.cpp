// The folder of trusted metadata under faults: writes that fail, processes that are killed.
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/trusted_set.h"

using namespace ota;
using namespace ota::tuf::testing;
using tuf::Fetched;

namespace {

namespace fs = std::filesystem;

void next_version(Sim& sim) {
  for (const char* role : {"targets", "A"})
    sim.bump(role);
  sim.publish_root();
  sim.publish();
}

Sim two_level_sim() {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.add_target("A", "image", "bytes");
  sim.publish_root();
  sim.bump("targets");
  sim.publish();
  return sim;
}

// Whole, signed by the role's keys, and of a version that was once published.
void check_all_files_are_whole(const Device& device, const Sim& sim) {
  const auto root = tuf::TrustedSet::start(device.file("root"), kNow);
  REQUIRE(root.has_value());
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    const std::string file = device.file(role);
    if (file.empty()) continue;
    INFO(role);
    const auto envelope = tuf::parse_envelope(file, role);
    REQUIRE(envelope.has_value());
    CHECK(tuf::verify_threshold(*envelope, root->root().roles.at(role), root->root().keys, role)
              .has_value());
  }
  CHECK(sim.version("root") >= root->root().version);
}

int wait_for(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("a write that fails at any file is a storage error, and the next refresh works",
          "[tuf]") {
  for (const std::string role : {"root", "timestamp", "snapshot", "targets", "A"}) {
    INFO(role);
    Sim sim = two_level_sim();
    Device device(sim);
    REQUIRE(device.refresh_word() == "ok");
    REQUIRE(device.lookup_word("image") == "ok");
    next_version(sim);
    const fs::path path = device.folder() / (role + ".json");
    const std::string before = device.file(role);
    // A folder in the file's place: what is written cannot be renamed over it.
    fs::rename(path, device.folder() / "aside");
    fs::create_directory(path);
    const std::string refreshed = device.refresh_word();
    CHECK((role == "A" ? device.lookup_word("image") : refreshed) == "tuf.storage");
    fs::remove(path);
    fs::rename(device.folder() / "aside", path);
    CHECK(device.file(role) == before);
    check_all_files_are_whole(device, sim);
    CHECK(device.refresh_word() == "ok");
    CHECK(device.lookup_word("image") == "ok");
    CHECK(device.file(role) == sim.files.at(sim.path_of(role)));
  }
}

TEST_CASE("a disk that takes no more bytes leaves what was trusted, and no litter", "[tuf]") {
  Sim sim = two_level_sim();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  const std::string timestamp = device.file("timestamp");
  next_version(sim);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit nearly_nothing{100, 100};
    ::setrlimit(RLIMIT_FSIZE, &nearly_nothing);
    ::_exit(device.refresh_word() == "tuf.storage" ? 0 : 1);
  }
  CHECK(wait_for(child) == 0);
  CHECK(device.file("timestamp") == timestamp);
  for (const auto& entry : fs::directory_iterator(device.folder())) {
    const std::string name = entry.path().filename().string();
    CHECK((name == ".lock" || !name.starts_with(".")));
  }
  CHECK(device.refresh_word() == "ok");
}

TEST_CASE("killed at any step of a refresh, the client restarts to old or new and goes on",
          "[tuf]") {
  for (std::size_t step = 0; step < 7; ++step) {
    INFO("step " << step);
    Sim sim = two_level_sim();
    Device device(sim);
    REQUIRE(device.refresh_word() == "ok");
    next_version(sim);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::size_t fetches = 0;
      device.interfere = [&](const tuf::Fetch&) -> std::optional<Fetched> {
        if (fetches++ == step) ::kill(::getpid(), SIGKILL);
        return std::nullopt;
      };
      (void)device.refresh();
      (void)device.lookup("image");
      ::kill(::getpid(), SIGKILL);
    }
    wait_for(child);
    device.restart();
    check_all_files_are_whole(device, sim);
    CHECK(device.refresh_word() == "ok");
    CHECK(device.lookup_word("image") == "ok");
    CHECK(device.file("targets") == sim.files.at(sim.path_of("targets")));
  }
}

TEST_CASE("killed at arbitrary moments of endless refreshes, no file is ever half", "[tuf]") {
  Sim sim = two_level_sim();
  Device device(sim);
  for (int round = 0; round < 25; ++round) {
    int pipe_ends[2] = {};
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      while (true) {
        next_version(sim);
        (void)device.refresh();
        (void)device.lookup("image");
        if (::write(pipe_ends[1], ".", 1) != 1) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    // The child is somewhere in its next refresh when it dies; `round` shifts where.
    char done = 0;
    for (int refreshes = 0; refreshes <= round % 5; ++refreshes)
      REQUIRE(::read(pipe_ends[0], &done, 1) == 1);
    for (int turn = 0; turn < round; ++turn)
      ::sched_yield();
    ::kill(child, SIGKILL);
    wait_for(child);
    ::close(pipe_ends[0]);
    // This process' repository catches up with what the child had published.
    device.restart();
    const auto trusted_root = tuf::TrustedSet::start(device.file("root"), kNow);
    REQUIRE(trusted_root.has_value());
    while (sim.version("root") < trusted_root->root().version + 2)
      next_version(sim);
    check_all_files_are_whole(device, sim);
    CHECK(device.refresh_word() == "ok");
    CHECK(device.lookup_word("image") == "ok");
  }
}

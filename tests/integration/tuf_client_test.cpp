// tuf-client as the conformance suite calls it: arguments, exit codes, requests, files.
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/digest.h"
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/plain_http.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tuf_sim.h"

using namespace ota;
using ota::test::PlainAnswer;
using ota::test::PlainHttpServer;
using ota::tuf::testing::Sim;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// Characters that a careless client would decode, normalise or encode again.
const std::string kPrefix = "/repo%5Ba%2Fb%20c%23d%5D";

int run_client(std::vector<std::string> words) {
  const std::string program =
      (fs::read_symlink("/proc/self/exe").parent_path() / "tuf-client").string();
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int spawned = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  REQUIRE(spawned == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// The repository of a Sim, which expires far in the future, behind a server.
struct Fixture {
  test::TempFolder folder;
  Sim sim;
  std::map<std::string, PlainAnswer> overrides;  // by path below the prefix
  PlainHttpServer server{[this](const std::string& path) { return answer(path); }};
  fs::path trusted = folder.path() / "metadata";
  fs::path artifacts = folder.path() / "artifacts";

  Fixture() {
    fs::create_directories(trusted);
    fs::create_directories(artifacts);
    for (auto& [role, part] : sim.parts)
      part["expires"] = "2099-01-01T00:00:00Z";
    sim.publish_root();
    sim.bump("targets");
    sim.publish();
    REQUIRE(write_file_durably(folder.path() / "root", sim.files.at("2.root.json")).has_value());
  }

  PlainAnswer answer(const std::string& path) {
    if (!path.starts_with(kPrefix)) return {404, "", "", PlainAnswer::End::kWhole};
    const std::string below = path.substr(kPrefix.size());
    if (const auto found = overrides.find(below); found != overrides.end()) return found->second;
    const auto serve = [&](const std::map<std::string, std::string>& files,
                           const std::string& name) -> PlainAnswer {
      const auto found = files.find(name);
      if (found == files.end()) return {404, "<html>no</html>", "", PlainAnswer::End::kWhole};
      return {200, found->second, "", PlainAnswer::End::kWhole};
    };
    if (below.starts_with("/metadata/")) return serve(sim.files, below.substr(10));
    if (below.starts_with("/targets/")) return serve(sim.targets, below.substr(9));
    return {404, "", "", PlainAnswer::End::kWhole};
  }

  int init() {
    return run_client(
        {"--metadata-dir", trusted.string(), "init", (folder.path() / "root").string()});
  }
  int refresh(const std::string& slash = "/") {
    return run_client({"--metadata-url", server.url() + kPrefix + "/metadata" + slash,
                       "--metadata-dir", trusted.string(), "refresh"});
  }
  int download(const Names& names, const std::string& slash = "/") {
    std::vector<std::string> words{"--metadata-url", server.url() + kPrefix + "/metadata" + slash,
                                   "--metadata-dir", trusted.string()};
    for (const std::string& name : names) {
      words.emplace_back("--target-name");
      words.push_back(name);
    }
    for (const std::string& word :
         {std::string("--target-dir"), artifacts.string(), std::string("--target-base-url"),
          server.url() + kPrefix + "/targets" + slash, std::string("download")}) {
      words.push_back(word);
    }
    return run_client(std::move(words));
  }
  // Requests since the last call, below the prefix.
  Names requests() {
    Names out;
    for (const std::string& path : server.take_requests())
      out.push_back(path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : path);
    return out;
  }
  Names json_files() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(trusted)) {
      if (entry.path().extension() == ".json") names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }
  Names visible_artifacts() const {
    Names names;
    for (const auto& entry : fs::recursive_directory_iterator(artifacts)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && !name.starts_with(".")) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }
};

}  // namespace

TEST_CASE("init makes the root trusted, without a request and without other JSON files",
          "[tuf][threads]") {
  Fixture f;
  CHECK(f.init() == 0);
  CHECK(f.requests().empty());
  CHECK(f.json_files() == Names{"root.json"});
  CHECK(*read_file(f.trusted / "root.json", 100000) == f.sim.files.at("2.root.json"));
}

TEST_CASE("a broken initial root ends in exit 1 before any request", "[tuf][threads]") {
  Fixture f;
  REQUIRE(write_file_durably(f.folder.path() / "root", "{\"signed\": {}}").has_value());
  CHECK(f.init() == 1);
  CHECK(f.refresh() == 1);
  CHECK(f.requests().empty());
}

TEST_CASE("refresh asks in the prescribed order, URLs as text, with or without a final slash",
          "[tuf][threads]") {
  for (const std::string slash : {"/", ""}) {
    Fixture f;
    REQUIRE(f.init() == 0);
    CHECK(f.refresh(slash) == 0);
    CHECK(f.requests() == Names{"/metadata/3.root.json", "/metadata/timestamp.json",
                                "/metadata/2.snapshot.json", "/metadata/2.targets.json"});
    CHECK(f.json_files() == Names{"root.json", "snapshot.json", "targets.json", "timestamp.json"});
    CHECK(f.refresh(slash) == 0);
    CHECK(f.requests() == Names{"/metadata/3.root.json", "/metadata/timestamp.json"});
  }
}

TEST_CASE("targets are downloaded in the order given, once, and replaced when they change",
          "[tuf][threads]") {
  Fixture f;
  f.sim.delegate("targets", "role/x", {"*"});
  f.sim.part("role/x")["expires"] = "2099-01-01T00:00:00Z";
  f.sim.add_target("targets", "first artifact", "one");
  f.sim.add_target("role/x", "second?#%", "two");
  f.sim.bump("targets");
  f.sim.publish();
  REQUIRE(f.init() == 0);
  CHECK(f.download({"first artifact", "second?#%"}, "") == 0);
  const Names asked = f.requests();
  REQUIRE(asked.size() == 7);
  CHECK(asked[4] == "/targets/" + sha256_hex("one") + ".first%20artifact");
  CHECK(asked[5] == "/metadata/1.role%2Fx.json");
  CHECK(asked[6] == "/targets/" + sha256_hex("two") + ".second%3F%23%25");
  const fs::path first = f.artifacts / "first%20artifact";
  CHECK(*read_file(first, 100) == "one");
  struct stat before {};
  REQUIRE(::stat(first.c_str(), &before) == 0);

  CHECK(f.download({"first artifact"}) == 0);
  CHECK(f.requests() == Names{"/metadata/3.root.json", "/metadata/timestamp.json"});
  struct stat after {};
  REQUIRE(::stat(first.c_str(), &after) == 0);
  CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  CHECK(before.st_ino == after.st_ino);

  f.sim.add_target("targets", "first artifact", "changed");
  f.sim.bump("targets");
  f.sim.publish();
  CHECK(f.download({"first artifact"}) == 0);
  CHECK(*read_file(first, 100) == "changed");
  CHECK(f.visible_artifacts() == Names{"first%20artifact", "second%3F%23%25"});
}

TEST_CASE("a refused or failed download leaves no visible file and ends the command",
          "[tuf][threads]") {
  Fixture f;
  f.sim.add_target("targets", "bad", "good bytes");
  f.sim.add_target("targets", "next", "next bytes");
  f.sim.bump("targets");
  f.sim.publish();
  REQUIRE(f.init() == 0);
  const std::string place = "/targets/" + sha256_hex("good bytes") + ".bad";
  using End = PlainAnswer::End;
  const PlainAnswer answers[] = {{200, "evil bytes", "", End::kWhole},
                                 {200, "good bytes and more", "", End::kWhole},
                                 {200, "good byte", "", End::kWhole},
                                 {200, "good bytes", "", End::kCutOff},
                                 {200, "", "", End::kEndless},
                                 {404, "", "", End::kWhole},
                                 {500, "good bytes", "", End::kWhole},
                                 {302, "good bytes", "Location: /elsewhere\r\n", End::kWhole},
                                 {200, "", "", End::kNoAnswer}};
  for (const PlainAnswer& answer : answers) {
    f.overrides[place] = answer;
    CHECK(f.download({"bad", "next"}) == 1);
    CHECK(f.visible_artifacts().empty());
  }
  const Names asked = f.requests();
  CHECK(std::ranges::count_if(asked, [](const auto& p) { return p.ends_with(".next"); }) == 0);
  CHECK(std::ranges::count(asked, "/elsewhere") == 0);
  f.overrides.clear();
  CHECK(f.download({"bad", "next"}) == 0);
  CHECK(f.visible_artifacts() == Names{"bad", "next"});
}

TEST_CASE("a target that no role lists is exit 1", "[tuf][threads]") {
  Fixture f;
  REQUIRE(f.init() == 0);
  CHECK(f.download({"nonexistent artifact"}) == 1);
  CHECK(f.requests().size() == 4);
  CHECK(f.visible_artifacts().empty());
}

TEST_CASE("a name that climbs out of the folder stays inside it, and goes to the URL as it is",
          "[tuf][threads]") {
  Fixture f;
  f.sim.add_target("targets", "../../climber", "bytes");
  f.sim.bump("targets");
  f.sim.publish();
  REQUIRE(f.init() == 0);
  CHECK(f.download({"../../climber"}) == 0);
  CHECK(f.requests().back() == "/targets/../../" + sha256_hex("bytes") + ".climber");
  CHECK(f.visible_artifacts().size() == 1);
}

TEST_CASE("only 404 and 403 mean that there is no newer root", "[tuf][threads]") {
  Fixture f;
  REQUIRE(f.init() == 0);
  using End = PlainAnswer::End;
  for (const int status : {404, 403}) {
    f.overrides["/metadata/3.root.json"] = {status, std::string(600000, 'x'), "", End::kWhole};
    CHECK(f.refresh() == 0);
  }
  const PlainAnswer hidden[] = {
      {500, "", "", End::kWhole},   {301, "", "Location: /other\r\n", End::kWhole},
      {204, "", "", End::kWhole},   {200, "", "", End::kNoAnswer},
      {200, "", "", End::kEndless}, {200, "{}", "", End::kCutOff}};
  for (const PlainAnswer& answer : hidden) {
    f.overrides["/metadata/3.root.json"] = answer;
    f.requests();
    CHECK(f.refresh() == 1);
    CHECK(f.requests() == Names{"/metadata/3.root.json"});  // no retry, nothing after it
  }
}

TEST_CASE("a server that hangs up or lacks a file ends in exit 1 and spoils nothing",
          "[tuf][threads]") {
  Fixture f;
  REQUIRE(f.init() == 0);
  using End = PlainAnswer::End;
  for (const std::string file :
       {"/metadata/timestamp.json", "/metadata/2.snapshot.json", "/metadata/2.targets.json"}) {
    for (const End end : {End::kNoAnswer, End::kCutOff, End::kEndless}) {
      f.overrides[file] = {200, "{\"signed\"", "", end};
      CHECK(f.refresh() == 1);
    }
    f.overrides[file] = {404, "<html>", "", End::kWhole};
    CHECK(f.refresh() == 1);
    f.overrides.clear();
  }
  CHECK(f.refresh() == 0);
}

TEST_CASE("a call that makes no sense is exit 1, never another number", "[tuf][threads]") {
  Fixture f;
  CHECK(run_client({}) == 1);
  CHECK(run_client({"refresh"}) == 1);
  CHECK(run_client({"--metadata-dir"}) == 1);
  CHECK(run_client({"--metadata-dir", f.trusted.string(), "explode"}) == 1);
  CHECK(run_client({"--metadata-dir", f.trusted.string(), "init", "/nonexistent"}) == 1);
  CHECK(run_client({"--bogus", "x", "--metadata-dir", f.trusted.string(), "refresh"}) == 1);
  CHECK(run_client({"--metadata-url", "http://127.0.0.1:1/", "--metadata-dir",
                    (f.folder.path() / "none").string(), "refresh"}) == 1);
}

TEST_CASE("plain http is refused where https alone is asked for", "[tuf][threads]") {
  Fixture f;
  REQUIRE(f.init() == 0);
  CHECK(run_client({"--https-only", "--metadata-url", f.server.url() + kPrefix + "/metadata/",
                    "--metadata-dir", f.trusted.string(), "refresh"}) == 1);
  CHECK(f.requests().empty());
}

TEST_CASE(
    "a repository that another program made, with every kind of key, twelve roots and delegations "
    "three deep, is followed to its end",
    "[tuf][threads]") {
  const fs::path made = "tests/integration/repository";
  const test::TempFolder folder;
  const fs::path trusted = folder.path() / "metadata";
  const fs::path artifacts = folder.path() / "artifacts";
  fs::create_directories(trusted);
  fs::create_directories(artifacts);
  PlainHttpServer server{[&](const std::string& path) -> PlainAnswer {
    const auto file = read_file(made / path.substr(1), 1U << 20);
    if (!file) return {404, "", "", PlainAnswer::End::kWhole};
    return {200, *file, "", PlainAnswer::End::kWhole};
  }};
  REQUIRE(run_client({"--metadata-dir", trusted.string(), "init",
                      (made / "metadata" / "1.root.json").string()}) == 0);
  CHECK(run_client({"--metadata-url", server.url() + "/metadata", "--metadata-dir",
                    trusted.string(), "--target-name", "one/two/three/deep.img", "--target-name",
                    "top.img", "--target-dir", artifacts.string(), "--target-base-url",
                    server.url() + "/targets", "download"}) == 0);
  CHECK(*read_file(trusted / "root.json", 1U << 20) ==
        *read_file(made / "metadata" / "12.root.json", 1U << 20));
  CHECK(*read_file(artifacts / "one%2Ftwo%2Fthree%2Fdeep.img", 100) == "deep bytes");
  CHECK(*read_file(artifacts / "top.img", 100) == "top bytes");
  const Names asked = server.take_requests();
  CHECK(std::ranges::count(asked, "/metadata/13.root.json") == 1);
  CHECK(std::ranges::count(asked, "/metadata/7.b%2Fb.json") == 1);
  CHECK(
      run_client({"--metadata-url", server.url() + "/metadata", "--metadata-dir", trusted.string(),
                  "--target-name", "one/two/three/other.img", "--target-dir", artifacts.string(),
                  "--target-base-url", server.url() + "/targets", "download"}) == 1);
}

TEST_CASE("targets of one call have times in their order, however small they are",
          "[tuf][threads]") {
  Fixture f;
  Names names;
  for (int i = 0; i < 6; ++i) {
    names.push_back("target" + std::to_string(5 - i));
    f.sim.add_target("targets", names.back(), names.back());
  }
  f.sim.bump("targets");
  f.sim.publish();
  REQUIRE(f.init() == 0);
  REQUIRE(f.download(names) == 0);
  struct timespec before {};
  for (const std::string& name : names) {
    struct stat status {};
    REQUIRE(::stat((f.artifacts / name).c_str(), &status) == 0);
    const bool later =
        status.st_mtim.tv_sec > before.tv_sec ||
        (status.st_mtim.tv_sec == before.tv_sec && status.st_mtim.tv_nsec > before.tv_nsec);
    CHECK(later);
    before = status.st_mtim;
  }
}

// Real children of a real supervisor: /bin/sh scripts that say what state they were started in.
#include "supervisor/supervisor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace ota;
using supervisor::ChildSpec;
using supervisor::Supervisor;
using supervisor::SupervisorOptions;
using Phase = model::AgentStatus::Phase;

namespace {

SupervisorOptions quick() {
  SupervisorOptions options;
  options.first_backoff = milliseconds(20);
  options.longest_backoff = milliseconds(80);
  options.healthy_after = milliseconds(5000);
  options.stop_grace = milliseconds(300);
  return options;
}

ChildSpec shell(const std::string& id, const std::string& script) {
  return {id, "/bin/sh", {"-c", script}};
}

model::AgentStatus status_of(const Supervisor& supervisor, const std::string& id) {
  const auto all = supervisor.status();
  for (const auto& status : *all) {
    if (status.id == id) return status;
  }
  return {};
}

bool has_line(const Supervisor& supervisor, const std::string& id, const std::string& text) {
  const model::AgentStatus status = status_of(supervisor, id);
  for (const std::string& line : status.output) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

bool alive(int pid) {
  return ::kill(pid, 0) == 0;
}

}  // namespace

TEST_CASE("a child starts with a clean signal mask, its own group and no descriptors of ours",
          "[supervisor][threads]") {
  sigset_t all;
  sigfillset(&all);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const SystemClock clock;
  {
    Supervisor supervisor(quick(), clock, {});
    supervisor.set_children(
        {shell("one",
               "grep SigBlk /proc/self/status; echo group $(ps -o pgid= -p $$ 2>/dev/null || cut "
               "-d' ' -f5 "
               "/proc/$$/stat) self $$; ls /proc/self/fd | tr '\\n' ' '; echo fds; readlink "
               "/proc/$$/fd/0; exec tail -f /dev/null")});
    REQUIRE(test::wait_until([&] { return has_line(supervisor, "one", "/dev/null"); }));
    CHECK(has_line(supervisor, "one", "SigBlk: 0000000000000000"));
    const int pid = status_of(supervisor, "one").pid;
    CHECK(::getpgid(pid) == pid);
    CHECK(has_line(supervisor, "one", "0 1 2 3 fds"));  // 3 is ls's own
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a child that dies is started again after a growing wait", "[supervisor][threads]") {
  const SystemClock clock;
  std::mutex mutex;
  std::vector<std::string> kinds;
  Supervisor supervisor(quick(), clock, [&](const model::Event& event) {
    const std::lock_guard lock(mutex);
    kinds.push_back(event.kind);
  });
  supervisor.set_children({shell("one", "echo here; exit 3")});
  REQUIRE(test::wait_until([&] { return status_of(supervisor, "one").restarts >= 3; }));
  CHECK(status_of(supervisor, "one").last_exit == "exit 3");
  const std::lock_guard lock(mutex);
  CHECK(std::count(kinds.begin(), kinds.end(), "agent.exit") >= 3);
}

TEST_CASE("a child that ignores SIGTERM is killed after the grace, with its own children",
          "[supervisor][threads]") {
  const test::TempFolder folder;
  const SystemClock clock;
  Supervisor supervisor(quick(), clock, {});
  const std::string file = (folder.path() / "pid").string();
  supervisor.set_children(
      {shell("one", "trap '' TERM; tail -f /dev/null & echo $! > " + file + ".new; mv " + file +
                        ".new " + file + "; while :; do wait; done")});
  REQUIRE(test::wait_until(
      [&] { return std::filesystem::exists(file) && status_of(supervisor, "one").pid != 0; }));
  const int grandchild = std::stoi(*read_file(file, 100));
  const int pid = status_of(supervisor, "one").pid;
  supervisor.stop("one");
  REQUIRE(test::wait_until([&] { return status_of(supervisor, "one").phase == Phase::kStopped; }));
  REQUIRE(pid > 0);
  CHECK_FALSE(alive(pid));
  CHECK(test::wait_until([&] { return !alive(grandchild); }));
  CHECK(status_of(supervisor, "one").last_exit == "signal 9");
  supervisor.start("one");
  CHECK(test::wait_until([&] { return status_of(supervisor, "one").phase == Phase::kRunning; }));
}

TEST_CASE("restart does not wait, and a child that left the list is stopped",
          "[supervisor][threads]") {
  const SystemClock clock;
  Supervisor supervisor(quick(), clock, {});
  supervisor.set_children(
      {shell("one", "exec tail -f /dev/null"), shell("two", "exec tail -f /dev/null")});
  REQUIRE(test::wait_until([&] { return status_of(supervisor, "two").phase == Phase::kRunning; }));
  const int first = status_of(supervisor, "one").pid;
  supervisor.restart("one");
  REQUIRE(test::wait_until([&] {
    const auto status = status_of(supervisor, "one");
    return status.phase == Phase::kRunning && status.pid != first;
  }));
  CHECK(status_of(supervisor, "one").restarts == 1);
  supervisor.set_children({shell("one", "exec tail -f /dev/null")});
  CHECK(test::wait_until([&] { return supervisor.status()->size() == 1; }));
}

TEST_CASE("a program that is not there is told, not hidden", "[supervisor][threads]") {
  const SystemClock clock;
  Supervisor supervisor(quick(), clock, {});
  supervisor.set_children({{"one", "/nonexistent/agent", {}}});
  CHECK(test::wait_until(
      [&] { return has_line(supervisor, "one", "cannot start /nonexistent/agent"); }));
  supervisor.stop_all();
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // a failed start leaves no zombie
}

TEST_CASE("a failed start does not run this program's exit handlers a second time",
          "[supervisor]") {
  const test::TempFolder folder;
  static std::string file;
  file = (folder.path() / "ran").string();
  const pid_t console = ::fork();
  REQUIRE(console >= 0);
  if (console == 0) {
    std::atexit([] { std::ofstream(file, std::ios::app) << "x"; });
    const SystemClock clock;
    Supervisor supervisor(quick(), clock, {});
    supervisor.set_children({{"one", "/nonexistent/agent", {}}});
    test::wait_until([&] { return status_of(supervisor, "one").restarts >= 2; });
    ::_exit(0);
  }
  ::waitpid(console, nullptr, 0);
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a child that leaves the list and comes back at once runs again",
          "[supervisor][threads]") {
  const SystemClock clock;
  Supervisor supervisor(quick(), clock, {});
  const ChildSpec slow = shell("one", "trap '' TERM; echo up; while :; do sleep 1; done");
  supervisor.set_children({slow});
  REQUIRE(test::wait_until([&] { return has_line(supervisor, "one", "up"); }));
  const int first = status_of(supervisor, "one").pid;
  supervisor.set_children({});
  supervisor.set_children({slow});
  CHECK(test::wait_until([&] {
    const auto status = status_of(supervisor, "one");
    return status.phase == Phase::kRunning && status.pid != 0 && status.pid != first;
  }));
}

TEST_CASE("a child that is specified otherwise is started anew, and one that is not goes on",
          "[supervisor][threads]") {
  const SystemClock clock;
  Supervisor supervisor(quick(), clock, {});
  const ChildSpec same = shell("same", "echo up; exec tail -f /dev/null");
  supervisor.set_children({same, shell("moved", "echo here; exec tail -f /dev/null")});
  REQUIRE(test::wait_until(
      [&] { return has_line(supervisor, "same", "up") && has_line(supervisor, "moved", "here"); }));
  const int pid = status_of(supervisor, "same").pid;
  supervisor.set_children({same, shell("moved", "echo there; exec tail -f /dev/null")});
  CHECK(test::wait_until([&] { return has_line(supervisor, "moved", "there"); }));
  CHECK(status_of(supervisor, "same").pid == pid);
}

TEST_CASE("no agent outlives a console that was killed", "[supervisor]") {
  const test::TempFolder folder;
  const std::string file = (folder.path() / "pid").string();
  const pid_t console = ::fork();
  REQUIRE(console >= 0);
  if (console == 0) {
    const SystemClock clock;
    Supervisor supervisor(quick(), clock, {});
    supervisor.set_children({shell("one", "echo $$ > " + file + ".new; mv " + file + ".new " +
                                              file + "; exec tail -f /dev/null")});
    ::pause();
    ::_exit(0);
  }
  REQUIRE(test::wait_until([&] { return std::filesystem::exists(file); }));
  const int agent = std::stoi(*read_file(file, 100));
  CHECK(alive(agent));
  ::kill(console, SIGKILL);
  ::waitpid(console, nullptr, 0);
  CHECK(test::wait_until([&] { return !alive(agent); }));
}

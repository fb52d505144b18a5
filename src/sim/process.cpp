#include "sim/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/file.h"

namespace ota::sim {
namespace {

constexpr milliseconds kLook{5};  // between two looks at a child
constexpr std::size_t kMaxOutput = 64U << 20;

int status_of(int raw) {
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

// Null-terminated, as exec wants them; `words` outlives it.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec: async-signal-safe calls only, since other threads may hold locks.
[[noreturn]] void become(char* const* words, char* const* environment, int log,
                         const char* folder) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN);  // the step fill-disk wants an error from write, not a death
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  if (*folder != '\0' && chdir(folder) != 0) _exit(127);
  execve(words[0], words, environment);
  _exit(127);
}

}  // namespace

Result<Process> Process::start(const ProcessSpec& spec) {
  const FileDescriptor log(open(spec.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return fail_errno(errno, "open " + spec.log.string());
  if (access(spec.program.c_str(), X_OK) != 0) return fail_errno(errno, spec.program.string());
  std::vector<std::string> words{spec.program.string()};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = spec.environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.emplace_back(*variable);  // of two with one name the first counts
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> envp = pointers_to(environment);
  const pid_t pid = fork();
  if (pid < 0) return fail_errno(errno, "fork");
  if (pid == 0) become(argv.data(), envp.data(), log.get(), spec.folder.c_str());
  return Process(pid);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0 || !running()) return;
  signal(SIGKILL);
  int raw = 0;
  while (waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
}

bool Process::running() {
  if (status_ || pid_ < 0) return false;
  int raw = 0;
  const pid_t ended = waitpid(pid_, &raw, WNOHANG);
  if (ended == pid_) status_ = status_of(raw);
  return ended == 0;
}

void Process::signal(int number) {
  // The whole group: a health check or an installer must not outlive its agent.
  if (!status_ && pid_ > 0 && kill(-pid_, number) != 0) kill(pid_, number);
}

std::optional<int> Process::wait(milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (running()) {
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    poll(nullptr, 0, static_cast<int>(kLook.count()));
  }
  return status_;
}

Result<Finished> run_to_end(const ProcessSpec& spec, milliseconds patience) {
  std::error_code ignored;
  std::filesystem::remove(spec.log, ignored);
  auto child = Process::start(spec);
  if (!child) return child.error();
  const auto status = child->wait(patience);
  if (!status) return fail(Errc::kTimeout, spec.program.filename().string() + " does not end");
  auto output = read_file(spec.log, kMaxOutput);
  if (!output) return output.error();
  return Finished{*status, std::move(*output)};
}

}  // namespace ota::sim

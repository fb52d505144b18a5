// The running agent: its parts, their threads, and the order in which they start and end.
//
//   main    signals, the status page
//   work    enrols where that is due, then performs updates (Engine)
//   uplink  samples, reports, facts (Uplink)
//   poll    waits for commands (Poller)
//
// The end, by a signal or a restart: all three are told to stop, their requests are cancelled, and
// they are waited for at most a second: what is on disk is whole at every instant.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agents/config.h"
#include "agents/engine.h"
#include "agents/identity.h"
#include "agents/poller.h"
#include "agents/runtime.h"
#include "agents/status_page.h"
#include "agents/trust.h"
#include "agents/uplink.h"
#include "base/program_version.h"

namespace ota::agent {

inline const std::string kAgentName = "ota-agent " + std::string(kProgramVersion);

enum class Ending : std::uint8_t { kStopped, kRestart, kFailed };

class Agent {
 public:
  // Opens the device's folder and decides what this start means. kConflict where another agent
  // works in it, kDenied where the key can be read by others, kNotFound where the device is not
  // enrolled and has no join code. `join_code`: one from the environment, or empty.
  static Result<std::unique_ptr<Agent>> open(Config config, std::string join_code,
                                             const Clock& clock, Runtime runtime = this_process(),
                                             DiskHook hook = {});
  ~Agent();

  // Until a signal or a restart. SIGTERM, SIGINT and SIGHUP must be blocked in every thread.
  Ending run();
  // The same without signals and a status page, for whoever drives the agent itself: begin(), and
  // when work_is_over() comes back, finish().
  void begin();
  void work_is_over();
  Ending finish();
  // A thread did not end in time: the object must not be destroyed, the process has to exit or to
  // start anew.
  bool hangs() const { return hangs_; }

 private:
  Agent(Config config, std::string join_code, FileLock lock, const Clock& clock, Runtime runtime);
  EnginePorts ports();
  Outcome check(const Action& action);
  Outcome check_back(const Action& action);
  Outcome patch(const Action& action, const BaseFiles& base, PartialImage& into,
                const Progress& progress);
  // At each piece of a download: tells how far it is; an error where it is not wanted any more.
  Result<void> go_on(MonoTime& told, std::uint64_t size, std::uint64_t length,
                     const Progress& progress);
  http::Requester::Download download_limits() const;
  Outcome download(const model::Release& release, PartialImage& into, const Progress& progress);
  Outcome install(const std::filesystem::path& image, const model::Release& release);
  Outcome revert(const std::filesystem::path& image, const model::Version& version);
  Outcome run_configured(const CommandLine& command, seconds patience,
                         const std::filesystem::path& image, const model::Version& version,
                         const char* failure_code);
  Outcome probe(const std::filesystem::path& image);
  Outcome restart();
  void work();
  bool enrol();  // false where it failed for good or the agent ends
  std::string status_document() const;
  // A thread of its own for `body`, guarded.
  void start(const char* name, std::function<void()> body);
  // Runs `body` to its end. What it throws is a defect that something from outside has found: it is
  // told, and after a pause it begins anew, so that no input ends the agent.
  void guarded(const char* name, const std::function<void()>& body);
  bool stop_all();  // false where a thread hangs
  void wake_main();
  void say(const std::string& line) const { runtime_.print("[OTA] " + line); }
  bool pause(milliseconds time);  // true where the agent ends

  Config config_;
  std::string join_code_;
  FileLock lock_;
  const Clock& clock_;
  const Runtime runtime_;
  Identity identity_;
  Trust trust_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Uplink> uplink_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<http::Requester> downloads_;
  FileDescriptor wake_;  // eventfd
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> failed_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<WaitPoint> changed_;
  bool stopped_ = false;
  bool hangs_ = false;
  bool work_over_ = false;
  unsigned running_ = 0;
  std::vector<std::unique_ptr<Running>> threads_;
};

}  // namespace ota::agent

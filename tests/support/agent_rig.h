// The other side of a device agent: a real TLS server with a real repository, whose answers the
// test decides, and the real ota-agent as a child process.
//
// Thread: the test's; what handlers leave behind is guarded.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "http/server.h"
#include "model/job.h"
#include "pki/authority.h"
#include "tests/support/temp_folder.h"
#include "tuf/director.h"
#include "tuf/repository.h"

namespace ota::test {

// A running ota-agent, its output in a file. Killed with the object.
class AgentProcess {
 public:
  AgentProcess(const std::vector<std::string>& arguments, std::filesystem::path output);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Its exit status, or 128 + the signal; nothing where it did not end in time.
  std::optional<int> wait(milliseconds patience = std::chrono::seconds(10));
  std::string output() const;
  // Waits until it has printed this line.
  bool says(const std::string& line) const;

 private:
  pid_t pid_;
  std::filesystem::path output_;
  std::optional<int> ended_;
};

class AgentRig {
 public:
  AgentRig();
  ~AgentRig();

  // --- the server's side ---
  std::string url() const;
  const std::filesystem::path& folder() const { return folder_.path(); }
  // Publishes an image for "sim-a"; its release.
  model::Release publish(const model::Version& version, const std::string& bytes);
  // The same with a packed image and a patch from the image `base` (of v2.1.4).
  model::Release publish_with_patch(const model::Version& version, const std::string& bytes,
                                    const std::string& base);
  // The published file whose name contains this.
  std::filesystem::path published_file(const std::string& like) const;
  // To be repeated at each poll until the device has reported on it.
  void command(const Json& command);
  // Signed by the director for an hour.
  Json update_command(const std::string& job, const model::Release& release) const;
  // The director's word; an expiry and a nonce are made where `job` has none.
  std::string word(tuf::DirectedJob job) const;
  // From one image to the other, with the director's word.
  Json rollback_command(const std::string& from, const std::string& to) const;
  void stop_server();
  void start_server();  // on the same port
  // The status that path gets instead of its answer, from now on; 0: its own answer again.
  void answer_with(const std::string& path_start, unsigned status);
  void certificate_lifetime(seconds lifetime) { lifetime_ = lifetime; }
  // From now on: a certificate that has ended may be renewed.
  void allow_renewal() { renewal_allowed_ = true; }
  void set_root(std::string root) { root_ = std::move(root); }

  std::string join_code() const;
  std::string foreign_join_code() const;  // the right token, another authority's fingerprint

  std::vector<model::JobReport> reports(const std::string& job) const;
  // Waits until the device has reported a final state, which is returned.
  std::optional<model::JobReport> final_report(const std::string& job) const;
  // Waits until the device waits for commands.
  bool polled() const;
  std::vector<Json> statuses() const;
  std::vector<Json> samples() const;
  // "GET /path" of every request in order, and the Range of downloads.
  std::vector<std::string> requests() const;
  std::vector<std::string> ranges() const;

  // --- the device's side ---
  std::filesystem::path device() const { return folder_.path() / "device"; }
  // Writes the device's config.json: the least, with `more` merged in.
  void configure(const Json& more = Json::object()) const;
  void leave_join_code(const std::string& code, mode_t mode = 0600) const;
  std::unique_ptr<AgentProcess> run() const;
  // `ota-agent status --json`, run to its end; null where it says that not one slot boots.
  Json slots() const;

 private:
  void add_routes(http::Router& router);
  void add_device_routes(http::Router& router);
  bool diverted(const http::Request& request, const http::Responder& respond);
  void answer_poll();  // with the mutex held

  TempFolder folder_;
  SystemClock clock_;
  std::unique_ptr<pki::Authority> authority_;
  std::unique_ptr<tuf::Repository> repository_;
  std::shared_ptr<const http::Router> router_;
  std::string root_;
  std::atomic<bool> renewal_allowed_{false};
  seconds lifetime_{3600};
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<Json> commands_;
  std::optional<http::Responder> parked_;
  std::vector<std::pair<std::string, model::JobReport>> reports_;
  std::vector<Json> statuses_;
  std::vector<Json> samples_;
  std::vector<std::string> requests_;
  std::vector<std::string> ranges_;
  std::map<std::string, unsigned> diversions_;

  std::unique_ptr<http::Server> server_;  // last: ends before what its handlers use
};

}  // namespace ota::test

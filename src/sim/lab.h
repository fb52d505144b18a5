// A stolen server and one device: what the drills of config/scenarios/attacks/ are played in.
//
// The repository is signed by as many people as the installation asks for (2 of 3 without one),
// whose keys lie in a vault; the online keys and the server's identity are the attacker's. The
// device is the real ota-agent over real mutual TLS; it has joined and runs v2.1.5.
//
// Thread: one, but for the handlers, whose traces are guarded. Everything ends with the object.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/router.h"
#include "model/job.h"
#include "model/release.h"
#include "sim/process.h"
#include "tuf/director.h"
#include "tuf/key.h"
#include "tuf/publisher.h"
#include "tuf/signer.h"

namespace ota::http {
class Server;
}
namespace ota::pki {
class Authority;
}

namespace ota::sim {

struct LabOptions {
  std::filesystem::path root;           // an empty folder
  std::filesystem::path agent_program;  // ota-agent
  std::filesystem::path installation;   // whose thresholds and model are used; empty: none
  std::string installer;                // a shell command in place of the agent's own; empty: none
};

struct Threshold {
  unsigned needed = 2;
  unsigned keys = 3;
};

class Lab {
 public:
  static Result<std::unique_ptr<Lab>> open(LabOptions options, const Clock& clock);
  ~Lab();

  // -- those who may sign --
  Result<void> publish(const model::Version& version, const std::string& model,
                       std::optional<model::Version> floor = {});
  // New keys for these roles; the vault's sign where they are asked.
  Result<void> rotate(const std::vector<std::string>& roles);
  // Keys of a role in the vault, ROLE-1.pem and so on.
  Result<std::vector<tuf::Signer>> vault(const std::string& role) const;

  // What those people do with a request that is said to be a mere renewal: "signed" where nothing
  // in its words speaks against that, "shown: ..." with the first line that does, else the code of
  // the refusal. `request` is what the server hands them.
  Result<std::string> ask_signers(const std::string& role, const std::string& request);

  // -- the attacker --
  std::filesystem::path firmware() const { return options_.root / "firmware"; }
  std::filesystem::path keys() const { return options_.root / "state" / "keys"; }
  std::filesystem::path vault_folder() const { return options_.root / "vault"; }
  const std::string& model() const { return model_; }
  const Threshold& targets_threshold() const { return targets_; }
  // From now on metadata is never sent to its end.
  void stall() { stalled_ = true; }
  // Answers the device's next requests, one after the other, with what no honest server sends, and
  // waits until it has taken all of them. kConflict where that ended the agent or started it anew.
  Result<void> answer_hostile();
  // What the attacker hands out in place of the honest job.
  struct Order {
    model::Version version;
    std::string model;  // whose image; the job claims that it fits this device
    std::string
        word;  // "", "none", "other-device", "other-image", "changed", "expired", "replayed"
  };
  // The device's last word on it; kTimeout where none came.
  Result<model::JobReport> order(const Order& order, milliseconds patience);
  // Tells the device to go back from what it runs. `word`: "" the director's own, "none",
  // "other-device", "other-image", "expired" or "replayed" (the first one again). The version that
  // it runs then, or why it stays.
  Result<std::string> roll_back(const std::string& word, milliseconds patience);
  // Answers every poll with such a command for so long; how often the device started anew.
  Result<std::size_t> rollback_storm(const std::string& word, milliseconds time);
  // Without waiting for the end.
  Result<std::string> hand_out(const Order& order);

  std::filesystem::path device() const { return options_.root / "device"; }
  std::string device_log() const;
  const Clock& clock() const { return clock_; }

 private:
  Lab(LabOptions options, const Clock& clock);
  Result<void> set_up();
  Result<void> make_repository();
  Result<void> pin_root();
  Result<void> sign_what_waits();
  Result<void> start_device();
  Result<void> take_director();
  Result<model::Release> release_of(const model::Version& version, const std::string& model) const;
  void add_routes(http::Router& router);
  void answer_poll();  // with the mutex held
  Result<Json> rollback_command(const std::string& word);
  bool runs(const model::Version& version) const;  // by the device's last word
  std::size_t starts() const;                      // of the device's agent, as its log tells
  // A handler that answers as the attacker wants as long as that lasts.
  http::Handler guarded(http::Handler honest);
  std::optional<model::JobReport> last_report(const std::string& job) const;

  LabOptions options_;
  const Clock& clock_;
  std::string model_ = "sim-a";
  Threshold root_;
  Threshold targets_;
  std::unique_ptr<pki::Authority> authority_;
  std::optional<tuf::Director> director_;
  // Of the people who sign, all alike: pinned at the ceremony, when they saw each other.
  std::optional<tuf::SignerMemory> memory_;
  std::optional<Process> agent_;
  unsigned jobs_ = 0;
  std::atomic<bool> stalled_{false};
  std::string first_word_;

  mutable std::mutex mutex_;                               // guards what follows
  std::vector<std::pair<unsigned, std::string>> hostile_;  // answers to come, the next one last
  std::size_t hostile_polls_ = 0;
  std::map<std::string, Json> commands_;  // by job, until it is reported on
  std::optional<http::Responder> parked_;
  std::string first_rollback_word_;
  std::string storm_;  // the word of the rollbacks that answer every poll
  bool storming_ = false;
  Json facts_ = Json::object();                      // as the device last told them
  std::uint64_t told_ = 0;                           // how often it did
  std::map<std::string, model::JobReport> reports_;  // the last one of each job
  std::vector<http::Responder> held_;                // of requests that are never answered

  std::unique_ptr<http::Server> server_;  // last: ends before what its handlers use
};

}  // namespace ota::sim

// How an update goes, without doing any of it: fed with commands and outcomes, it says what to do
// next.
//
//   wait --update--> check -> (patch ->) download -> verify -> install --> switch --> restart ---.
//    ^                 |         |          |          |     (armed from here)         | boot
//    |                 '----- refused or failed -------'                               v
//    |<---------------------------- confirmed ------------------------------------- probe
//    |                 rollback--> check its word -> switch --> restart -> ... as above
//    |<-- boot <-- restart <-- switch back <------------ unhealthy, or a 3rd start unconfirmed
//
// Where the signed metadata has shorter ways for the image (a patch from what runs here, the packed
// image), they are tried in that order; what does not lead to the image is given up for good, and
// what it made of the image stays (update_ways.cpp).
//
// The rule of order: whoever drives it makes state() durable whenever dirty() says so, before the
// next action is performed. Then a power cut at any instant leaves a document from which boot()
// goes on to the same end.
//
// Pure: no I/O, no clock. Thread: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/command.h"
#include "agents/update_state.h"
#include "tuf/firmware.h"

namespace ota::agent {

struct MachineOptions {
  std::string hardware;
  std::uint64_t max_image_bytes = std::uint64_t{1} << 30;
  unsigned max_boots = 3;  // starts of a new image without a confirmation
  unsigned max_download_tries = 12;
  unsigned restarts_per_hour = 12;  // that a server may cause; a rollback or an update is one
  bool can_roll_back = true;  // false: nothing here can give the device an image back that it left
};

struct Action {
  enum class Kind : std::uint8_t {
    kWait,
    kCheck,
    kCheckBack,
    kPatch,
    kDownload,
    kVerify,
    kInstall,
    kSwitch,
    kRestart,
    kProbe
  };
  Kind kind = Kind::kWait;
  std::uint64_t ticket = 0;    // for done(): an outcome of an older action is ignored
  Slot slot = Slot::kA;        // written to, verified, made current, or probed
  model::Release release;      // kCheck to kInstall
  tuf::Patch patch;            // kPatch: what the image is to be made of
  std::uint64_t may_mend = 0;  // kPatch: bytes that may be spent on a base that differs in places
  std::string job;             // kCheck
  std::string word;            // kCheck, kCheckBack: the director's
  model::Image image;          // kProbe; of kCheckBack the one to go back to
  std::string from;            // kCheckBack: digest of the image to leave
  // kSwitch: the device has to be given back what is in `slot`; the installer has replaced it, or
  // may have.
  bool revert = false;
  std::chrono::milliseconds delay{0};  // to be waited before it is performed
};

// Why an action failed. `code` is the short stable word that is reported as error_code.
struct Failure {
  enum class Again : std::uint8_t { kNever, kLater };
  std::string code;
  std::string detail;
  Again again = Again::kNever;  // of a download only: worth another try
};
using Outcome = std::optional<Failure>;  // nothing: it went well

// A rollback that came to nothing: there is no report of one, so the facts are told again with it.
struct Unheeded {
  std::string from;  // the image that the device was told to leave
  std::string why;   // empty: it has left that already
};

class UpdateMachine {
 public:
  UpdateMachine(UpdateState state, MachineOptions options);

  // The device started from `current`. Once, before anything else.
  void boot(Slot current);
  // The device's clock, before command(); restarts are counted by it.
  void clock(WallTime now);
  void command(const Command& command);
  // What came of the action with this ticket.
  void done(std::uint64_t ticket, const Outcome& outcome);
  void progress(std::uint64_t ticket, int percent);
  // Of a check that goes well, before done(): all that the signed metadata has to make the image
  // of.
  void patches(std::uint64_t ticket, const std::vector<tuf::Patch>& known);
  // The server took this job's reports up to `seq`.
  void acknowledged(const std::string& job, std::uint64_t seq);
  // The server says that the job has ended there: it is given up, unless the new image is armed
  // already.
  void job_over(const std::string& job);
  // An update that is not armed ends as failed; for what no action tells, such as a full disk.
  void give_up(const Failure& failure);
  void clock_floor(WallTime floor);
  // Signed metadata forbids versions below `floor`.
  void version_floor(const model::Version& floor);

  Action next() const;
  const UpdateState& state() const { return state_; }
  bool dirty() const { return dirty_; }
  // Worth saving at the next occasion, but nothing waits for it: what a power cut would lose here
  // is only said once more.
  bool untidy() const { return untidy_; }
  void saved() { dirty_ = untidy_ = false; }
  // Lines for people on what has happened since the last call; to be shown after the state is
  // durable.
  std::vector<std::string> take_notices();
  std::optional<Unheeded> take_unheeded() { return std::exchange(unheeded_, std::nullopt); }
  // True while an update or a rollback is under way.
  bool busy() const { return state_.job || state_.trial || asked_back_; }
  // What runs now: the image on trial after its start, else the confirmed one.
  const model::Image& running() const;

 private:
  enum class Step : std::uint8_t {
    kIdle,
    kCheck,
    kCheckBack,
    kPatch,
    kDownload,
    kVerify,
    kInstall,
    kSwitchTo,
    kRestartTo,
    kProbe,
    kSwitchBack,
    kRestartBack
  };

  void enter(Step step);
  void update(const Command& command);
  void cancel(const Command& command);
  void rollback(const Command& command);
  std::string hindrance(const Command& command) const;
  void refuse_rollback(const std::string& why);
  void arm_rollback();
  bool may_restart() const;
  void count_restart();
  bool refuse_early(const Command& command);
  void arm();
  void spend_word();
  void remember_spent(const std::string& nonce);
  void fail_job(const std::string& code, const std::string& detail);
  void fail_trial(const std::string& code, const std::string& detail);
  void confirm();
  void finish_fallback();
  void step_failed(const Failure& failure);
  void fetch();
  bool another_way(const Failure& failure);
  std::uint64_t may_mend() const;
  model::FetchPlan present_way() const;  // in kPatch
  model::JobReport way_report();
  void step_succeeded();
  model::JobReport report(const std::string& job, model::JobState state, const std::string& detail,
                          const std::string& code = {});
  void queue(const std::string& job, const model::JobReport& entry);
  model::JobReport new_report(model::JobState state, const std::string& detail,
                              const std::string& code = {});
  bool holds_for(const FinishedJob& known, const Command& command) const;
  void finish(const std::string& job, int attempt, const std::string& sha256, model::JobState state,
              const std::string& detail, const std::string& code = {});
  void go_back_again(const Failure& failure);
  void notice(std::string line) { notices_.push_back(std::move(line)); }

  UpdateState state_;
  MachineOptions options_;
  Step step_ = Step::kIdle;
  std::uint64_t ticket_ = 1;
  std::chrono::milliseconds delay_{0};
  bool started_trial_ = false;  // this process runs the image on trial
  std::string told_way_back_;   // why the way back last failed
  // A rollback whose word is being checked; not durable: the server repeats it.
  struct AskedBack {
    std::string word;
    std::string nonce;
  };
  std::optional<AskedBack> asked_back_;
  std::vector<tuf::Patch> ways_;  // for the job's image, the best one first
  tuf::Patch way_;                // the present one, in kPatch
  std::string told_refusal_;      // why a rollback was last refused
  std::optional<Unheeded> unheeded_;
  WallTime now_{};
  bool dirty_ = false;
  bool untidy_ = false;
  std::vector<std::string> notices_;
};

}  // namespace ota::agent

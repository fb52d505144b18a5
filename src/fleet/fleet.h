// The brain: live device table, ingest, update jobs. It owns the order of the rules and knows no
// protocol.
//
// Calls return at once. What is decided is decided on one strand (base/executor.h): calls that
// answer by a `Done` post there. What must be durable is queued to the store; a `Done` is called
// after the commit (on the store's thread), or on the strand, or on the caller's thread, and must
// not wait. A call that gives its answer back reads what the strand has decided so far. Device rows
// are striped, so ingest of different devices does not contend, and waits for nothing else.
//
// Thread: any, unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "fleet/ddi.h"
#include "fleet/snapshot.h"
#include "fleet/write_budget.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/event.h"
#include "model/fetch_plan.h"
#include "model/job.h"
#include "model/release.h"
#include "model/settings.h"
#include "model/stop.h"
#include "model/telemetry.h"

namespace ota::store {
class Store;
}

namespace ota::fleet {

struct DdiFeedback;  // fleet/ddi_machine.h
struct DdiFetch;
struct StoredState;  // fleet/stored_state.h

// What a device says of itself: at start, after each change of a slot, and every few minutes.
struct DeviceStatus {
  std::string agent;  // "ota-agent 1.0.0"
  std::string
      hardware;  // as the device believes; a mismatch with the whitelist is an event and blocks
  model::BootId boot;
  std::string slot;  // "A" or "B"
  std::optional<model::Image> running;
  std::optional<model::Image> confirmed;
  std::optional<model::Image> written;
  std::string fallback;         // why it fell back at this start; empty otherwise
  std::string fallback_sha256;  // the release that it fell back from
  // Digest of what it runs, where it was told to leave that and has nothing to go back to.
  std::string rollback_refused;
  std::string rollback_why;              // in its words
  std::optional<model::Image> previous;  // in its other slot, good to go back to
  std::string version_floor;             // the signed one that it keeps; empty: it does not say
  std::uint32_t patch_format = 0;  // of patches that its agent makes images of; 0: it does not say
  // How far its clock is ahead of the server's; none: it agrees, or does not say.
  std::optional<seconds> clock_off = std::nullopt;
  std::string address = {};  // that it speaks from
};

struct IngestResult {
  std::size_t accepted = 0;
  std::vector<std::pair<std::uint64_t, model::SampleFault>> refused;  // by seq
};

struct Command {
  enum class Kind : std::uint8_t { kUpdate, kCancel, kRollback };
  Kind kind = Kind::kUpdate;
  std::string job_id;  // empty for a rollback
  int attempt = 1;
  model::Release release;
  WallTime deadline;
  WallTime created{};  // of the job
  std::string from{};  // of a rollback: digest of the image to leave; empty: not known here
  std::string to{};    // and of the one to go back to; empty: its agent knows no signed rollback
};

struct PushRequest {
  std::vector<std::string> devices;
  std::optional<model::Version>
      version;  // none: the target version of ota_settings for each device's model
  std::string override_reason;
  bool again = false;    // also what the device fell back from
  bool dry_run = false;  // evaluate only; nothing is stored
  std::string actor;     // "console", "operator:CN"
};
// What came of a stop.
struct StopOutcome {
  model::Stop stop;           // that holds now
  bool was_stopped = false;   // it held before, and is as it was
  std::size_t cancelled = 0;  // updates that were not installed yet
  std::string unsaved;        // why it is in memory alone for now; empty: it is on disk
};
struct PushOutcome {
  model::Decision decision;
  std::string job_id;                     // where a job was made
  std::optional<model::FetchPlan> fetch;  // what the update makes it fetch; none: no such release
};

// What those that the gate allows make their devices fetch.
model::FetchSum fetch_sum(std::span<const PushOutcome> outcomes);

template <class T>
using Answered = std::function<void(Result<T>)>;
using Done = std::function<void(Result<void>)>;

// What check_token() found: good, or kDenied; `wait` where the address has tried too often.
struct TokenCheck {
  bool good = false;
  std::optional<seconds> wait{};
  Error refusal{};
};

// A token that was used: what enrolled() needs to finish.
struct Admission {
  std::string device;
  std::uint32_t revocations = 0;  // of the device until then
};

struct Hooks {
  // A device has a new command: answer its parked poll. Called without locks held, from any thread;
  // must not wait.
  std::function<void(const std::string& device)> wake_device;
  // A device lost its right to be connected (revoked, off the whitelist).
  std::function<void(const std::string& device)> cut_off_device;
  // New events, after they were queued: wakes followers of the log.
  std::function<void()> new_events;
};

// While a download goes on, what was sent is written so often: what a crash may forget.
inline constexpr milliseconds kSentSaved{15'000};

class Fleet {
 public:
  // `store`, `clock` and `strand` outlive it; the strand may be shared. Call load() before anything
  // else.
  Fleet(store::Store& store, const Clock& clock, Executor& strand,
        std::shared_ptr<const model::Settings> settings);
  ~Fleet();  // drains
  // When it returns, the hooks before are not running and are called no more. Not from a hook.
  void set_hooks(Hooks hooks);
  // Returns when all that was asked for has been decided, stored and answered. Not from a callback.
  void drain();
  // Takes over devices, jobs and the newest events; once, before the server starts. Without an
  // argument it reads them first, and blocks on the store.
  Result<void> load(StoredState stored);
  Result<void> load();

  // -- settings and firmware --
  void apply_settings(std::shared_ptr<const model::Settings> settings);
  void set_config_problems(std::vector<ConfigProblem> problems);
  void set_releases(std::vector<model::Release> releases);  // from verified metadata
  std::shared_ptr<const model::Settings> settings() const;
  // Of the settings, without a lock: asked for each request.
  std::uint32_t samples_per_request() const;
  std::uint32_t json_depth() const;

  // -- devices; `device` is the certificate's name --
  // Whether this certificate may speak for the device now: whitelisted, enrolled, not revoked, the
  // right key. The error's context is the distinct reason ("revoked", "not in the whitelist",
  // "another certificate").
  Result<void> admit(const std::string& device, const std::string& certificate_serial) const;
  // The same for a certificate that has ended, which is good for its own renewal alone: kDenied
  // also where no operator has allowed that (allow_renewal). Agents of this host need no such word.
  Result<void> admit_ended(const std::string& device, const std::string& certificate_serial,
                           const std::string& address);
  // `address`: that it speaks from.
  IngestResult ingest(const std::string& device, std::span<const model::Sample> samples,
                      std::string_view address = {});
  // It waits for commands; `boot`: the start that it is in, where it says so.
  void polled(const std::string& device, const std::optional<model::BootId>& boot,
              std::string_view address);
  // It sent what is no telemetry at all: counted as one sample, kMalformed.
  void refuse_telemetry(const std::string& device);
  void report_status(const std::string& device, const DeviceStatus& status, Done done);
  void report_job(const std::string& device, const std::string& job_id,
                  const model::JobReport& report, Done done);
  // It was sent so many bytes of an image or of what makes one: they count towards its budget at
  // once, and are on disk within kSentSaved and a tick.
  void data_sent(const std::string& device, std::uint64_t bytes);
  // Commands that wait for the device; a queued job becomes sent once the gate has allowed it
  // again.
  void take_commands(const std::string& device, Answered<std::vector<Command>> done);

  // -- operators --
  void push(const PushRequest& request, Answered<std::vector<PushOutcome>> done);
  void cancel(const std::string& job_id, const std::string& actor, Done done);
  void rollback(const std::string& device, const std::string& actor, Done done);
  void acknowledge(const std::string& device, const std::string& actor,
                   Done done);  // FAILED and ROLLBACK words
  std::optional<model::Job> job(const std::string& id) const;
  std::vector<model::Job> jobs(const std::string& device,
                               std::size_t limit) const;  // newest first; empty id: all

  // -- enrolment --
  // A one-time token's hash and its end; the token itself is never stored. Only whitelisted ids.
  void open_enrolment(const std::string& device, const std::string& token_hash, WallTime expires,
                      const std::string& actor, const Done& done);
  // A token as somebody at `address` shows it. A good one is never refused, whatever others did; a
  // wrong one is counted and, within its address's number, an event.
  TokenCheck check_token(const std::string& token_hash, const std::string& address);
  // Uses the token up (even where what follows fails) and says whether `key_fingerprint` may enrol
  // as the device: kDenied (no such token, expired, used; the key is, or was, another device's),
  // kConflict (the id has another key: flagged on both).
  Result<Admission> redeem_token(const std::string& token_hash, const std::string& key_fingerprint,
                                 const std::string& address);
  // kDenied where the device was revoked since the token was used: its certificate is not given.
  void enrolled(const Admission& admission, const std::string& certificate_serial,
                const std::string& key_fingerprint, WallTime expires, Done done);
  // `presented_serial` is that of the certificate that the device renewed with.
  // kDenied where that was withdrawn meanwhile.
  void renewed(const std::string& device, const std::string& presented_serial,
               const std::string& certificate_serial, WallTime expires, Done done);
  void revoke(const std::string& device, const std::string& actor, Done done);
  // Until `until` the device may renew a certificate that has ended, with the key that enrolled.
  // kNotFound, kDenied (not in the whitelist, not enrolled, revoked).
  void allow_renewal(const std::string& device, WallTime until, const std::string& actor,
                     const Done& done);

  // -- devices that speak hawkBit's DDI (fleet_ddi.cpp); `action` is their number for a job --
  // Who may speak for the device. kDenied with the reason for the log; the device is told 401
  // alone.
  Result<DdiAdmission> ddi_admit(const std::string& device, const DdiCredentials& credentials);
  // The release of the job that waits for or runs on the device, to be checked before an offer.
  std::optional<model::Release> ddi_wanted(const std::string& device) const;
  // A poll: the gate is asked for a job that waits; what it says is on disk before `done`.
  // `problem`: why the image cannot be served; empty where it can.
  void ddi_poll(const std::string& device, const std::string& client, const std::string& problem,
                Answered<DdiOffer> done);
  // The device's job behind an action that it was offered, also one that has ended. kNotFound.
  Result<model::Job> ddi_job(const std::string& device, std::uint64_t action) const;
  void ddi_attributes(const std::string& device, const DdiAttributes& attributes, Done done);
  void ddi_fetched(const std::string& device, std::uint64_t action, const DdiFetch& fetch);
  void ddi_feedback(const std::string& device, std::uint64_t action, const DdiFeedback& feedback,
                    Done done);
  void ddi_cancel_feedback(const std::string& device, std::uint64_t action,
                           const DdiFeedback& feedback, Done done);
  // Operators. The token's hash replaces the one before; only whitelisted ids.
  void ddi_set_token(const std::string& device, const std::string& token_hash,
                     const std::string& actor, const Done& done);
  void ddi_ask_attributes(const std::string& device, const std::string& actor, const Done& done);
  // Who takes updates on it, where it has a DDI client. kNotFound, kConflict (it has none).
  void ddi_use(const std::string& device, model::UpdatesBy by, const std::string& actor,
               const Done& done);
  void ddi_set_gateway(const std::string& token_hash, const std::string& actor, const Done& done);
  bool ddi_gateway_is_on() const;
  // From the waiting list: a gateway token may speak for it from now on. kNotFound, kDenied (not in
  // the whitelist).
  void ddi_accept(const std::string& device, const std::string& actor, const Done& done);
  // No update starts from now on, and what is not installed yet is cancelled; going back goes on.
  // Answered when that is written. It holds in memory where it cannot be, and is written when it can.
  void stop(const std::string& reason, const std::string& actor, Answered<StopOutcome> done);
  // kConflict: they are not stopped.
  void resume(const std::string& actor, Done done);
  // Ends a DDI device's job on the server alone, whatever the device does.
  void force_quit(const std::string& job_id, const std::string& actor, Done done);

  // -- what may be written for whom (write_budget.h) --
  // None: the device may have something written now; else how long until it may.
  std::optional<seconds> write_wait(const std::string& device);
  BudgetUse budget_use() const;

  // -- what was learnt of devices (anomaly/memory.h), for a snapshot --
  // Those that have sent a sample. Any thread.
  std::vector<std::string> learnt_devices() const;
  std::string keep_detector(const std::string& device) const;
  // Before the server starts. kNotFound: no such device; kInvalid: no memory of this program.
  Result<void> restore_detector(const std::string& device, std::string_view kept);

  // -- events from other parts (server, supervisor, configuration) --
  void record(model::Event event);
  // The same for a caller who waits: what could not be written is not written later.
  void record(model::Event event, Done done);

  // Staleness, deadlines, watch periods; about four times a second. Thread: one, the server's.
  void tick();

  // Queues when each device was seen last, and what it was sent, for an ordered end. Not from a
  // callback: waits for the strand.
  void save_last_seen();

  // -- what is seen --
  // Everything that was acknowledged before this call is in snapshot() after it.
  void catch_up();
  std::shared_ptr<const Snapshot> snapshot() const;
  std::shared_ptr<const DeviceDetail> detail(const std::string& device) const;  // null: not known
  // The readings alone, oldest first; none where the device is not known.
  std::vector<HistoryPoint> history(const std::string& device) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::fleet

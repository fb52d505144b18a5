#include "agents/engine.h"

#include <algorithm>
#include <chrono>

#include "base/digest.h"
#include "base/json.h"
#include "model/failure_code.h"
#include "model/sample_image.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kStateBytes = 1U << 20;
constexpr std::size_t kFactoryBytes = 64U << 20;
constexpr std::uint64_t kSpaceReserve = 1U << 20;  // left free for state, metadata and logs
constexpr milliseconds kSaveAgain{2000};

fs::path state_file(const EngineOptions& options) {
  return options.folder / "state" / "update.json";
}

Failure disk_failure(const Error& error) {
  return {error.code == Errc::kFull ? model::failure_code::kNoSpace : model::failure_code::kIo,
          error.text(), Failure::Again::kNever};
}

}  // namespace

Engine::Engine(EngineOptions options, EnginePorts ports, SlotStore store, UpdateState state)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      store_(std::move(store)),
      wake_(options_.runtime.wait_point()),
      jitter_(options_.runtime.seed()),
      machine_(std::move(state), options_.machine),
      durable_(present_facts()) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, EnginePorts ports) {
  auto store = SlotStore::open(options.folder / "slots", options.hook, *options.runtime.disk);
  if (!store) return store.error();
  if (auto made = make_directories(*options.runtime.disk, options.folder / "state", 0700); !made)
    return made.error();
  auto state = load(options, ports, *store);
  if (!state) return state.error();
  return std::unique_ptr<Engine>(
      new Engine(std::move(options), std::move(ports), std::move(*store), std::move(*state)));
}

Result<UpdateState> Engine::load(const EngineOptions& options, const EnginePorts& ports,
                                 SlotStore& store) {
  const fs::path file = state_file(options);
  const auto text = read_file(file, kStateBytes);
  if (text) {
    const auto document = parse_json(*text);
    auto state = document ? from_document(*document) : Result<UpdateState>(document.error());
    if (state) return state;
    if (state.error().code == Errc::kConflict) return state.error().within(file.string());
    ports.say("the update state is damaged, kept as update.json.damaged: " + state.error().text());
    // It is only for whoever looks into the damage.
    (void)options.runtime.disk->rename(file, file.string() + ".damaged");
  } else if (text.error().code != Errc::kNotFound) {
    return text.error();
  }
  // None, or damaged: the slot that boots is the truth.
  const auto current = store.current();
  if (current) {
    const auto image = store.image(*current);
    if (image && *image) {
      UpdateState state;
      state.confirmed_slot = *current;
      state.confirmed = **image;
      state.highest = state.confirmed.version;
      return state;
    }
  }
  return factory(options, store);
}

Result<UpdateState> Engine::factory(const EngineOptions& options, SlotStore& store) {
  std::string bytes = model::sample_image(options.factory_version);
  if (auto given = read_file(options.folder / "factory.img", kFactoryBytes); given) {
    bytes = std::move(*given);
  } else if (given.error().code != Errc::kNotFound) {
    return given.error();
  }
  const model::Image image{options.factory_version, sha256_hex(bytes)};
  auto part = store.begin(Slot::kA, image.sha256);
  if (!part) return part.error();
  if (auto emptied = part->truncate(); !emptied) return emptied.error();
  if (auto written = part->append(bytes); !written) return written.error();
  if (auto synced = part->sync(); !synced) return synced.error();
  if (auto committed = store.commit(Slot::kA, image); !committed) return committed.error();
  if (auto good = store.check_and_note(Slot::kA); !good) return good.error();
  if (auto switched = store.make_current(Slot::kA); !switched) return switched.error();
  UpdateState state;
  state.confirmed = image;
  state.highest = image.version;
  return state;
}

// True where the state is durable. Where it cannot be made so, an update that is not armed is given
// up.
bool Engine::persist() {
  if (!machine_.dirty() && !machine_.untidy()) {
    tell();
    return true;
  }
  if (options_.hook) options_.hook("before saving the state");
  const auto saved = write_file_durably(*options_.runtime.disk, state_file(options_),
                                        dump_json(to_document(machine_.state())) + "\n", 0600);
  if (!saved) {
    if (!unsaved_told_) ports_.say("cannot save the update state: " + saved.error().text());
    unsaved_told_ = true;
    machine_.give_up(disk_failure(saved.error()));
    return false;
  }
  machine_.saved();
  durable_ = present_facts();
  unsaved_told_ = false;
  if (options_.hook) options_.hook("state saved");
  tell();
  ports_.changed();
  return true;
}

void Engine::tell() {
  for (const std::string& line : machine_.take_notices())
    ports_.say(line);
  if (const auto unheeded = machine_.take_unheeded()) ports_.unheeded(*unheeded);
}

void Engine::boot() {
  const std::lock_guard lock(mutex_);
  const auto current = store_.current();
  // Without a readable link no slot is current: the machine then makes the confirmed one so.
  machine_.boot(current ? *current : other(machine_.state().confirmed_slot));
  persist();
}

Action::Kind Engine::step() {
  Action action;
  {
    const std::lock_guard lock(mutex_);
    if (!persist()) return Action::Kind::kWait;
    action = machine_.next();
  }
  if (action.kind == Action::Kind::kWait) return action.kind;
  const Outcome outcome = perform(action);
  std::unique_lock lock(mutex_);
  finish_action(lock, action, outcome);
  return action.kind;
}

void Engine::finish_action(std::unique_lock<std::mutex>& lock, const Action& action,
                           const Outcome& outcome) {
  if (action.kind == Action::Kind::kRestart && !outcome) restart_due_ = true;
  machine_.done(action.ticket, outcome);
  persist();
  if (action.kind != Action::Kind::kInstall || machine_.state().trial) return;
  lock.unlock();
  undo_install();
  lock.lock();
}

// Between half and one and a half times as long: devices that lost one server do not come back at
// one time.
milliseconds Engine::jittered(milliseconds delay) {
  std::uniform_real_distribution<double> factor(0.5, 1.5);
  return milliseconds(
      static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * factor(jitter_)));
}

void Engine::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_ && !restart_due_) {
    if (!persist()) {
      wake_->wait_for(lock, kSaveAgain, [this] { return stopped_; });
      continue;
    }
    const Action action = machine_.next();
    const auto interrupted = [&] { return stopped_ || machine_.next().ticket != action.ticket; };
    if (action.kind == Action::Kind::kWait) {
      wake_->wait(lock, [this] { return stopped_ || woken_; });
      woken_ = false;
      continue;
    }
    if (action.delay.count() > 0 && wake_->wait_for(lock, jittered(action.delay), interrupted))
      continue;
    lock.unlock();
    const Outcome outcome = perform(action);
    lock.lock();
    // An outcome that stop() brought about says nothing about the update: the next start goes on
    // with it.
    if (stopped_ && outcome) return;
    finish_action(lock, action, outcome);
  }
}

void Engine::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_->notify_all();
  ports_.interrupt();
}

void Engine::changed_by_others(std::uint64_t ticket_before) {
  const bool pointless = machine_.next().ticket != ticket_before;
  woken_ = true;
  wake_->notify_all();
  if (pointless) ports_.interrupt();
}

Engine::Effect Engine::command(const Command& command) {
  const std::lock_guard lock(mutex_);
  const auto ticket = machine_.next().ticket;
  machine_.clock(ports_.now());
  const auto reports = machine_.state().next_seq;
  machine_.command(command);
  const bool changed = machine_.next().ticket != ticket || machine_.state().next_seq != reports;
  changed_by_others(ticket);
  return changed ? Effect::kChanged : Effect::kNone;
}

void Engine::acknowledged(const std::string& job, std::uint64_t seq) {
  const std::lock_guard lock(mutex_);
  const auto ticket = machine_.next().ticket;
  machine_.acknowledged(job, seq);
  changed_by_others(ticket);
}

void Engine::job_over(const std::string& job) {
  const std::lock_guard lock(mutex_);
  const auto ticket = machine_.next().ticket;
  machine_.job_over(job);
  changed_by_others(ticket);
}

void Engine::trusted_time(WallTime now) {
  const std::lock_guard lock(mutex_);
  machine_.clock_floor(now);
}

void Engine::version_floor(const model::Version& floor) {
  const std::lock_guard lock(mutex_);
  machine_.version_floor(floor);
}

WallTime Engine::clock_floor() const {
  const std::lock_guard lock(mutex_);
  return machine_.state().clock_floor;
}

std::optional<QueuedReport> Engine::next_report() const {
  const std::lock_guard lock(mutex_);
  // Nothing is said that a power cut could make untrue; but a device whose disk is full still says
  // what did not become of an update: the running image has not changed by it.
  if (machine_.dirty() && !unsaved_told_) return std::nullopt;
  const std::vector<QueuedReport>& outbox = machine_.state().outbox;
  const auto entry = std::ranges::find_if(outbox, [&](const QueuedReport& queued) {
    const model::JobState state = queued.report.state;
    return !machine_.dirty() || state == model::JobState::kFailed ||
           state == model::JobState::kCancelled;
  });
  return entry == outbox.end() ? std::nullopt : std::optional(*entry);
}

bool Engine::has_reports() const {
  const std::lock_guard lock(mutex_);
  return !machine_.state().outbox.empty();
}

DeviceFacts Engine::facts() const {
  const std::lock_guard lock(mutex_);
  DeviceFacts present = present_facts();
  if (!machine_.dirty()) return present;
  DeviceFacts facts = durable_;
  facts.running = std::move(present.running);
  facts.slot = present.slot;
  return facts;
}

DeviceFacts Engine::present_facts() const {
  const UpdateState& state = machine_.state();
  DeviceFacts facts;
  facts.running = machine_.running();
  facts.confirmed = state.confirmed;
  facts.slot =
      facts.running == state.confirmed ? state.confirmed_slot : other(state.confirmed_slot);
  if (state.trial) facts.written = state.trial->image;
  facts.previous = state.previous;
  facts.floor = state.floor;
  facts.fallback = state.fallback;
  facts.fallback_sha256 = state.fallback_sha256;
  return facts;
}

fs::path Engine::running_image() const {
  return store_.image_path(facts().slot);
}

bool Engine::busy() const {
  const std::lock_guard lock(mutex_);
  return machine_.busy();
}

Outcome Engine::perform(const Action& action) {
  switch (action.kind) {
    case Action::Kind::kWait:
      return {};
    case Action::Kind::kCheck:
      return check(action);
    case Action::Kind::kCheckBack:
      return ports_.check_back(action);
    case Action::Kind::kPatch:
    case Action::Kind::kDownload:
      return fetch(action);
    case Action::Kind::kVerify:
      return verify(action);
    case Action::Kind::kInstall:
      return install(action);
    case Action::Kind::kSwitch:
      return switch_to(action);
    case Action::Kind::kRestart:
      return ports_.restart();
    case Action::Kind::kProbe:
      return probe();
  }
  return {};
}

Outcome Engine::switch_to(const Action& action) {
  // A new image is read once more just before it is given the device; the way back is open always.
  if (action.slot != confirmed_slot()) {
    if (auto whole = store_.check_and_note(action.slot); !whole) {
      return Failure{model::failure_code::kImageHash, whole.error().context,
                     Failure::Again::kNever};
    }
  }
  if (action.revert) {
    if (Outcome failed = revert_to(action.slot); failed) return failed;
  }
  if (auto switched = store_.make_current(action.slot); !switched)
    return disk_failure(switched.error());
  return {};
}

Outcome Engine::revert_to(Slot slot) {
  if (!ports_.revert) return {};
  const auto image = store_.image(slot);
  if (!image) return disk_failure(image.error());
  return ports_.revert(store_.image_path(slot), *image ? (*image)->version : model::Version());
}

// An installer may have done its work, or half of it, although the job failed or was cancelled: the
// next power cut would boot what nobody wants.
void Engine::undo_install() {
  if (Outcome failed = revert_to(confirmed_slot()); failed)
    ports_.say("the installer's work is not undone (" + failed->code + "): " + failed->detail);
}

Slot Engine::confirmed_slot() const {
  const std::lock_guard lock(mutex_);
  return machine_.state().confirmed_slot;
}

Outcome Engine::check(const Action& action) {
  if (Outcome failed = ports_.check(action); failed) return failed;
  const auto known = ports_.patches();
  const std::lock_guard lock(mutex_);
  machine_.patches(action.ticket, known);
  return {};
}

Outcome Engine::fetch(const Action& action) {
  auto part = store_.begin(action.slot, action.release.sha256);
  if (!part) return disk_failure(part.error());
  if (part->size() > action.release.length) {
    if (auto emptied = part->truncate(); !emptied) return disk_failure(emptied.error());
  }
  const bool from_base = action.kind == Action::Kind::kPatch && !action.patch.from.empty();
  if (!from_base) {
    if (auto gone = store_.drop_mended(action.slot, action.release.sha256); !gone)
      return disk_failure(gone.error());
  }
  const auto free = store_.free_bytes();
  if (!free) return disk_failure(free.error());
  const std::uint64_t missing = action.release.length - part->size();
  if (*free < missing + kSpaceReserve) {
    return Failure{model::failure_code::kNoSpace,
                   std::to_string(missing) + " bytes to come, " + std::to_string(*free) + " free",
                   Failure::Again::kNever};
  }
  if (missing > 0) {
    const auto progress = [&](int percent) {
      const std::lock_guard lock(mutex_);
      machine_.progress(action.ticket, percent);
      ports_.changed();
      return !stopped_ && machine_.next().ticket == action.ticket;
    };
    BaseFiles base = store_.base_for(action.slot, action.release.sha256);
    base.may_fetch = std::min(action.may_mend, *free - missing - kSpaceReserve);
    if (Outcome failed = action.kind == Action::Kind::kPatch
                             ? ports_.patch(action, base, *part, progress)
                             : ports_.download(action.release, *part, progress);
        failed)
      return failed;
  }
  if (auto synced = part->sync(); !synced) return disk_failure(synced.error());
  return {};
}

Outcome Engine::verify(const Action& action) {
  const auto good = store_.verify(action.slot, action.release.sha256, action.release.length);
  if (good) return {};
  if (good.error().code == Errc::kLimit)
    return Failure{model::failure_code::kImageLength, good.error().context, Failure::Again::kNever};
  if (good.error().code == Errc::kInvalid)
    return Failure{model::failure_code::kImageHash, good.error().context, Failure::Again::kNever};
  return disk_failure(good.error());
}

Outcome Engine::install(const Action& action) {
  if (ports_.install) {
    const fs::path image = store_.partial_path(action.slot, action.release.sha256);
    if (Outcome failed = ports_.install(image, action.release); failed) return failed;
  }
  const model::Image image{action.release.version, action.release.sha256};
  const auto committed = store_.commit(action.slot, image);
  if (committed) return {};
  if (committed.error().code == Errc::kInvalid)
    return Failure{model::failure_code::kImageHash, committed.error().context,
                   Failure::Again::kNever};
  return disk_failure(committed.error());
}

Outcome Engine::probe() {
  const Slot slot = facts().slot;
  if (auto whole = store_.check(slot); !whole) {
    return Failure{model::failure_code::kImageHash, whole.error().text(), Failure::Again::kNever};
  }
  return ports_.probe(store_.image_path(slot));
}

}  // namespace ota::agent

#include "world/device.h"

#include <algorithm>
#include <utility>

#include "agents/agent.h"
#include "agents/slot_store.h"
#include "base/file.h"
#include "base/json.h"
#include "pki/x509.h"

namespace ota::world {
namespace fs = std::filesystem;
namespace {

constexpr milliseconds kAskAgain{30'000};  // an agent that ended is started anew by its supervisor
constexpr std::size_t kLedgerBytes = 1U << 20;

class FiberWaitPoint final : public WaitPoint {
 public:
  FiberWaitPoint(Timeline& timeline, const NodeClock& clock) : timeline_(timeline), clock_(clock) {}
  void notify_all() override {
    for (const auto& fiber : waiting_)
      timeline_.wake(fiber);
  }

 private:
  bool wait_once(Lock& lock, MonoTime until) override {
    const auto fiber = timeline_.current();
    struct Place {
      std::vector<std::shared_ptr<Fiber>>& waiting;
      const std::shared_ptr<Fiber>& fiber;
      ~Place() { std::erase(waiting, fiber); }
    };
    waiting_.push_back(fiber);
    const Place place{waiting_, fiber};
    lock.unlock();
    const bool woken = timeline_.wait(clock_.when(until));
    lock.lock();
    return !fiber->cut() && (woken || clock_.mono() < until);
  }
  MonoTime now() const override { return clock_.mono(); }

  Timeline& timeline_;
  const NodeClock& clock_;
  std::vector<std::shared_ptr<Fiber>> waiting_;
};

class RunningFiber final : public agent::Running {
 public:
  RunningFiber(Timeline& timeline, std::shared_ptr<Fiber> fiber)
      : timeline_(timeline), fiber_(std::move(fiber)) {}
  ~RunningFiber() override {
    while (!fiber_->over() && timeline_.current() && !timeline_.current()->cut())
      timeline_.sleep(milliseconds(1));
  }
  RunningFiber(const RunningFiber&) = delete;
  RunningFiber& operator=(const RunningFiber&) = delete;

 private:
  Timeline& timeline_;
  std::shared_ptr<Fiber> fiber_;
};

}  // namespace

Device::Device(Timeline& timeline, Trace& trace, Server& server, DeviceOptions options)
    : timeline_(timeline),
      trace_(trace),
      server_(server),
      options_(std::move(options)),
      clock_(timeline, options_.drift_ppm, options_.clock_off),
      random_(options_.seed, "device"),
      link_(timeline, trace, server, options_.machine, options_.address,
            Random(options_.seed, "link"), options_.faults),
      fate_(options_.seed, "disk") {
  if (options_.loses_unsynced) {
    disk_ = std::make_unique<AgentDisk>(options_.config.dir,
                                        [this](std::string_view step) { disk_step(step); });
  }
}

Device::~Device() {
  power_cut();
}

agent::Runtime Device::runtime() {
  return {
      .start = [this](std::function<void()> body) -> std::unique_ptr<agent::Running> {
        auto fiber = timeline_.start(std::move(body));
        std::erase_if(fibers_, [](const auto& known) { return known->over(); });
        fibers_.push_back(fiber);
        return std::make_unique<RunningFiber>(timeline_, std::move(fiber));
      },
      .wait_point = [this]() -> std::shared_ptr<WaitPoint> {
        return std::make_shared<FiberWaitPoint>(timeline_, clock_);
      },
      .random = [this](std::size_t count) { return random_.bytes(count); },
      .connect = [this](const http::ClientOptions& options) -> std::unique_ptr<http::Requester> {
        return std::make_unique<LinkedRequester>(timeline_, server_, link_, clock_, options,
                                                 [this] { return !powered_; });
      },
      .print =
          [this](const std::string& line) {
            if (powered_) trace_.add(options_.machine, line);
          },
      .disk = disk_ ? disk_.get() : &real_disk()};
}

void Device::power_on() {
  if (powered_ || shelved_) return;
  powered_ = true;
  trace_.add(options_.machine, "has power");
  main_ = timeline_.start([this] { live(); });
}

void Device::shelve(bool shelved) {
  if (shelved) power_cut();
  shelved_ = shelved;
}

// From start to start, as the boot loader and a supervisor have it.
void Device::live() {
  const auto boot_time = [this] {
    return random_.between(options_.fastest_boot, options_.slowest_boot);
  };
  while (true) {
    timeline_.sleep(boot_time());
    truth_.boots.push_back({timeline_.now(), bootable()});
    if (booted) booted(*this);
    auto opened = agent::Agent::open(options_.config, "", clock_, runtime(),
                                     [this](std::string_view step) { disk_step(step); });
    if (!opened) {
      trace_.add(options_.machine, "its agent does not start: " + opened.error().text());
      timeline_.sleep(kAskAgain);
      continue;
    }
    agent_ = std::move(*opened);
    forget_ledger();
    if (truth_.boots.back().sha256.empty()) truth_.boots.back().sha256 = bootable();  // its first
    struct Gone {
      std::unique_ptr<agent::Agent>& agent;
      ~Gone() { agent.reset(); }
    };
    agent::Ending ending{};
    {
      const Gone gone{agent_};
      agent_->begin();
      agent_->work_is_over();
      ending = agent_->finish();
    }
    if (ending != agent::Ending::kRestart) timeline_.sleep(kAskAgain);
  }
}

void Device::disk_step(std::string_view step) {
  if (!powered_) timeline_.end_here();
  forget_ledger();
  if (step == "state saved") {
    truth_.saved = state_text();
    if (const auto state = ledger()) {
      if (truth_.confirmed.empty() || truth_.confirmed.back().image != state->confirmed)
        truth_.confirmed.push_back({timeline_.now(), state->confirmed});
      truth_.floor = std::max(truth_.floor, state->floor);
    }
  }
  if (unsynced_left_ && disk_ && disk_->unsynced() > 0 && (*unsynced_left_)-- == 0) cut_here(step);
  if (steps_left_ && (*steps_left_)-- == 0) cut_here(step);
}

void Device::cut_here(std::string_view step) {
  cut_no_more();
  trace_.add(options_.machine, "loses power at a step of its disk: " + std::string(step));
  powered_ = false;
  ++truth_.cuts;
  timeline_.after(milliseconds(0), [this] { end_fibers(); });
  timeline_.end_here();
}

void Device::power_cut() {
  if (!powered_) return;
  powered_ = false;
  cut_no_more();
  ++truth_.cuts;
  trace_.add(options_.machine, "has no power");
  end_fibers();
}

void Device::end_fibers() {
  const auto fibers = std::exchange(fibers_, {});
  for (const auto& fiber : fibers)
    timeline_.cut(fiber);
  if (main_) timeline_.cut(main_);
  main_ = nullptr;
  agent_ = nullptr;
  lose_unsynced();
  if (went_dark) went_dark(*this);
}

void Device::lose_unsynced() {
  if (!disk_) return;
  const std::string before = state_text();
  disk_->power_cut(fate_);
  forget_ledger();
  const std::string after = state_text();
  truth_.not_kept.clear();
  if (!truth_.saved.empty() && after != truth_.saved && after != before)
    truth_.not_kept = after.empty() ? "its state" : "its last state";
  // What outlived one cut is there at the next, also where luck alone kept it.
  if (truth_.not_kept.empty() && !truth_.saved.empty()) truth_.saved = after;
}

bool Device::half_joined() const {
  std::error_code ignored;
  const fs::path trust = options_.config.dir / "state" / "trust";
  return enrolled() && !fs::exists(options_.config.dir / "identity" / "join-code", ignored) &&
         !fs::exists(trust / "root.json", ignored) && !fs::exists(trust / "factory.root", ignored);
}

std::string Device::state_text() const {
  const auto text = read_file(options_.config.dir / "state" / "update.json", kLedgerBytes);
  return text ? *text : std::string();
}

void Device::join(const std::string& code, Identity identity) {
  const fs::path folder = options_.config.dir / "identity";
  if (identity == Identity::kNew) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  (void)make_directories(folder, 0700);
  (void)write_file_durably(folder / "join-code", code, 0600);
  if (disk_) disk_->adopt();
}

bool Device::enrolled() const {
  std::error_code ignored;
  return fs::exists(options_.config.dir / "identity" / "device.crt", ignored);
}

std::string Device::certificate_name() const {
  const auto pem = read_file(options_.config.dir / "identity" / "device.crt", pki::kMaxPemBytes);
  const auto certificate = pem ? pki::parse_certificate(*pem) : pem.error();
  return certificate ? pki::subject_field(certificate->get(), NID_commonName) : std::string();
}

void Device::copy_folder_to(const fs::path& to) const {
  std::error_code ignored;
  fs::remove_all(to, ignored);
  fs::copy(options_.config.dir, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
           ignored);
}

void Device::restore_folder_from(const fs::path& from) {
  std::error_code ignored;
  fs::remove_all(options_.config.dir, ignored);
  fs::copy(from, options_.config.dir, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
           ignored);
  if (disk_) disk_->adopt();
  forget_ledger();
  ++truth_.restored;
  truth_.saved = state_text();
  if (const auto state = ledger()) truth_.confirmed.push_back({timeline_.now(), state->confirmed});
}

std::string Device::bootable() const {
  std::error_code error;
  const fs::path slots = options_.config.dir / "slots";
  const fs::path target = fs::read_symlink(slots / "current", error);
  if (error) return {};
  const auto digest = agent::digest_file(slots / target / "image");
  return digest ? digest->sha256 : std::string();
}

std::shared_ptr<const agent::UpdateState> Device::ledger() const {
  if (ledger_known_) return ledger_;
  ledger_known_ = true;
  ledger_ = nullptr;
  if (const auto document = parse_json(state_text())) {
    if (auto state = agent::from_document(*document))
      ledger_ = std::make_shared<const agent::UpdateState>(std::move(*state));
  }
  return ledger_;
}

}  // namespace ota::world

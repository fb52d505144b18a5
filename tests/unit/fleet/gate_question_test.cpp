#include "fleet/gate_question.h"

#include <random>

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using model::Version;
using test::SmallFleet;

namespace {

constexpr int kManyDevices = 400;
constexpr int kRounds = 10;

std::string id_of(int number) {
  return "d-" + std::to_string(1000 + number);
}

// Whatever may happen to a fleet, and all of it at once: what operators do, what devices say, what
// time brings about, a disk that fills up.
class AnyFleet {
 public:
  explicit AnyFleet(std::uint64_t seed) : random_(seed) {
    model::Settings all;
    for (int i = 0; i < kManyDevices; ++i)
      all.whitelist.devices.push_back({id_of(i), hardware(), "default", ""});
    it_.fleet->apply_settings(std::make_shared<const model::Settings>(all));
    for (int i = 0; i < kManyDevices; ++i)
      enrol(id_of(i));
  }

  SmallFleet& it() { return it_; }

  void round() {
    it_.clock.advance(milliseconds(static_cast<int>(random_() % (one_in(10) ? 20'000 : 1500))));
    if (one_in(5)) it_.fleet->apply_settings(std::make_shared<const model::Settings>(settings()));
    if (one_in(5)) it_.fleet->set_releases(releases());
    it_.store.state.writable = !one_in(12);
    it_.store.state.problem = it_.store.state.writable ? "" : "no space left on device";
    for (int i = 0; i < kManyDevices; ++i) {
      const std::string id = id_of(i);
      if (!one_in(3)) sample(id);
      if (one_in(20)) say(id);
      if (one_in(12)) happen(id);
    }
    it_.tick();
  }

  std::string disagreement() {
    for (int i = 0; i < kManyDevices; ++i) {
      const std::string id = id_of(i);
      const fleet::DeviceRow& row = it_.row(id);
      fleet::PushRequest request;
      request.devices = {id};
      request.dry_run = true;
      const model::Decision preview = it_.push(request).decision;
      const auto reason = row.gate_reason;
      ++answers[static_cast<int>(preview.answer)];
      headlines.insert(preview.headline);
      const bool same_answer = preview.answer == gate::answer_of(reason);
      const bool same_reason = preview.answer != model::Answer::kBlock ||
                               gate::headline_reason(preview) == gate::info_of(reason).headline;
      const bool says_pass = (row.gate == "pass") == (preview.answer == model::Answer::kAllow);
      if (same_answer && same_reason && says_pass) continue;
      return id + ": the column says " + row.gate + ", a preview " + preview.headline;
    }
    return {};
  }

  int answers[3] = {};
  std::set<std::string> headlines;

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }
  Version version() { return {2, 1, 4 + static_cast<std::uint32_t>(random_() % 3)}; }
  std::string digest() { return std::string(64, static_cast<char>('a' + random_() % 3)); }
  static std::string usual_digest(std::uint32_t patch) {
    return std::string(64, static_cast<char>('a' + patch));
  }
  std::string hardware() { return one_in(5) ? "sim-b" : "sim-a"; }

  model::Settings settings() {
    model::Settings settings;
    for (int i = 0; i < kManyDevices; ++i) {
      if (one_in(25)) continue;
      settings.whitelist.devices.push_back(
          {id_of(i), hardware(), one_in(3) ? "floor" : "default", ""});
    }
    if (one_in(10)) settings.ota.target_version.reset();
    if (one_in(3)) settings.ota.target_version = version();
    if (one_in(3)) settings.ota.model_overrides["sim-b"] = version();
    if (one_in(2)) settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
    if (one_in(3)) settings.ota.data_budget.bytes_per_day = 50 + random_() % 200;
    if (one_in(3)) {
      const auto opens = model::minutes(static_cast<int>(random_() % model::kWholeDay.count()));
      settings.ota.maintenance_windows = {
          {"nights", {"floor"}, model::kEveryDay, opens, model::kWholeDay / 2}};
    }
    if (one_in(4)) settings.thresholds.stale_after = seconds(5);
    settings.thresholds.min_samples = 2;
    return settings;
  }

  std::vector<model::Release> releases() {
    std::vector<model::Release> out;
    for (std::uint32_t patch = 4; patch <= 6; ++patch) {
      for (const char* model : {"sim-a", "sim-b"}) {
        if (one_in(4)) continue;
        out.push_back(SmallFleet::release(Version(2, 1, patch),
                                          one_in(4) ? digest() : usual_digest(patch - 4)));
        out.back().hardware = {model};
      }
    }
    return out;
  }

  void enrol(const std::string& id) {
    const WallTime ends = it_.clock.wall() + seconds(static_cast<int>(random_() % 3600));
    it_.wait([&](fleet::Done done) {
      it_.fleet->enrolled({id}, "serial", "key-" + std::to_string(random_() % 50), ends, done);
    });
    say(id);
  }

  void sample(const std::string& id) {
    const bool sick = one_in(15) || sick_[id];
    sick_[id] = sick && !one_in(8);
    model::Sample sample = it_.sample(id, sick ? 97 : 12 + static_cast<double>(random_() % 5));
    if (one_in(30)) sample.boot = {random_(), random_()};
    if (one_in(20)) sample.value(model::Metric::kMem).reset();
    it_.send(id, sample);
  }

  // Its status.
  void say(const std::string& id) {
    fleet::DeviceStatus said;
    said.hardware = one_in(100) ? "other" : one_in(2) ? "sim-a" : "";
    const auto patch = static_cast<std::uint32_t>(random_() % 3);
    if (!one_in(6)) {
      said.confirmed = model::Image{Version(2, 1, 4 + patch), one_in(20)  ? ""
                                                              : one_in(8) ? digest()
                                                                          : usual_digest(patch)};
    }
    if (!one_in(3)) said.running = said.confirmed;
    if (one_in(10)) said.fallback = "health check failed", said.fallback_sha256 = digest();
    it_.wait([&](fleet::Done done) { it_.fleet->report_status(id, said, done); });
  }

  void poll_over_ddi(const std::string& id) {
    it_.fleet->ddi_poll(id, "SWUpdate", "", [](const auto&) {});
    static_cast<void>(it_.store.flush().has_value());
  }

  void update(const std::string& id) {
    const auto pushed = it_.push(id);
    if (pushed.job_id.empty()) return;
    if (one_in(2)) static_cast<void>(it_.commands(id));
    if (one_in(2)) it_.fleet->data_sent(id, random_() % 200);
    if (one_in(2)) it_.report(id, pushed.job_id, 1, model::JobState::kInstalling);
    if (one_in(4)) it_.report(id, pushed.job_id, 2, model::JobState::kRolledBack);
    if (one_in(4)) it_.report(id, pushed.job_id, 3, model::JobState::kSucceeded);
    if (one_in(4)) {
      it_.wait([&](fleet::Done done) { it_.fleet->cancel(pushed.job_id, "operator:test", done); });
    }
  }

  void happen(const std::string& id) {
    switch (random_() % 8) {
      case 0:
        it_.wait([&](fleet::Done done) { it_.fleet->revoke(id, "operator:test", done); });
        break;
      case 1:
      case 2:
      case 3:
        enrol(id);
        break;
      case 4:
        if (number_of(id) < kManyDevices / 4) poll_over_ddi(id);
        break;
      case 5:
        it_.wait([&](fleet::Done done) { it_.fleet->acknowledge(id, "operator:test", done); });
        break;
      default:
        update(id);
    }
  }

  static int number_of(const std::string& id) { return std::stoi(id.substr(2)) - 1000; }

  std::mt19937_64 random_;
  std::map<std::string, bool> sick_;
  SmallFleet it_;
};

}  // namespace

TEST_CASE("the column says pass exactly where a push would be allowed, and else why not",
          "[fleet][gate]") {
  AnyFleet any(20261130);
  for (int round = 0; round < kRounds; ++round) {
    any.round();
    const std::string wrong = any.disagreement();
    if (!wrong.empty()) FAIL("round " << round << ", " << wrong);
  }
  // There were some of each, and many reasons; every state is met below, without a fleet around it.
  for (const int count : any.answers)
    CHECK(count > 3);
  CHECK(any.headlines.size() >= 10);
}

namespace {

// One device in any state beside any settings and releases, found without a fleet around it. What
// costs time is made once: telemetry that makes a device stable, sick, stale, unjudged.
class AnyDevice {
 public:
  explicit AnyDevice(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 64; ++i) {
      devices_.push_back(watched());
      verdicts_.push_back(devices_.back()->detector.verdict(kNow));
    }
    for (int i = 0; i < 16; ++i) {
      settings_.push_back(settings());
      catalogues_.emplace_back(releases());
    }
  }

  // What the column and a preview say of the next one.
  std::pair<gate::Reason, model::Decision> next() {
    const std::size_t at = random_() % devices_.size();
    fleet::LiveDevice& device = *devices_[at];
    disguise(device);
    const model::Settings& settings = settings_[random_() % settings_.size()];
    const fleet::Catalogue& catalogue = catalogues_[random_() % catalogues_.size()];
    const fleet::GateSide side{settings, catalogue, !one_in(10), "disk full", kNow};
    const std::string hardware = device.spec ? device.spec->hardware : "";
    const auto wanted = settings.ota.target_for(hardware);
    gate::Input input = gate_input_of(device, side, wanted ? &*wanted : nullptr,
                                      wanted ? catalogue.find(*wanted, hardware) : nullptr);
    input.verdict = verdicts_[at];
    if (device.job_running) input.running_job.emplace().id = "job-000001";
    return {gate_answer(device, side).reason, gate::preview(input)};
  }

 private:
  static constexpr WallTime kNow{seconds(1'800'000'000)};

  bool one_in(unsigned n) { return random_() % n == 0; }
  Version version() { return {2, 1, 4 + static_cast<std::uint32_t>(random_() % 3)}; }
  std::string digest() { return std::string(64, static_cast<char>('a' + random_() % 2)); }

  std::unique_ptr<fleet::LiveDevice> watched() {
    auto device =
        std::make_unique<fleet::LiveDevice>("d-1", std::make_shared<const model::Thresholds>(), 0);
    const int samples = static_cast<int>(random_() % 24);
    const double load = one_in(4) ? 97 : 12;
    WallTime at = kNow - seconds(samples + (one_in(4) ? 20 : 0));
    for (int i = 0; i < samples; ++i) {
      model::Sample sample;
      sample.seq = static_cast<std::uint64_t>(i);
      sample.at = at += seconds(1);
      sample.values = {load + static_cast<double>(random_() % 20) / 10, 40, 30, 45};
      if (samples % 5 == 0) sample.value(model::Metric::kMem).reset();
      device->detector.observe(sample, at);
      device->last_received = at;
    }
    return device;
  }

  void disguise(fleet::LiveDevice& device) {
    device.spec.reset();
    if (!one_in(20)) {
      device.spec = std::make_shared<const model::DeviceSpec>(
          model::DeviceSpec{"d-1", one_in(6) ? "sim-b" : "sim-a", one_in(2) ? "floor" : "", ""});
    }
    device.record.reset();
    if (!one_in(20)) device.record = record();
    device.ddi_polled = one_in(2) ? kNow - seconds(static_cast<int>(random_() % 2000)) : WallTime{};
    device.job_running = one_in(12);
    device.unusable.told = one_in(3);
    device.unusable.fault = one_in(2) ? model::SampleFault::kStale : model::SampleFault::kRepeated;
  }

  model::DeviceRecord record() {
    model::DeviceRecord record;
    record.enrolled = !one_in(12);
    record.revoked = one_in(20);
    record.second_key_seen = one_in(8);
    record.in_two_places = one_in(20);
    record.certificate_expires = kNow + seconds(static_cast<int>(random_() % 20) - 1);
    if (one_in(12)) record.hardware = "sim-b";
    if (!one_in(2)) record.agent = "ota-agent";
    if (!one_in(12)) record.facts.confirmed = model::Image{version(), one_in(12) ? "" : digest()};
    record.facts.booted = record.facts.confirmed;
    if (one_in(12)) record.facts.booted = model::Image{version(), digest()};
    if (one_in(2)) record.trusted = {{version(), digest()}};
    if (one_in(4)) record.rejected[digest()] = "health check failed";
    if (one_in(5)) record.ddi.emplace();
    if (one_in(3)) record.fetched = {{kNow - seconds(static_cast<int>(random_() % 100'000)), 60}};
    return record;
  }

  model::Settings settings() {
    model::Settings settings;
    if (one_in(8)) settings.ota.target_version.reset();
    if (one_in(2)) settings.ota.target_version = version();
    if (one_in(2)) settings.ota.model_overrides["sim-b"] = version();
    if (one_in(2)) settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
    if (one_in(3)) settings.ota.data_budget.bytes_per_day = 50 + random_() % 200;
    if (one_in(2)) {
      const auto opens = model::minutes(static_cast<int>(random_() % model::kWholeDay.count()));
      settings.ota.maintenance_windows = {
          {"nights", {"floor"}, model::kEveryDay, opens, model::kWholeDay / 2}};
    }
    return settings;
  }

  std::vector<model::Release> releases() {
    std::vector<model::Release> out;
    for (std::uint32_t patch = 4; patch <= 6; ++patch) {
      if (one_in(4)) continue;
      out.push_back(SmallFleet::release(Version(2, 1, patch), digest()));
      if (one_in(2)) out.back().hardware = {"sim-a", "sim-b"};
    }
    return out;
  }

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<fleet::LiveDevice>> devices_;
  std::vector<model::Verdict> verdicts_;
  std::vector<model::Settings> settings_;
  std::vector<fleet::Catalogue> catalogues_;
};

}  // namespace

TEST_CASE("over 100,000 devices in any state the column has the reason that heads a preview",
          "[fleet][gate]") {
  AnyDevice any(20261130);
  int answers[3] = {};
  std::set<std::string> headlines;
  for (int number = 0; number < 100'000; ++number) {
    const auto [reason, preview] = any.next();
    ++answers[static_cast<int>(preview.answer)];
    headlines.insert(preview.headline);
    const bool same_reason = preview.answer != model::Answer::kBlock ||
                             gate::headline_reason(preview) == gate::info_of(reason).headline;
    if (preview.answer == gate::answer_of(reason) && same_reason) continue;
    FAIL("device " << number << ": the column says " << gate::info_of(reason).column
                   << ", a preview " << preview.headline);
  }
  for (const int count : answers)
    CHECK(count > 200);
  CHECK(headlines.size() >= 20);
}

TEST_CASE("the column changes when a window opens, a certificate ends or the state is unsaved",
          "[fleet][gate]") {
  model::Settings settings = SmallFleet::default_settings();
  SmallFleet it(settings);
  std::mt19937 random(1);
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  CHECK(it.row("iot-001").gate == "pass");

  const auto midnight = std::chrono::floor<std::chrono::days>(it.clock.wall());
  const auto now = std::chrono::floor<model::minutes>(it.clock.wall() - midnight);
  settings.ota.maintenance_windows = {{"nights",
                                       {},
                                       model::kEveryDay,
                                       (now + model::minutes(2)) % model::kWholeDay,
                                       model::minutes(60)}};
  it.fleet->apply_settings(std::make_shared<const model::Settings>(settings));
  CHECK(it.row("iot-001").gate == "not now");
  for (int i = 0; i < 120; ++i)
    it.run("iot-001", 12 + static_cast<double>(random() % 50) / 10, 1);
  CHECK(it.row("iot-001").gate == "pass");
  settings.ota.maintenance_windows.clear();
  it.fleet->apply_settings(std::make_shared<const model::Settings>(settings));

  it.store.state.writable = false;
  it.tick();
  CHECK(it.row("iot-001").gate == "not saved");
  it.store.state.writable = true;
  it.tick();
  CHECK(it.row("iot-001").gate == "pass");

  it.fleet->set_releases({SmallFleet::release(Version(2, 1, 4), test::kDigest214)});
  CHECK(it.row("iot-001").gate == "not published");
  it.fleet->set_releases({SmallFleet::release(Version(2, 1, 4), test::kDigest215),
                          SmallFleet::release(Version(2, 1, 5), test::kDigest215)});
  CHECK(it.row("iot-001").gate == "untrusted");
  it.fleet->set_releases({SmallFleet::release(Version(2, 1, 4), test::kDigest214),
                          SmallFleet::release(Version(2, 1, 5), test::kDigest215)});

  // The certificate of enrol() is good for 90 days.
  it.clock.advance(std::chrono::days(90) - seconds(140));
  for (int i = 0; i < 9; ++i)
    it.run("iot-001", 12 + static_cast<double>(random() % 50) / 10, 1);
  CHECK(it.row("iot-001").gate == "pass");
  it.run("iot-001", 12, 1);
  CHECK(it.row("iot-001").gate == "cert expired");
}

TEST_CASE("the column follows silence that other settings took back for a moment",
          "[fleet][gate]") {
  model::Settings settings = SmallFleet::default_settings();
  SmallFleet it(settings);
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.clock.advance(seconds(20));
  it.tick();
  REQUIRE(it.row("iot-001").gate == "offline");
  settings.thresholds.stale_after = seconds(20);  // not silent for longer than that yet, by nothing
  it.fleet->apply_settings(std::make_shared<const model::Settings>(settings));
  CHECK(it.row("iot-001").gate == "pass");
  it.clock.advance(seconds(1));
  it.tick();
  CHECK(it.row("iot-001").gate == "offline");
}

TEST_CASE("silence is asked anew at a push, not taken from the last tick", "[fleet][gate]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const milliseconds stale = it.fleet->settings()->thresholds.stale_after;
  it.clock.advance(stale);
  CHECK(it.push("iot-001").decision.answer == model::Answer::kAllow);  // as long as is allowed
  SmallFleet late;
  late.enrol("iot-001");
  late.run("iot-001", 12, 10);
  late.clock.advance(stale + milliseconds(1));
  CHECK(late.row("iot-001").online);  // nobody has looked since
  const auto refused = late.push("iot-001");
  CHECK(refused.decision.headline == "BLOCKED: Device Offline");
}

TEST_CASE("silence is asked anew when a device fetches its update", "[fleet][gate]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const std::string job = it.push("iot-001").job_id;
  it.clock.advance(it.fleet->settings()->thresholds.stale_after + milliseconds(1));
  CHECK(it.commands("iot-001").empty());
  CHECK(it.fleet->job(job)->detail == "BLOCKED: Device Offline");
}

TEST_CASE(
    "an image that differs from the published one is not trusted because it was reported "
    "first",
    "[fleet][gate]") {
  SmallFleet it;
  REQUIRE(it.wait([&](fleet::Done done) {
    it.fleet->enrolled({"iot-001"}, "serial", "key", it.clock.wall() + std::chrono::hours(24),
                       done);
  }));
  it.status("iot-001", Version(2, 1, 4), std::string(64, 'f'));
  it.run("iot-001", 12, 10);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Untrusted Image");
  CHECK(it.row("iot-001").gate == "untrusted");
  // Of a version that is not published, the first report at enrolment is believed.
  it.fleet->set_releases({SmallFleet::release(Version(2, 1, 5), test::kDigest215)});
  CHECK(it.push("iot-001").decision.answer == model::Answer::kAllow);
}

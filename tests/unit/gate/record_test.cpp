#include "gate/record.h"

#include <random>
#include <set>

#include "anomaly/detector.h"
#include "anomaly/evidence.h"
#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace std::chrono_literals;
using ota::dump_json;
using ota::Json;
using ota::WallTime;
using ota::anomaly::DeviceDetector;
using ota::gate::Grounds;
using ota::gate::Input;
using ota::model::Sample;
using ota::model::SampleFault;
using ota::model::Thresholds;

namespace {

using ota::test::kStart;

// A device that did anything at all, and an operator who asks for an update at the end of it.
class RandomHistory {
 public:
  explicit RandomHistory(std::uint64_t seed) : random_(seed), detector_(thresholds()) {}

  void run() {
    const std::uint64_t samples = 1 + pick(40);
    for (std::uint64_t i = 0; i < samples; ++i)
      step();
    now_ += std::chrono::seconds(pick(5) == 0 ? pick(40) : 0);
  }

  Grounds grounds() {
    ota::anomaly::Peers peers;
    if (pick(2) == 0) {
      peers.group = "lab";
      peers.online = static_cast<std::uint32_t>(pick(12));
      for (auto& risen : peers.risen)
        risen = static_cast<std::uint32_t>(pick(peers.online + 1));
    }
    return {detector_.thresholds(), detector_.evidence(), peers, now_};
  }

  Input input(const Grounds& grounds) {
    Input input;
    input.now = now_;
    input.device = "iot-001";
    if (pick(10) != 0) input.spec = {.id = "iot-001", .hardware = "sim-a", .notes = "a \"b\""};
    if (pick(10) != 0) input.record = record();
    input.online = pick(4) != 0;
    input.silent_for = std::chrono::milliseconds(pick(20000));
    input.verdict = detector_.verdict(now_);
    ota::anomaly::add_peers(input.verdict, grounds.peers);
    input.release.version = version();
    input.release.hardware = {"sim-a"};
    input.release.sha256 = digest();
    input.release.release_class = static_cast<ota::model::ReleaseClass>(pick(3));
    input.release_published = pick(8) != 0;
    if (pick(2) == 0) input.confirmed_published_sha256 = digest();
    if (pick(8) == 0) {
      input.running_job.emplace();
      input.running_job->id = "job-000001";
      input.running_job->release = input.release;
    }
    if (pick(4) == 0) input.override_reason = "stops the \u2192 logger";
    input.again = pick(3) == 0;
    if (pick(16) == 0) input.unsaved = "no space left on device";
    if (pick(8) == 0) input.stop = ota::model::Stop{now_, "operator:ada", "it drains batteries"};
    if (pick(4) == 0) {
      input.window =
          ota::model::WindowState{pick(2) == 0, "nights", now_ + std::chrono::seconds(pick(9000))};
    }
    if (pick(4) == 0) {
      input.data = ota::gate::DataSide{pick(200), pick(200), pick(200), std::nullopt};
      if (pick(2) == 0) input.data->fits_at = now_ + std::chrono::seconds(pick(90000));
    }
    if (pick(4) == 0) {
      input.ddi =
          ota::gate::DdiSide{.has_agent = pick(2) == 0,
                             .polls = pick(2) == 0,
                             .silent_for = ota::milliseconds(pick(100000)),
                             .policy = pick(2) == 0 ? ota::model::DdiWithoutTelemetry::kAllow
                                                    : ota::model::DdiWithoutTelemetry::kBlock};
    }
    return input;
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::string digest() { return std::string(64, static_cast<char>('a' + pick(3))); }
  ota::model::Version version() { return {2, 1, static_cast<std::uint32_t>(3 + pick(3))}; }

  Thresholds thresholds() {
    Thresholds limits;
    limits.raise_after = std::chrono::milliseconds(pick(8000));
    limits.clear_after = std::chrono::milliseconds(pick(12001));
    limits.anomaly_score_threshold = 0.3 + 0.4 * uniform();
    limits.cpu_threshold = 40 + 60 * uniform();
    return limits;
  }

  ota::model::DeviceRecord record() {
    ota::model::DeviceRecord record;
    record.id = "iot-001";
    record.enrolled = pick(10) != 0;
    record.revoked = pick(20) == 0;
    record.second_key_seen = pick(20) == 0;
    if (pick(8) != 0) record.facts.confirmed = {version(), digest()};
    if (pick(8) == 0) record.facts.booted = {version(), digest()};
    record.trusted = {{version(), digest()}};
    if (pick(6) == 0) record.rejected[digest()] = "health check failed";
    record.certificate_expires = kStart + std::chrono::hours(pick(3));
    return record;
  }

  void step() {
    now_ += std::chrono::milliseconds(pick(30) == 0 ? pick(60000) : 200 + pick(2000));
    if (pick(12) == 0) {
      detector_.refuse(static_cast<SampleFault>(pick(7)), now_);
      return;
    }
    if (pick(40) == 0) load_ = 100 * uniform();
    if (pick(60) == 0) boot_.low += 1;
    Sample sample;
    sample.boot = boot_;
    sample.at = now_;
    const bool still = pick(20) == 0;
    for (std::size_t i = 0; i < ota::model::kMetricCount; ++i) {
      if (pick(25) == 0) continue;
      sample.values[i] = still ? load_ : std::min(100.0, load_ + 5 * uniform());
    }
    // Names that are met in another order than the alphabet's.
    for (const char* name : {"net_rx", "load1", "fan"}) {
      if (pick(3) == 0) sample.extra.push_back({name, (uniform() - 0.5) * 1e9});
    }
    detector_.observe(sample, now_);
  }

  std::mt19937_64 random_;
  WallTime now_ = kStart;
  double load_ = 30;
  ota::model::BootId boot_{1, 1};
  DeviceDetector detector_;
};

}  // namespace

TEST_CASE("a decision of any history is made again of its record, byte for byte",
          "[gate][record]") {
  int answers[3] = {};
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    INFO("seed " << seed);
    RandomHistory history(seed);
    history.run();
    const Grounds grounds = history.grounds();
    const Input input = history.input(grounds);
    const auto decision = ota::gate::evaluate(input);
    Json record = ota::gate::decision_record(grounds, input);
    if (seed % 8 == 0) {  // through text, as the store keeps it; slow in a build for tests
      const auto read = ota::parse_json(dump_json(record));
      REQUIRE(read.has_value());
      record = *read;
    }
    const auto again = ota::gate::recompute(record);
    REQUIRE(again.has_value());
    REQUIRE(again->decision.has_value());
    if (dump_json(*again->decision) != dump_json(decision)) {
      REQUIRE(dump_json(*again->decision) == dump_json(decision));
    }
    if (dump_json(again->verdict) != dump_json(input.verdict)) {
      REQUIRE(dump_json(again->verdict) == dump_json(input.verdict));
    }
    ++answers[static_cast<int>(decision.answer)];
  }
  // The histories reach every answer.
  for (const int count : answers)
    CHECK(count > 50);
}

TEST_CASE("a record that was altered makes another decision, or none", "[gate][record]") {
  Thresholds limits;
  DeviceDetector detector(limits);
  WallTime now = kStart;
  for (int i = 0; i < 20; ++i) {
    Sample sample;
    sample.values = {97.0 + i % 2, 40.0, 40.0, 50.0};
    detector.observe(sample, now += 1s);
  }
  Input input;
  input.now = now;
  input.device = "iot-002";
  input.verdict = detector.verdict(now);
  const Json record = ota::gate::decision_record({limits, detector.evidence(), {}, now}, input);
  const std::string decided = dump_json(ota::gate::evaluate(input));

  Json altered = record;
  altered["thresholds"]["cpu_threshold"] = 99;
  CHECK(dump_json(*ota::gate::recompute(altered)->decision) != decided);
  altered = record;
  altered["engine"] = ota::anomaly::kEngineVersion + 1;
  CHECK(ota::gate::recompute(altered).error().code == ota::Errc::kUnavailable);
  altered = record;
  altered["gate"] = ota::gate::kGateVersion + 1;
  CHECK(ota::gate::recompute(altered).error().code == ota::Errc::kUnavailable);
  altered.erase("gate");  // as before records named it
  CHECK(ota::gate::recompute(altered).error().code == ota::Errc::kUnavailable);
  for (const char* member : {"engine", "thresholds", "evidence"}) {
    altered = record;
    altered.erase(member);
    CHECK(ota::gate::recompute(altered).error().code == ota::Errc::kInvalid);
  }
  for (const char* pointer : {"/evidence/metrics/0/limit", "/evidence/last_at", "/input/online",
                              "/evidence/metrics/0/name", "/evidence/metrics"}) {
    INFO(pointer);
    altered = record;
    altered[Json::json_pointer(pointer)] = "x, which no metric, time or flag is called";
    CHECK(ota::gate::recompute(altered).has_error());
  }
}

TEST_CASE("a decision is made again under other thresholds, and the same ones change nothing",
          "[gate][record]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    RandomHistory history(seed);
    history.run();
    const Grounds grounds = history.grounds();
    const Json record = ota::gate::decision_record(grounds, history.input(grounds));
    const auto as_is = ota::gate::recompute(record);
    const auto same = ota::gate::recompute_under(record, grounds.thresholds);
    REQUIRE(same.has_value());
    CHECK(dump_json(same->verdict) == dump_json(as_is->verdict));

    // Limits that nothing can reach take every breach of a limit away, and only that.
    Thresholds wide = grounds.thresholds;
    wide.cpu_threshold = wide.mem_threshold = wide.disk_threshold = wide.temp_threshold = 1000;
    const auto eased = ota::gate::recompute_under(record, wide);
    REQUIRE(eased.has_value());
    for (const auto& signal : eased->verdict.signals)
      CHECK(signal.kind != ota::model::SignalKind::kLimit);
  }
}

TEST_CASE("every signal of a verdict says what was expected, how rare it is, since when, its share",
          "[anomaly]") {
  std::mt19937 random(7);
  DeviceDetector detector(ota::model::Thresholds{});
  WallTime now = kStart;
  for (int i = 0; i < 300; ++i) {
    Sample sample;
    const bool high = i >= 280;
    const auto noise = [&] { return 0.1 * static_cast<double>(random() % 30); };
    sample.values = {(high ? 96 : 20) + noise(), (high ? 92 : 30) + noise(), 40 + noise(),
                     45 + noise()};
    detector.observe(sample, now += 1s);
  }
  const auto verdict = detector.verdict(now);
  REQUIRE(verdict.signals.size() >= 2);
  double shares = 0;
  for (const auto& signal : verdict.signals) {
    INFO(signal.text);
    CHECK(signal.expected.has_value());
    CHECK(signal.spread.has_value());
    CHECK(signal.tail.has_value());
    CHECK(signal.since > kStart);
    CHECK(signal.share >= 0);
    shares += signal.share;
  }
  CHECK(shares > 0.5);
  CHECK(shares <= 1.0 + 1e-9);
}

TEST_CASE("a rise that most of the group share is told apart from one of its own", "[anomaly]") {
  Thresholds limits;
  DeviceDetector detector(limits);
  WallTime now = kStart;
  for (int i = 0; i < 20; ++i) {
    Sample sample;
    sample.values = {30.0 + i % 2, 40.0, 40.0, 92.0};
    detector.observe(sample, now += 1s);
  }
  CHECK(detector.risen() == 0b1000);
  const auto beside = [&](std::uint32_t online, std::uint32_t hot) {
    auto verdict = detector.verdict(now);
    ota::anomaly::Peers peers{"roof", online, {}};
    peers.risen[3] = hot;
    ota::anomaly::add_peers(verdict, peers);
    return verdict;
  };
  const auto shared = beside(9, 7);
  CHECK(shared.scope == ota::model::Scope::kShared);
  CHECK(shared.group == "7 of 9 others of group roof show it too");
  CHECK(shared.level == ota::model::Level::kCritical);
  CHECK(beside(9, 0).scope == ota::model::Scope::kOwn);
  CHECK(beside(9, 0).group == "none of 9 others of group roof shows it");
  CHECK(beside(2, 2).scope == ota::model::Scope::kUntold);

  // The gate's words say it too.
  Input input;
  input.verdict = shared;
  const auto reason = ota::gate::judge(ota::gate::CheckName::kVerdict, input);
  CHECK(reason == ota::gate::Reason::kAnomaly);
  const auto words =
      ota::gate::checks()[static_cast<std::size_t>(ota::gate::CheckName::kVerdict)].words(input,
                                                                                          reason);
  CHECK(words.observed.find("7 of 9 others of group roof show it too") != std::string::npos);
  CHECK(words.remedy.find("what the group has in common") != std::string::npos);
}

namespace {

// Each member in its turn, by a binding that names all of them: one more does not compile until it
// is here. `visit` gets every member that holds no others.
template <class Visit>
void each_leaf(ota::model::Image& it, const Visit& visit) {
  auto& [version, sha256] = it;
  visit(version);
  visit(sha256);
}
template <class Visit>
void each_leaf(ota::model::DeviceSpec& it, const Visit& visit) {
  auto& [id, hardware, group, notes] = it;
  for (auto* member : {&id, &hardware, &group, &notes})
    visit(*member);
}
template <class Visit>
void each_leaf(ota::model::DdiClient& it, const Visit& visit) {
  auto& [token_hash, token_made, by_gateway, name, attributes, attributes_at, wants, updates_by,
         asked_last] = it;
  visit(token_hash);
  visit(token_made);
  visit(by_gateway);
  visit(name);
  visit(attributes["version"]);
  visit(attributes_at);
  visit(wants);
  visit(updates_by);
  visit(asked_last);
}
template <class Visit>
void each_leaf(ota::model::DeviceRecord& it, const Visit& visit) {
  auto& [id, enrolled, revoked, second_key, two_places, serial, previous, fingerprint, earlier_keys,
         expires, end_told, renewal_until, enrolled_at, last_seen, agent, slot, hardware, facts,
         trusted, attention, rollback, rollback_at, floor, rejected, patch_format, fetched, ddi] =
      it;
  visit(patch_format);
  visit(fetched.at(0).at);
  visit(fetched.at(0).bytes);
  visit(end_told);
  visit(earlier_keys.at(0));
  visit(floor);
  for (auto* member : {&id, &serial, &previous, &fingerprint, &agent, &slot, &hardware})
    visit(*member);
  for (auto* member : {&enrolled, &revoked, &second_key, &two_places, &rollback})
    visit(*member);
  for (auto* member : {&expires, &renewal_until, &enrolled_at, &last_seen, &rollback_at})
    visit(*member);
  auto& [assigned, written, booted, confirmed, other_slot] = facts;
  for (auto* member : {&assigned, &written, &booted, &confirmed, &other_slot})
    each_leaf(member->value(), visit);
  each_leaf(trusted.at(0), visit);
  visit(attention);
  visit(rejected["b"]);
  each_leaf(*ddi, visit);
}
template <class Visit>
void each_leaf(ota::model::Release& it, const Visit& visit) {
  // The floor and what the image can be made of are of published releases alone: no check looks at
  // them.
  auto& [version, hardware, release_class, notes, target, length, sha256, rollback_floor, shorter] =
      it;
  visit(version);
  visit(hardware.at(0));
  visit(release_class);
  for (auto* member : {&notes, &target, &sha256})
    visit(*member);
  visit(length);
}
template <class Visit>
void each_leaf(ota::model::DdiProgress& it, const Visit& visit) {
  auto& [fetched, downloads, installed, claims, closed, withheld, log] = it;
  visit(fetched);
  visit(downloads);
  visit(installed);
  visit(claims);
  visit(closed);
  visit(withheld);
  visit(log.at(0));
}
template <class Visit>
void each_leaf(ota::model::Job& it, const Visit& visit) {
  auto& [id, device, release, actor, override_reason, state, percent, attempt, created, updated,
         deadline, code, detail, watch, watch_until, seq, again, cancel, claims, boot, steps, ddi,
         sent_bytes, fetch] = it;
  visit(sent_bytes);
  auto& [way, bytes, image_bytes, from] = fetch.value();
  visit(way);
  visit(bytes);
  visit(image_bytes);
  visit(from);
  for (auto* member : {&id, &device, &actor, &override_reason, &code, &detail, &boot})
    visit(*member);
  each_leaf(release, visit);
  visit(state);
  visit(percent);
  visit(attempt);
  for (auto* member : {&created, &updated, &deadline, &watch_until})
    visit(*member);
  visit(watch);
  visit(seq);
  visit(again);
  visit(cancel);
  visit(claims);
  auto& [step_state, step_at, step_detail] = steps.at(0);
  visit(step_state);
  visit(step_at);
  visit(step_detail);
  each_leaf(ddi.value(), visit);
}
template <class Visit>
void each_leaf(Input& it, const Visit& visit) {
  // `now` and `verdict` are the grounds'.
  auto& [now, device, spec, record, online, silent_for, verdict, release, published, digest,
         running, reason, again, unsaved, ddi, unusable, window, stop, data] = it;
  visit(device);
  each_leaf(spec.value(), visit);
  each_leaf(record.value(), visit);
  visit(online);
  visit(silent_for);
  each_leaf(release, visit);
  visit(published);
  visit(digest.value());
  each_leaf(running.value(), visit);
  visit(reason);
  visit(again);
  visit(unsaved.value());
  auto& [agent_asks, has_agent, polls, ddi_silent_for, policy] = ddi.value();
  visit(agent_asks);
  visit(has_agent);
  visit(polls);
  visit(ddi_silent_for);
  visit(policy);
  auto& [clock_off, ahead] = unusable.value();
  visit(clock_off);
  visit(ahead);
  auto& [open, name, until] = window.value();
  visit(open);
  visit(name);
  visit(until);
  auto& [stopped_at, actor, why] = stop.value();
  visit(stopped_at);
  visit(actor);
  visit(why);
  auto& [limit, used, planned, fits_at] = data.value();
  visit(limit);
  visit(used);
  visit(planned);
  visit(fits_at.value());
}

// Another value of the same kind, and a good one.
void perturb(bool& value) {
  value = !value;
}
void perturb(std::string& value) {
  value += "x";
}
void perturb(WallTime& value) {
  value += 1s;
}
void perturb(ota::milliseconds& value) {
  value += 1ms;
}
void perturb(ota::model::Version& value) {
  value = {9, 9, 9};
}
template <class Number>
requires std::is_integral_v<Number>
void perturb(Number& value) {
  ++value;
}
template <class Enum>
requires std::is_enum_v<Enum>
void perturb(Enum& value) {
  value = static_cast<Enum>(value == Enum{} ? 1 : 0);
}

Input full_input() {
  Input input;
  input.device = "iot-001";
  input.spec = {.id = "iot-001", .hardware = "sim-a", .notes = ""};
  auto& record = input.record.emplace();
  for (auto* fact : {&record.facts.assigned, &record.facts.written, &record.facts.booted,
                     &record.facts.confirmed, &record.facts.previous})
    fact->emplace();
  record.trusted.emplace_back();
  record.earlier_keys = {"key"};
  record.rejected["b"] = "it fell back";
  record.fetched.emplace_back();
  record.ddi.emplace().attributes["version"] = "2.1.4";
  input.release.hardware = {"sim-a"};
  input.confirmed_published_sha256 = "a";
  auto& job = input.running_job.emplace();
  job.release.hardware = {"sim-a"};
  job.steps.emplace_back();
  job.fetch.emplace().way = ota::model::FetchWay::kPatch;
  job.ddi.emplace().log = {"line"};
  input.unsaved = "disk full";
  input.ddi.emplace();
  input.unusable.emplace();
  input.window.emplace();
  input.stop.emplace();
  input.data.emplace().fits_at.emplace();
  return input;
}

}  // namespace

TEST_CASE("each member of what a decision was made of stands in its record", "[gate][record]") {
  const DeviceDetector detector(Thresholds{});
  const Grounds grounds{Thresholds{}, detector.evidence(), {}, kStart};
  const auto text_of = [&](const Input& input) {
    return dump_json(ota::gate::decision_record(grounds, input));
  };
  const std::string before = text_of(full_input());
  int members = 0;
  each_leaf(*std::make_unique<Input>(full_input()), [&](auto&) { ++members; });
  CHECK(members > 80);
  std::set<std::string> seen;
  for (int changed = 0; changed < members; ++changed) {
    INFO("member " << changed);
    Input input = full_input();
    int number = 0;
    each_leaf(input, [&](auto& member) {
      if (number++ == changed) perturb(member);
    });
    const std::string after = text_of(input);
    CHECK(after != before);
    CHECK(seen.insert(after).second);
    // What was read again decides the same.
    const auto again = ota::gate::recompute(ota::gate::decision_record(grounds, input));
    REQUIRE(again.has_value());
    input.now = kStart;
    input.verdict = detector.verdict(kStart);
    CHECK(dump_json(*again->decision) == dump_json(ota::gate::evaluate(input)));
  }
}

#include "tests/support/screen_fixture.h"

#include <array>
#include <cmath>

#include "fleet/minutes.h"

namespace ota::test {
namespace {

using fleet::DeviceRow;
using fleet::DeviceState;
using model::Level;
using model::Metric;
using model::Severity;
using model::Version;

const std::string kDigest(64, 'a');

model::Image image(const Version& version) {
  return {version, kDigest};
}

struct Line {
  const char* id;
  const char* hardware;
  const char* group;
  DeviceState state;
  Level level;
  int risk;
  const char* label;
  int patch;  // of the confirmed version 2.1.x
  std::array<float, model::kMetricCount> values;
  int seen_s;
  gate::Reason gate;
  const char* metrics = "";  // of an anomaly
};
const std::array<Line, 12> kLines{{
    {"iot-001",
     "rpi4",
     "canary",
     DeviceState::kOnline,
     Level::kStable,
     4,
     "Stable",
     4,
     {12, 35, 40, 44.2F},
     1,
     gate::Reason::kAllowed},
    {"iot-002",
     "rpi4",
     "canary",
     DeviceState::kBlocked,
     Level::kCritical,
     91,
     "High Load",
     4,
     {97, 88, 41, 79.5F},
     1,
     gate::Reason::kAnomaly,
     "cpu, temp"},
    {"iot-003",
     "rpi4",
     "canary",
     DeviceState::kOnline,
     Level::kStable,
     3,
     "Stable",
     5,
     {18, 37, 40, 45.0F},
     2,
     gate::Reason::kUpToDate},
    {"iot-004",
     "rpi4",
     "hall-1",
     DeviceState::kUpdating,
     Level::kStable,
     12,
     "Stable",
     4,
     {71, 48, 44, 61.0F},
     1,
     gate::Reason::kAllowed},
    {"iot-005",
     "rpi4",
     "hall-1",
     DeviceState::kOnline,
     Level::kStable,
     2,
     "Stable",
     4,
     {9, 33, 40, 43.8F},
     1,
     gate::Reason::kAllowed},
    {"iot-006",
     "imx8",
     "hall-1",
     DeviceState::kOnline,
     Level::kWatch,
     47,
     "High Load",
     4,
     {83, 36, 52, 64.9F},
     1,
     gate::Reason::kAnomaly,
     "cpu"},
    {"iot-007",
     "imx8",
     "hall-2",
     DeviceState::kFailed,
     Level::kStable,
     8,
     "Stable",
     4,
     {11, 34, 50, 44.0F},
     2,
     gate::Reason::kAllowed},
    {"iot-008",
     "imx8",
     "hall-2",
     DeviceState::kOnline,
     Level::kStable,
     5,
     "Stable",
     4,
     {14, 35, 49, 46.3F},
     1,
     gate::Reason::kAllowed},
    {"iot-009",
     "rpi4",
     "hall-2",
     DeviceState::kOffline,
     Level::kUnknown,
     0,
     "No telemetry",
     3,
     {0, 0, 0, 0},
     312,
     gate::Reason::kSilent},
    {"iot-010",
     "rpi4",
     "hall-2",
     DeviceState::kRollback,
     Level::kStable,
     6,
     "Stable",
     4,
     {22, 40, 42, 47.1F},
     3,
     gate::Reason::kRejected},
    {"iot-011",
     "rpi4",
     "hall-2",
     DeviceState::kUnknown,
     Level::kUnknown,
     0,
     "No telemetry",
     -1,
     {0, 0, 0, 0},
     -1,
     gate::Reason::kNeverEnrolled},
    {"this-host",
     "x86",
     "default",
     DeviceState::kOnline,
     Level::kStable,
     9,
     "Stable",
     5,
     {31, 62, 71, 52.5F},
     1,
     gate::Reason::kUpToDate},
}};

std::shared_ptr<DeviceRow> row_of(const Line& line) {
  auto row = std::make_shared<DeviceRow>();
  row->id = line.id;
  auto spec = std::make_shared<model::DeviceSpec>();
  spec->id = line.id;
  spec->hardware = line.hardware;
  spec->group = line.group;
  row->spec = std::move(spec);
  auto record = std::make_shared<model::DeviceRecord>();
  record->enrolled = line.patch >= 0;
  row->state = line.state;
  row->level = line.level;
  row->risk = line.risk;
  row->label = line.label;
  row->level_since = screen_time() - seconds(38);
  row->online = line.seen_s >= 0 && line.seen_s < 15;
  row->local = line.hardware == std::string("x86");
  row->target = Version(2, 1, 5);
  row->gate_reason = line.gate;
  row->gate = line.gate == gate::Reason::kAnomaly ? line.metrics : gate::info_of(line.gate).column;
  if (line.patch >= 0) {
    const model::Image running = image(Version(2, 1, static_cast<std::uint32_t>(line.patch)));
    record->facts = {running, running, running, running, {}};
  }
  if (line.seen_s >= 0) row->last_seen = screen_time() - seconds(line.seen_s);
  for (std::size_t i = 0; i < model::kMetricCount && line.seen_s >= 0; ++i)
    row->values.at(i) = line.values.at(i);
  if (line.state == DeviceState::kUpdating) {
    row->job = "job-000042";
    row->job_state = model::JobState::kDownloading;
    row->job_percent = 64;
    record->facts.assigned = image(Version(2, 1, 5));
  }
  row->record = std::move(record);
  return row;
}

model::Release release(const Version& version, model::ReleaseClass release_class,
                       std::string notes) {
  model::Release out;
  out.version = version;
  out.hardware = {"rpi4", "imx8", "x86"};
  out.release_class = release_class;
  out.notes = std::move(notes);
  out.target = "firmware-" + version.text() + ".img";
  out.length = 4U << 20;
  out.sha256 = std::string(60, '9') + "77c2";
  return out;
}

std::shared_ptr<const model::Job> job(const std::string& id, const std::string& device,
                                      model::JobState state, int age_s, const std::string& code,
                                      const std::string& detail) {
  auto out = std::make_shared<model::Job>();
  out->id = id;
  out->device = device;
  out->release = release(Version(2, 1, 5), model::ReleaseClass::kFunctional, "");
  out->actor = "console";
  out->state = state;
  out->percent = state == model::JobState::kDownloading ? 64 : 100;
  out->created = screen_time() - seconds(age_s);
  out->updated = out->created + seconds(9);
  out->error_code = code;
  out->detail = detail;
  if (state == model::JobState::kSucceeded) out->watch = model::Watch::kHealthy;
  out->steps = {{model::JobState::kQueued, out->created, "asked for by console"},
                {model::JobState::kSent, out->created + seconds(1), "taken by the device"},
                {model::JobState::kDownloading, out->created + seconds(2), "2.6 of 4.0 MiB"}};
  if (is_final(state)) out->steps.push_back({state, out->updated, detail});
  return out;
}

void add_event(std::vector<std::shared_ptr<const model::Event>>& events, int age_s,
               Severity severity, std::string kind, std::string source, std::string message) {
  auto event = std::make_shared<model::Event>();
  event->at = screen_time() - seconds(age_s);
  event->severity = severity;
  event->kind = std::move(kind);
  event->source = std::move(source);
  event->actor = "server";
  event->message = std::move(message);
  event->data = {{"release", "2.1.5"}, {"attempt", 1}};
  event->seq = events.size() + 1;
  event->id = "1.7." + std::to_string(event->seq) + ".1";
  events.push_back(std::move(event));
}

std::shared_ptr<const std::vector<std::shared_ptr<const model::Event>>> events() {
  std::vector<std::shared_ptr<const model::Event>> out;
  add_event(out, 900, Severity::kNotice, "server.up", "server", "listening on 0.0.0.0:8443");
  add_event(out, 620, Severity::kInfo, "enrol.ok", "iot-003",
            "enrolled; certificate 4f2a until 2026-11-18");
  add_event(out, 540, Severity::kInfo, "job.succeeded", "iot-003", "v2.1.5 confirmed after 41 s");
  add_event(out, 312, Severity::kWarning, "device.offline", "iot-009",
            "silent for 15 s; its readings no longer count");
  add_event(out, 140, Severity::kError, "job.failed", "iot-007",
            "image.hash: the image's SHA-256 is not the signed one");
  add_event(out, 120, Severity::kWarning, "job.rolled-back", "iot-010",
            "health check failed 3 of 3; back on v2.1.4");
  add_event(out, 71, Severity::kWarning, "auth.fail", "10.0.9.77",
            "handshake refused: certificate of another authority");
  add_event(out, 38, Severity::kWarning, "verdict.critical", "iot-002",
            "stable → critical: CPU 97 % (limit 90 %) for 5 s");
  add_event(out, 20, Severity::kWarning, "gate.block", "iot-002",
            "BLOCKED → OTA for iot-002 rejected (Risk: High Load)");
  add_event(out, 12, Severity::kNotice, "job.created", "iot-004",
            "SUCCESS: Update to v2.1.5 initiated");
  return std::make_shared<const std::vector<std::shared_ptr<const model::Event>>>(std::move(out));
}

std::vector<fleet::HistoryPoint> history_of(const DeviceRow& row) {
  std::vector<fleet::HistoryPoint> points;
  if (row.last_seen.time_since_epoch().count() == 0) return points;
  constexpr int kSeconds = 900;
  const bool stressed = row.level == Level::kCritical;
  for (int s = kSeconds; s >= 0; --s) {
    if (s > 150 && s < 190) continue;  // silent for 40 s
    fleet::HistoryPoint point;
    point.at = row.last_seen - seconds(s);
    const double wave = std::sin(s / 23.0) + 0.4 * std::sin(s / 5.0);
    const double rise = stressed && s < 60 ? (60 - s) / 60.0 : 0;
    for (std::size_t i = 0; i < model::kMetricCount; ++i) {
      const double base = row.values.at(i).value_or(0);
      const double calm = stressed && i != 2 ? base * 0.45 : base;
      const double value =
          calm + wave * (i == 0 ? 6 : 1.2) + (base - calm) * std::min(1.0, rise * 2);
      point.values.at(i) = static_cast<float>(std::min(99.0, std::max(0.0, value)));
    }
    point.level = stressed && s <= 38 ? Level::kCritical : Level::kStable;
    point.score = stressed && s == 45 ? 0.8F : 0.1F;
    points.push_back(point);
  }
  return points;
}

std::vector<model::CheckOutcome> checks_of(bool loaded, bool newer) {
  using model::CheckResult;
  std::vector<model::CheckOutcome> checks{
      {"known", CheckResult::kPass, "in the whitelist", "in the whitelist", ""},
      {"enrolled", CheckResult::kPass, "enrolled", "enrolled, not revoked", ""},
      {"online", CheckResult::kPass, "seen 1 s ago", "seen within 15 s", ""},
      {"image", CheckResult::kPass, "v2.1.4 as confirmed", "the image that it confirmed", ""},
      {"verdict", CheckResult::kPass, "stable", "stable", ""},
      {"hardware", CheckResult::kPass, "rpi4", "rpi4, imx8, x86", ""},
      {"version", CheckResult::kPass, "v2.1.4", "older than v2.1.5", ""},
      {"job", CheckResult::kPass, "none", "no other job", ""},
      {"rejected", CheckResult::kPass, "never", "not rejected before", ""},
  };
  if (loaded) {
    checks[4] = {"verdict", CheckResult::kBlock, "critical: cpu 97 % for 38 s", "stable",
                 "cpu below 85 % for 10 s"};
  }
  if (!newer)
    checks[6] = {"version", CheckResult::kSkip, "v2.1.5", "older than v2.1.5", "nothing to do"};
  return checks;
}

}  // namespace

WallTime screen_time() {
  return *parse_rfc3339("2026-08-20T14:03:22Z");
}

model::ServerStatus screen_server() {
  model::ServerStatus status;
  status.phase = model::ServerStatus::Phase::kUp;
  status.listen = "0.0.0.0:8443";
  status.started = screen_time() - seconds(15 * 60);
  status.ca_fingerprint = "3f9c" + std::string(58, '0') + "a1";
  status.requests_per_second = 14.2;
  status.connections = 11;
  status.errors_4xx = 15;
  status.refused_handshakes = 14;
  return status;
}

std::shared_ptr<fleet::Snapshot> empty_fleet() {
  auto fleet = std::make_shared<fleet::Snapshot>();
  fleet->revision = 1;
  fleet->at = screen_time();
  fleet->releases = std::make_shared<const std::vector<model::Release>>();
  fleet->events = std::make_shared<const std::vector<std::shared_ptr<const model::Event>>>();
  return fleet;
}

std::shared_ptr<fleet::Snapshot> screen_fleet() {
  auto fleet = empty_fleet();
  fleet->revision = 77;
  auto chunk = std::make_shared<fleet::RowChunk>();
  for (const Line& line : kLines)
    chunk->push_back(row_of(line));
  fleet->rows = {chunk};
  fleet::Counts& counts = fleet->counts;
  counts.devices = kLines.size();
  counts.online = 10, counts.stable = 8, counts.watch = 1, counts.critical = 1, counts.unknown = 2;
  counts.updating = 1, counts.failed = 1, counts.rolled_back = 1;
  counts.versions = {{"2.1.4", 8}, {"2.1.5", 2}, {"2.1.3", 1}};
  fleet->jobs = {
      job("job-000042", "iot-004", model::JobState::kDownloading, 12, "", "downloading"),
      job("job-000041", "iot-007", model::JobState::kFailed, 149, "image.hash",
          "the image's SHA-256 is not the signed one"),
      job("job-000040", "iot-010", model::JobState::kRolledBack, 170, "health.failed",
          "health check failed 3 of 3; back on v2.1.4"),
      job("job-000039", "iot-003", model::JobState::kSucceeded, 581, "", "v2.1.5 confirmed"),
  };
  fleet->releases = std::make_shared<const std::vector<model::Release>>(std::vector<model::Release>{
      release(Version(2, 2, 0), model::ReleaseClass::kSecurity, "closes the debug port"),
      release(Version(2, 1, 5), model::ReleaseClass::kFunctional, "sample"),
      release(Version(2, 1, 4), model::ReleaseClass::kFunctional, "sample"),
  });
  fleet->events = events();
  fleet->last_event = fleet->events->back()->seq;
  return fleet;
}

std::shared_ptr<const console::Agents> screen_agents() {
  using Phase = model::AgentStatus::Phase;
  model::AgentStatus first;
  first.id = "iot-001";
  first.phase = Phase::kRunning;
  first.pid = 4127;
  first.since = screen_time() - seconds(900);
  first.output = {"Client iot-001 started on port 8000", "connected to https://127.0.0.1:8443"};
  model::AgentStatus second = first;
  second.id = "iot-002";
  second.phase = Phase::kBackoff;
  second.pid = 0;
  second.restarts = 3;
  second.since = screen_time() - seconds(4);
  second.next_try = screen_time() + seconds(4);
  second.last_exit = "signal 9";
  second.output = {"Client iot-002 started on port 8001"};
  return std::make_shared<const console::Agents>(console::Agents{first, second});
}

std::shared_ptr<const fleet::DeviceDetail> screen_detail(const fleet::Snapshot& fleet,
                                                         const std::string& device) {
  for (const auto& chunk : fleet.rows) {
    for (const auto& row : *chunk) {
      if (row->id != device) continue;
      auto detail = std::make_shared<fleet::DeviceDetail>();
      detail->row = *row;
      detail->record = model::DeviceRecord{};
      detail->record->id = detail->row.id;
      detail->record->certificate_expires = screen_time() + seconds(61LL * 24 * 3600);
      detail->record->agent = "ota-agent 1.0.0";
      detail->record->slot = "A";
      detail->history = history_of(*row);
      detail->verdict.level = row->level;
      detail->verdict.risk = row->risk;
      detail->verdict.label = row->label;
      detail->verdict.since = row->level_since;
      if (row->level == Level::kCritical) {
        detail->verdict.sentence = "CPU has been above its limit for 38 s.";
        detail->verdict.would_clear = "CPU below 85 % for 10 s";
        model::Signal signal;
        signal.metric = "cpu";
        signal.level = Level::kCritical;
        signal.text = "CPU 97 % (limit 90 %) for 38 s";
        detail->verdict.signals.push_back(signal);
      } else {
        detail->verdict.sentence = "All readings are within their limits.";
      }
      detail->gate = screen_outcome(device, Version(2, 1, 5)).decision;
      for (const auto& known : fleet.jobs) {
        if (known->device == device) detail->jobs.push_back(*known);
      }
      return detail;
    }
  }
  return nullptr;
}

fleet::PushOutcome screen_outcome(const std::string& device, const Version& version) {
  fleet::PushOutcome outcome;
  model::Decision& decision = outcome.decision;
  decision.device = device;
  decision.version = version;
  decision.at = screen_time();
  const bool loaded = device == "iot-002";
  const bool newer =
      !((device == "iot-003" || device == "this-host") && version <= Version(2, 1, 5));
  decision.checks = checks_of(loaded, newer);
  if (loaded) {
    decision.answer = model::Answer::kBlock;
    decision.headline = "BLOCKED: Anomaly Detected";
    decision.risk = "High Load";
  } else if (!newer) {
    decision.answer = model::Answer::kSkip;
    decision.headline = "SKIPPED: Device already on " + version.label();
  } else {
    decision.answer = model::Answer::kAllow;
    decision.headline = "SUCCESS: Update to " + version.label() + " initiated";
  }
  return outcome;
}

FakeBackend::FakeBackend()
    : fleet(screen_fleet()), agent_list(screen_agents()), status(screen_server()) {}

std::shared_ptr<const fleet::DeviceDetail> FakeBackend::detail(const std::string& device) {
  if (own_detail) return own_detail;
  return screen_detail(*fleet, device);
}

std::vector<fleet::HistoryPoint> FakeBackend::history(const std::string& device) {
  const auto known = screen_detail(*fleet, device);
  return known ? known->history : std::vector<fleet::HistoryPoint>();
}

void FakeBackend::push(fleet::PushRequest request,
                       fleet::Answered<std::vector<fleet::PushOutcome>> done) {
  const Version version = request.version.value_or(Version(2, 1, 5));
  std::vector<fleet::PushOutcome> outcomes;
  std::string what = request.dry_run ? "preview" : "push";
  for (const std::string& device : request.devices) {
    what += " " + device;
    outcomes.push_back(screen_outcome(device, version));
    if (!request.override_reason.empty() &&
        outcomes.back().decision.answer == model::Answer::kBlock) {
      outcomes.back().decision.answer = model::Answer::kAllow;
      outcomes.back().decision.override_reason = request.override_reason;
      outcomes.back().decision.headline = "SUCCESS: Update to " + version.label() + " initiated";
    }
  }
  asked.push_back(what + " " + version.text() +
                  (request.override_reason.empty() ? "" : " override"));
  const auto answer = [done, outcomes] { done(outcomes); };
  if (hold_answers) {
    held.emplace_back(answer);
  } else {
    answer();
  }
}

void FakeBackend::order(const std::string& agent, AgentOrder order) {
  constexpr std::array<const char*, 3> kWords{"start ", "stop ", "restart "};
  asked.push_back(kWords.at(static_cast<std::size_t>(order)) + agent);
}

void FakeBackend::older_events(std::uint64_t seq, std::size_t limit,
                               fleet::Answered<console::Events> done) {
  asked.push_back("older " + std::to_string(seq) + " " + std::to_string(limit));
  const auto end = std::find_if(stored.begin(), stored.end(),
                                [&](const auto& event) { return event->seq >= seq; });
  const auto count = std::min<long>(static_cast<long>(limit), end - stored.begin());
  done(console::Events(end - count, end));
}

// One minute after the other at 20 to 40 CPU, and an incident ten hours ago.
void FakeBackend::stored_history(const std::string& device, WallTime from, WallTime to,
                                 fleet::Answered<std::vector<fleet::HistoryPoint>> done) {
  asked.push_back("stored " + device);
  std::vector<fleet::HistoryPoint> points;
  const WallTime incident =
      std::chrono::floor<std::chrono::minutes>(screen_time()) - std::chrono::hours(10);
  for (auto at = std::chrono::ceil<std::chrono::minutes>(from); at < to;
       at += std::chrono::minutes(1)) {
    fleet::Minute minute;
    minute.at = at;
    minute.level = Level::kStable;
    minute.score = at == incident ? 0.9 : 0.1;
    minute.values[0] = fleet::MinuteRange{20, 30, 40};
    fleet::append_points(minute, points);
  }
  done(std::move(points));
}

void FakeBackend::write_file(const std::filesystem::path& path, std::string content,
                             fleet::Done done) {
  files[path.string()] = std::move(content);
  note("write " + path.string(), done);
}

void FakeBackend::note(std::string what, const fleet::Done& done) {
  asked.push_back(std::move(what));
  done(boost::system::in_place_value);
}

std::shared_ptr<const tuf::TrustPage> screen_trust() {
  using std::chrono::hours;
  const WallTime now = screen_time();
  auto page = std::make_shared<tuf::TrustPage>();
  page->roles = {{"root", 4, now + hours(24 * 700), 2, 3, false},
                 {"targets", 6, now + hours(24 * 20), 2, 3, false},
                 {"snapshot", 57, now + hours(24 * 29), 1, 1, true},
                 {"timestamp", 211, now + hours(2), 1, 1, true},
                 {"model-rpi4", 12, now + hours(24 * 350), 2, 3, false},
                 {"model-rpi5", 3, now - hours(1), 1, 1, true}};
  page->pending.push_back(
      {"model-rpi4",
       13,
       1,
       2,
       {"model-rpi4 version 13, valid until 2027-08-20T14:00:00Z",
        "ADDS    v2.1.6 for rpi4, security, 12.0 MiB, sha256 " + std::string(64, 'c'),
        "keeps   v2.1.5 for rpi4, functional, 12.0 MiB, sha256 " + std::string(64, 'b')},
       std::string(64, 'd')});
  page->pending.push_back(
      {"root", 5, 0, 2, {"root version 5", "CHANGES timestamp: 1 of 1 keys"}, ""});
  return page;
}

void FakeBackend::sign(tuf::SignOrder ask, fleet::Answered<tuf::Outcome> done) {
  asked.push_back("sign " + ask.role + " " + ask.sha256.substr(0, 4) + " with " + ask.key_file +
                  " " + ask.passphrase);
  done(signing);
}

}  // namespace ota::test

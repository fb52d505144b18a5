// Whole screens as text, compared with what is committed beside this file. A screen that differs is
// written to build/golden/; after reading the diff, `make approve` accepts it.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "anomaly/detector.h"
#include "base/file.h"
#include "console/views/scene.h"
#include "gate/gate.h"
#include "sim/faults.h"
#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

constexpr std::array<Size, 4> kSizes{{{60, 16}, {80, 24}, {120, 36}, {200, 50}}};

void compare(const std::string& name, const std::string& screen) {
  namespace fs = std::filesystem;
  const fs::path committed = fs::path("tests/golden") / (name + ".txt");
  const fs::path written = fs::path("build/golden") / (name + ".txt");
  const auto expected = read_file(committed, 1U << 20);
  if (expected && *expected == screen) {
    std::error_code gone;
    fs::remove(written, gone);
    return;
  }
  fs::create_directories(written.parent_path());
  std::ofstream(written) << screen;
  UNSCOPED_INFO("read the difference:  diff -u " << committed << " " << written
                                                 << "  then: make approve");
  FAIL_CHECK(name << " differs; it is now:\n" << screen);
}

Model model_of(FakeBackend& backend, const UiState& state) {
  Model model;
  model.fleet = backend.snapshot();
  model.agents = backend.agents();
  model.server = backend.server();
  model.trust = backend.trust();
  model.now = screen_time();
  model.detail = backend.detail(state.device);
  arrange(model, state);
  for (const fleet::DeviceRow* row : model.rows)
    model.histories[row->id] = backend.history(row->id);
  return model;
}

std::string size_name(Size size) {
  return std::to_string(size.columns) + "x" + std::to_string(size.rows);
}

// At every size in Unicode, and in ASCII at the two that matter most there.
void compare_all(const std::string& name, FakeBackend& backend, const UiState& state) {
  const Model model = model_of(backend, state);
  for (const Size size : kSizes) {
    const ViewOptions unicode{Charset::kUnicode, GraphStyle::kBraille};
    const ViewOptions ascii{Charset::kAscii, GraphStyle::kAscii};
    compare(name + "-" + size_name(size), draw_screen(model, state, size, unicode).text());
    compare(name + "-ascii-" + size_name(size), draw_screen(model, state, size, ascii).text());
  }
}

void compare_one(const std::string& name, FakeBackend& backend, const UiState& state,
                 Size size = {80, 24}) {
  compare(name + "-" + size_name(size),
          draw_screen(model_of(backend, state), state, size, {}).text());
}

UiState in_view(View view, const std::string& device = "iot-002") {
  UiState state;
  state.view = view;
  if (view == View::kTrust) state.before = View::kUpdates;  // from where K leads
  state.device = device;
  return state;
}

}  // namespace

TEST_CASE("the summary shows every device, worst first", "[golden]") {
  FakeBackend backend;
  compare_all("summary", backend, in_view(View::kSummary));
}

TEST_CASE("the graphs show limits, gaps and anomaly marks", "[golden]") {
  FakeBackend backend;
  compare_all("graphs", backend, in_view(View::kGraphs));
}

TEST_CASE("the security log shows events and the selected one", "[golden]") {
  FakeBackend backend;
  compare_all("log", backend, in_view(View::kLog));
}

TEST_CASE("the updates view shows jobs with progress and steps", "[golden]") {
  FakeBackend backend;
  compare_all("updates", backend, in_view(View::kUpdates));
}

TEST_CASE("the agents view shows children and their last lines", "[golden]") {
  FakeBackend backend;
  compare_all("agents", backend, in_view(View::kAgents));
}

TEST_CASE("the device's page shows facts, verdict, gate, jobs and graphs", "[golden]") {
  FakeBackend backend;
  compare_all("device", backend, in_view(View::kDevice));
}

namespace {

// Whether it may be updated, by the real gate.
model::Decision asked(const model::Verdict& verdict) {
  gate::Input input;
  input.now = screen_time();
  input.device = "iot-001";
  input.spec = model::DeviceSpec{"iot-001", "rpi4", "canary", ""};
  input.record = model::DeviceRecord{};
  input.record->enrolled = true;
  input.record->certificate_expires = input.now + seconds(3600);
  input.record->facts.confirmed = model::Image{model::Version(2, 1, 4), std::string(64, 'a')};
  input.record->facts.booted = input.record->facts.confirmed;
  input.online = true;
  input.verdict = verdict;
  input.release.version = model::Version(2, 1, 5);
  input.release.hardware = {"rpi4"};
  input.release.sha256 = std::string(64, 'b');
  input.confirmed_published_sha256 = std::string(64, 'a');
  return gate::preview(input);
}

// A device with two healthy days, on which a miner began two minutes before the screen's time.
void begin_incident(fleet::DeviceDetail& detail) {
  constexpr milliseconds kInterval{5000};
  constexpr int kHealthy = 2 * 17280;
  constexpr int kFaulty = 24;
  constexpr int kShown = 180;
  sim::Machine machine(sim::Background::kDaily, 4, kInterval,
                       screen_time() - (kHealthy + kFaulty) * kInterval);
  anomaly::DeviceDetector detector(model::Thresholds{});
  detail.history.clear();
  for (int i = 0; i < kHealthy + kFaulty; ++i) {
    if (i == kHealthy) machine.begin(sim::Fault::kCryptoMiner, 8);
    const model::Sample sample = machine.next();
    detector.observe(sample, sample.at);
    for (std::size_t metric = 0; metric < model::kMetricCount; ++metric) {
      const auto& value = sample.values.at(metric);
      detail.row.values.at(metric) =
          value ? std::optional(static_cast<float>(*value)) : std::nullopt;
    }
    if (i < kHealthy + kFaulty - kShown) continue;
    detail.history.push_back({sample.at, detail.row.values, static_cast<float>(detector.score()),
                              detector.level(sample.at)});
  }
  detail.verdict = detector.verdict(screen_time());
  detail.gate = asked(detail.verdict);
}

}  // namespace

TEST_CASE("the device's page during an incident tells who leads, how rare it is and what clears it",
          "[golden]") {
  FakeBackend backend;
  const UiState state = in_view(View::kDevice, "iot-001");
  Model model = model_of(backend, state);
  auto detail = std::make_shared<fleet::DeviceDetail>(*model.detail);
  begin_incident(*detail);
  CHECK(detail->verdict.level == model::Level::kWatch);
  CHECK(detail->gate->answer == model::Answer::kBlock);
  model.detail = detail;
  for (const Size size : {Size{120, 36}, Size{80, 24}})
    compare("device-incident-" + size_name(size), draw_screen(model, state, size, {}).text());
}

TEST_CASE("the pictures in README are the screens that are drawn", "[golden]") {
  const std::string page = read_file("README.md", 1U << 20).value();
  for (const std::string name :
       {"device-incident-80x24.txt", "updates-patched-80x24.txt", "update-plan-80x24.txt"}) {
    INFO(name);
    const std::string screen = read_file("tests/golden/" + name, 1U << 20).value();
    constexpr std::string_view kFence = "```text\n";
    const std::size_t named = page.find(name);
    REQUIRE(named != std::string::npos);
    const std::size_t begin = page.find(kFence, named) + kFence.size();
    const std::string shown = page.substr(begin, page.find("```", begin) - begin);
    CHECK(std::count(shown.begin(), shown.end(), '\n') >= 8);
    CHECK(screen.find(shown) != std::string::npos);
  }
}

namespace {

constexpr std::uint64_t kImage = 64U << 20;

model::FetchPlan by_patch() {
  return {model::FetchWay::kPatch, 1'718'310, kImage, model::Version(2, 1, 4)};
}

}  // namespace

TEST_CASE("an update by a patch says what is fetched instead of what", "[golden]") {
  FakeBackend backend;
  const auto fleet = screen_fleet();
  auto patched = std::make_shared<model::Job>(*fleet->jobs.front());
  patched->release.length = kImage;
  patched->fetch = by_patch();
  patched->detail = patched->steps.back().detail = describe(*patched->fetch);
  fleet->jobs.front() = std::move(patched);
  fleet->job_counts.sent_bytes = 41'308'160;
  fleet->job_counts.saved_bytes = 1'509'949'440;
  backend.fleet = fleet;
  const UiState state = in_view(View::kUpdates);
  compare_one("updates-patched", backend, state);
  compare_one("updates-patched", backend, state, {120, 36});
}

TEST_CASE("what devices will fetch is said before a push is confirmed", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.update.emplace(std::vector<std::string>{"iot-001", "iot-002", "iot-005", "iot-006"},
                       backend.fleet->releases, model::Version(2, 1, 5));
  const auto ask = state.update->handle({Key::Kind::kEnter, 0, {}});
  REQUIRE(ask);
  backend.push(ask->request, [&](Result<std::vector<fleet::PushOutcome>> answer) {
    REQUIRE(answer.has_value());
    for (fleet::PushOutcome& outcome : *answer)
      outcome.fetch = by_patch();
    answer->at(3).fetch = model::FetchPlan{model::FetchWay::kPacked, 12'008'329, kImage, {}};
    state.update->answered(ask->ticket, answer);
  });
  state.update->handle({Key::Kind::kEnter, 0, {}});
  compare_one("update-plan", backend, state);
  compare_one("update-plan", backend, state, {60, 16});
}

TEST_CASE("keys and trust shows each role's term and what waits for signatures", "[golden]") {
  FakeBackend backend;
  backend.trust_page = screen_trust();
  compare_all("trust", backend, in_view(View::kTrust));
}

TEST_CASE("keys that lie on the server are warned of until they are taken away", "[golden]") {
  FakeBackend backend;
  auto page = std::make_shared<tuf::TrustPage>(*screen_trust());
  page->pending.clear();
  for (auto& role : page->roles)
    role.keys_online = true;
  backend.trust_page = page;
  compare_one("trust-online", backend, in_view(View::kTrust));
  compare_one("summary-keys-online", backend, in_view(View::kSummary), {120, 36});
}

TEST_CASE("what is signed is read before a key and its passphrase are asked for", "[golden]") {
  FakeBackend backend;
  backend.trust_page = screen_trust();
  UiState state = in_view(View::kTrust);
  state.sign.emplace(backend.trust_page->pending.front());
  compare_one("trust-sign-1-words", backend, state);
  compare_one("trust-sign-1-words", backend, state, {60, 16});
  state.sign->handle({Key::Kind::kEnter, 0, {}});
  for (const char c : std::string("/media/stick/targets-2.pem"))
    state.sign->handle({Key::Kind::kText, static_cast<char32_t>(c), {}});
  state.sign->handle({Key::Kind::kEnter, 0, {}});
  for (const char c : std::string("secret"))
    state.sign->handle({Key::Kind::kText, static_cast<char32_t>(c), {}});
  compare_one("trust-sign-2-passphrase", backend, state);
}

TEST_CASE("help lists the keys of the view", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.help = HelpState{};
  compare_all("help", backend, state);
}

TEST_CASE("a small fleet leaves room for the log's last lines", "[golden]") {
  FakeBackend backend;
  auto fleet = screen_fleet();
  auto chunk = std::make_shared<fleet::RowChunk>(*fleet->rows.front());
  chunk->resize(3);
  fleet->rows = {chunk};
  fleet->counts.devices = 3;
  backend.fleet = fleet;
  compare_one("summary-few", backend, in_view(View::kSummary));
}

TEST_CASE("the columns are chosen from a list, and hidden ones give their room away", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.hidden_columns = {"cpu", "mem", "disk"};
  state.columns = ColumnChooser{5};
  compare_one("columns", backend, state);
}

TEST_CASE("a screen that only looks says so and offers no changes", "[golden]") {
  FakeBackend backend;
  const UiState state = in_view(View::kSummary);
  ViewOptions options;
  options.access = Access::kReadOnly;
  compare("read-only-80x24",
          draw_screen(model_of(backend, state), state, {80, 24}, options).text());
}

TEST_CASE("an empty fleet says how to get its first device", "[golden]") {
  FakeBackend backend;
  backend.fleet = empty_fleet();
  compare_one("empty", backend, in_view(View::kSummary, ""));
}

TEST_CASE("a server that is down is said in every view and its data do not look live", "[golden]") {
  FakeBackend backend;
  backend.status.phase = model::ServerStatus::Phase::kDown;
  backend.status.problem = "cannot listen on 0.0.0.0:8443: address already in use";
  backend.status.port_failed = true;
  backend.status.retry_at = screen_time() + seconds(8);
  compare_one("server-down", backend, in_view(View::kSummary));
}

TEST_CASE("a store that takes no writes and a bad configuration are shown", "[golden]") {
  FakeBackend backend;
  auto fleet = screen_fleet();
  fleet->store_writable = false;
  fleet->store_problem = "no space left on device";
  fleet->store_problem_since = screen_time() - seconds(200);
  fleet->config_problems = {{"config/thresholds.json",
                             "config/thresholds.json:3:20: cpu_threshold is 140", screen_time()}};
  backend.fleet = fleet;
  compare_one("state-not-saved", backend, in_view(View::kSummary));
}

TEST_CASE("a log that is held still says how much is new", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kLog);
  state.log.following = false;
  state.log.at_least = model::Severity::kWarning;
  state.log.selected = 5;
  state.log.paused_at = 7;
  compare_one("log-paused", backend, state);
  state.log.full_record = true;
  compare_one("log-event", backend, state);
}

TEST_CASE("the update dialog shows the gate's reasons before it asks", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.update.emplace(std::vector<std::string>{"iot-001", "iot-002", "iot-003", "iot-005"},
                       backend.fleet->releases, model::Version(2, 1, 5));
  compare_one("update-1-version", backend, state);
  const auto ask = state.update->handle({Key::Kind::kEnter, 0, {}});
  REQUIRE(ask);
  backend.push(ask->request, [&](auto answer) { state.update->answered(ask->ticket, answer); });
  state.update->handle({Key::Kind::kDown, 0, {}});
  compare_one("update-2-gate", backend, state);
  compare_one("update-2-gate", backend, state, {60, 16});
  state.update->handle({Key::Kind::kEnter, 0, {}});
  for (const char c : std::string("2.1.")) {
    state.update->handle({Key::Kind::kText, static_cast<char32_t>(c), {}});
  }
  compare_one("update-3-confirm", backend, state);
  compare_one("update-3-confirm", backend, state, {60, 16});
}

TEST_CASE("a blocked device alone is told why, and asking anyway is a choice", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.update.emplace(std::vector<std::string>{"iot-002"}, backend.fleet->releases,
                       model::Version(2, 1, 5));
  const auto ask = state.update->handle({Key::Kind::kEnter, 0, {}});
  REQUIRE(ask);
  backend.push(ask->request, [&](auto answer) { state.update->answered(ask->ticket, answer); });
  compare_one("update-blocked", backend, state);
  state.update->handle({Key::Kind::kEnter, 0, {}});
  compare_one("update-blocked-confirm", backend, state);
}

TEST_CASE("a question preselects Cancel", "[golden]") {
  FakeBackend backend;
  UiState state = in_view(View::kSummary);
  state.question = Question{"Stop the server and 2 agents?",
                            {"1 update is running; its device goes on by itself.",
                             "Devices keep their image and reconnect later."},
                            "Stop",
                            [] {},
                            false};
  compare_one("quit", backend, state);
}

TEST_CASE("a very small screen still says what matters", "[golden]") {
  FakeBackend backend;
  compare_one("small", backend, in_view(View::kSummary), {26, 6});
}

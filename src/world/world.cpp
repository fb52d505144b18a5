#include "world/world.h"

#include <stdlib.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "base/digest.h"
#include "base/file.h"
#include "model/sample_image.h"
#include "world/acts.h"
#include "world/otactl.h"

namespace ota::world {
namespace fs = std::filesystem;
namespace {

using std::chrono::minutes;

constexpr seconds kLook{5};
constexpr milliseconds kLookForState{200};
constexpr minutes kPatience{10};  // of an act that waits for a state
constexpr minutes kCalm{8};       // until all is heard of again
constexpr minutes kRepaired{8};   // until what operators did has taken effect
constexpr minutes kUpdated{12};   // until every last update is through
constexpr milliseconds kOperatorPatience{30'000};
constexpr milliseconds kServerTriesAgain{10'000};
constexpr std::array<const char*, 2> kModels{"hw-a", "hw-b"};

}  // namespace

World::World(Plan plan, Trace::Keep keep, const fs::path& scratch)
    : plan_(std::move(plan)),
      crypto_(plan_.seed),
      trace_(timeline_, keep),
      random_(plan_.seed, "world") {
  std::string name = (scratch / "ota-world-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  folder_ = name;
  trace_.hide(name);
}

World::~World() {
  for (const auto& fiber : std::exchange(people_, {}))
    timeline_.cut(fiber);
  devices_.clear();
  ddi_.clear();
  second_disks_.clear();
  server_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string World::hardware_of(std::size_t device) const {
  return kModels[device % plan_.models % kModels.size()];
}

model::Settings World::first_settings() const {
  model::Settings settings;
  for (std::size_t i = 0; i < plan_.devices; ++i)
    settings.whitelist.devices.push_back({"d-" + std::to_string(i), hardware_of(i), "default", ""});
  settings.thresholds.stale_after = plan_.interval * 3 + seconds(5);
  settings.ota.target_version = model::Version(2, 1, 5);
  settings.ota.watch_period = plan_.watch_period;
  settings.ota.max_retries = static_cast<std::uint32_t>(plan_.max_retries);
  settings.ota.sent_deadline = settings.ota.verify_deadline = settings.ota.install_deadline =
      plan_.deadline;
  settings.ota.download_deadline = plan_.deadline * 4;
  settings.ota.boot_deadline = settings.ota.confirm_deadline = plan_.deadline * 2;
  settings.ota.queued_deadline = plan_.deadline * 5;
  settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
  model::DdiSettings& ddi = settings.console.ddi;
  ddi.on = true;
  ddi.poll = seconds(30);
  ddi.active_poll = seconds(10);
  ddi.offer_deadline = ddi.work_deadline = plan_.deadline * 3;
  ddi.confirm_deadline = plan_.deadline * 3;
  for (std::size_t i = 0; i < plan_.ddi; ++i)
    settings.whitelist.devices.push_back({"w-" + std::to_string(i), hardware_of(0), "default", ""});
  settings.console.history_samples = 60;                  // nobody looks at graphs
  settings.console.limits.device_events_per_hour = 2000;  // what is told is what is looked at here
  return settings;
}

DeviceOptions World::device_options(std::size_t number) const {
  Random random(plan_.seed, "device", number);
  DeviceOptions out;
  out.id = "d-" + std::to_string(number);
  out.machine = out.id;
  out.address = "10.0.0." + std::to_string(number + 1);
  out.seed = random.next();
  out.drift_ppm = random.between(-plan_.device_drift_ppm, plan_.device_drift_ppm);
  out.faults = plan_.link;
  out.loses_unsynced = plan_.agents_lose_unsynced;
  out.fastest_boot = plan_.fastest_boot;
  out.slowest_boot = plan_.slowest_boot;
  agent::Config& config = out.config;
  config.device_id = out.id;
  config.server = "https://server:8443";
  config.hardware = hardware_of(number);
  static constexpr std::array<const char*, 5> kSick{"stressed", "overheating", "leak", "miner",
                                                    "flapping"};
  config.profile = random.between(0, 9) < plan_.sick ? kSick[random.below(kSick.size())] : "stable";
  config.seed = random.next();
  config.interval = plan_.interval;
  config.dir = folder_ / out.machine;
  config.factory_version = model::kFactoryVersion;
  return out;
}

void World::watch(Device& device) {
  machines_[device.id()].push_back(&device);
  device.booted = [this](Device& it) {
    oracle_.tell(timeline_.now(), [&](Invariant& one) { one.booted(*this, it); });
  };
  device.went_dark = [this](Device& it) {
    oracle_.tell(timeline_.now(), [&](Invariant& one) { one.lost_power(*this, it); });
  };
  device.link().came = [this](const std::string& name, std::uint64_t bytes) {
    oracle_.tell(timeline_.now(), [&](Invariant& one) { one.fetched(*this, name, bytes); });
  };
  device.link().answered = [this, &device](const Request& asked, const http::Response& answer) {
    if (asked.peer.role == http::Role::kDevice && device.note_name(asked.peer.name) &&
        asked.peer.name != device.id())
      machines_[asked.peer.name].push_back(&device);
    oracle_.tell(timeline_.now(),
                 [&](Invariant& one) { one.answered(*this, &device, asked, answer); });
  };
}

void World::start_server() {
  if (server_->up()) return;
  const auto started = server_->start();
  if (!started) {
    if (!server_->disk().full())
      oracle_.found("server-starts",
                    "it does not open what its disk has: " + started.error().text(),
                    timeline_.now());
    timeline_.after(kServerTriesAgain, [this] { start_server(); });
    return;
  }
  oracle_.tell(timeline_.now(), [&](Invariant& one) { one.server_started(*this); });
}

void World::set_up() {
  ServerOptions options;
  options.root = folder_ / "server";
  options.disk = "world-" + folder_.filename().string();
  options.settings = std::make_shared<const model::Settings>(first_settings());
  options.seed = plan_.seed;
  options.drift_ppm = plan_.server_drift_ppm;
  options.slowest_sync = plan_.slowest_sync;
  options.tick = plan_.tick;
  server_ = std::make_unique<Server>(timeline_, trace_, std::move(options));
  if (plan_.thief > 0) {
    thief_ = std::make_unique<Thief>(trace_, *server_, Random(plan_.seed, "thief"),
                                     plan_.thief > 1 ? Thief::Keys::kDirectors : Thief::Keys::kNone,
                                     images_);
    oracle_.leave_out("cancelled-is-over");  // he may send what was cancelled
  }
  server_->replaced = [this] { end_server(Server::End::kOrderly, seconds(1)); };
  // Whoever puts an old state back takes back what was promised after it, and is told to have done so.
  if (plan_.imports) {
    for (const char* promise :
         {"acknowledged-is-kept", "final-is-final", "revoked-stays-out", "token-once",
          "newest-report-counts", "cancelled-is-over", "verdict-survives", "reports-are-delivered"})
      oracle_.leave_out(promise);
  }
  start_server();
  publish(model::ReleaseClass::kFunctional, true, false);  // 2.1.4, what devices come with
  publish(model::ReleaseClass::kFunctional, true, false);
  LinkFaults desk;
  desk.unanswered = plan_.link.unanswered;
  desk.lost = plan_.link.lost;
  desk_ = std::make_unique<Link>(timeline_, trace_, *server_, "operator", "10.0.1.1",
                                 Random(plan_.seed, "desk"), desk);
  desk_->answered = [this](const Request& asked, const http::Response& answer) {
    oracle_.tell(timeline_.now(),
                 [&](Invariant& one) { one.answered(*this, nullptr, asked, answer); });
  };
  for (std::size_t i = 0; i < plan_.devices; ++i) {
    devices_.push_back(std::make_unique<Device>(timeline_, trace_, *server_, device_options(i)));
    watch(*devices_.back());
    timeline_.after(milliseconds(200 * i),
                    [this, i] { enrol(*devices_[i], Device::Identity::kKept); });
  }
  for (std::size_t i = 0; i < plan_.ddi; ++i) {
    ddi_.push_back(std::make_unique<DdiClient>(timeline_, trace_, *server_, ddi_options(i)));
    DdiClient& client = *ddi_.back();
    watch(client);
    timeline_.after(seconds(1), [this, &client] {
      give_token(client, milliseconds(0));
      client.power_on();
    });
  }
  for (const Act& act : plan_.acts)
    timeline_.at(MonoTime{} + act.at, [this, &act] { carry_out(act); });
  timeline_.after(kLook, [this] { look(); });
}

void World::carry_out(const Act& act) {
  if (calm_ || (ddi_.empty() && world::is_ddi(*find_act(act.kind)))) return;
  const auto at = act.kind.find('@');
  if (at != std::string::npos)
    return wait_for(act, model::parse_job_state(act.kind.substr(at + 1)), kPatience);
  carry_out_now(act);
}

// Looks again and again until the device's job is in this state. When the faults have stopped it is
// too late for one.
void World::wait_for(const Act& act, std::optional<model::JobState> state, milliseconds left) {
  if (calm_) return;
  const auto job = running_job(id_of(act));
  if (job && job->state == state) return carry_out_now(act);
  if (left <= milliseconds(0)) return;
  timeline_.after(kLookForState,
                  [this, &act, state, left] { wait_for(act, state, left - kLookForState); });
}

const std::string& World::id_of(const Act& act) {
  return world::is_ddi(*find_act(act.kind)) ? ddi(act.device).id() : device(act.device).id();
}

void World::carry_out_now(const Act& act) {
  const ActKind* kind = find_act(act.kind);
  const auto job = running_job(id_of(act));
  ++report_.met[{job ? std::string(model::to_text(job->state)) : "none", kind->name}];
  trace_.add("world", "act " + act.kind + " on " + id_of(act));
  kind->carry_out(*this, act);
}

void World::look() {
  if (server_->up()) oracle_.tell(timeline_.now(), [&](Invariant& one) { one.look(*this); });
  timeline_.after(kLook, [this] { look(); });
}

void World::run_until(MonoTime until) {
  while (!oracle_.finding() && timeline_.step(until)) {
    if (each_step_.empty() || !server_->up()) continue;
    oracle_.tell_one(each_step_, timeline_.now(), [&](Invariant& one) { one.look(*this); });
  }
}

WorldReport World::run() {
  try {
    set_up();
    run_until(MonoTime{} + plan_.chaos);
    if (!oracle_.finding()) calm_down();
    run_until(timeline_.now() + kCalm);
    if (!oracle_.finding()) repair();
    run_until(timeline_.now() + kRepaired);
    if (!oracle_.finding())
      oracle_.tell(timeline_.now(), [&](Invariant& one) { one.settled(*this); });
    if (!oracle_.finding()) final_updates();
    if (!oracle_.finding()) final_restart();
  } catch (const std::exception& error) {
    oracle_.found("no-exception", error.what(), timeline_.now());
  }
  report_.seed = plan_.seed;
  report_.steps = timeline_.steps();
  report_.lived = std::chrono::duration_cast<milliseconds>(timeline_.now().time_since_epoch());
  report_.devices = devices_.size();
  report_.finding = oracle_.finding();
  if (report_.finding)
    trace_.add("oracle", report_.finding->invariant + ": " + report_.finding->words);
  report_.hash = trace_.hash();
  report_.lines = trace_.lines();
  return report_;
}

// From here on nothing goes wrong any more, and what was out of order is put right.
void World::calm_down() {
  calm_ = true;
  trace_.add("world", "faults stop");
  desk_->calm();
  server_->disk().set_full(false);
  server_->clock().jump(-server_->clock().off());
  start_server();
  edit_settings([this](model::Settings& settings) { settings = first_settings(); });
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    Device& device = *devices_[i];
    device.link().calm();
    device.link().set_tap(nullptr);
    if (DdiClient* client = second_disk(device.id())) client->power_cut();
    device.shelve(false);
    device.cut_no_more();
    device.clock().jump(-device.clock().off());
    if (i >= plan_.devices) {
      device.power_cut();  // clones
    } else {
      device.power_on();
    }
  }
  for (const auto& client : ddi_) {
    client->link().calm();
    client->power_on();
  }
}

namespace {

// An old state that was put back knows nothing of an image that came since, and of a device that
// joined when its image had been removed none is known at all; where that is not published, nobody
// can say what the device runs, and it has to be let in anew. No other device may come to that.
bool is_lost(const std::string& sha256, const fleet::DeviceRow& row, const fleet::Snapshot& fleet,
             bool imports) {
  const auto is_it = [&sha256](const auto& known) { return known.sha256 == sha256; };
  if (std::ranges::any_of(*fleet.releases, is_it)) return false;
  if (!row.record || row.record->trusted.empty()) return true;
  return imports && std::ranges::none_of(row.record->trusted, is_it);
}

}  // namespace

// What operators do about devices that did not come back by themselves.
void World::repair() {
  order("/v1/resume");
  const auto snapshot = server_->fleet()->snapshot();
  for (std::size_t i = 0; i < plan_.devices; ++i) {
    Device& device = *devices_[i];
    const fleet::DeviceRow* row = snapshot->find(device.id());
    order("/v1/devices/" + device.id() + "/acknowledge");
    if (second_disk(device.id()) != nullptr) choose_client(device.id(), "who-asks");
    // Who is heard of under its name may be another machine, which took the code that was its.
    const bool is_heard_itself = std::ranges::none_of(devices_, [&device](const auto& other) {
      return other.get() != &device && other->id() != device.id() &&
             other->certificate_name() == device.id();
    });
    if (row != nullptr && row->online && !row->revoked() && is_heard_itself &&
        device.certificate_name() == device.id() &&
        !is_lost(device.bootable(), *row, *snapshot, plan_.imports))
      continue;
    trace_.add("world", device.id() + " did not come back: it is let in anew");
    order("/v1/devices/" + device.id() + "/revoke",
          [this, &device](const http::Response&) { enrol(device, Device::Identity::kNew); });
  }
  for (const auto& client : ddi_) {
    order("/v1/devices/" + client->id() + "/acknowledge");
    give_token(*client, milliseconds(0));
  }
}

// Whatever happened: a new release must reach every device.
void World::final_updates() {
  const auto version = publish(model::ReleaseClass::kSecurity, true, false);
  if (!version) return oracle_.found("updates-go-on", "nothing can be published", timeline_.now());
  run_until(timeline_.now() + seconds(30));
  Json ids = Json::array();
  for (std::size_t i = 0; i < plan_.devices; ++i)
    ids.push_back(devices_[i]->id());
  for (const auto& client : ddi_)
    ids.push_back(client->id());
  const auto results = std::make_shared<Json>();
  operate(
      http::Method::kPost, "/v1/push",
      {{"devices", ids}, {"version", version->text()}, {"override", "it must"}, {"again", true}},
      [results](const http::Response& answer) {
        if (answer.status == 200) *results = *parse_json(answer.body);
      });
  run_until(timeline_.now() + kUpdated);
  if (oracle_.finding()) return;
  if (results->is_null())
    return oracle_.found("updates-go-on", "the last push is not answered", timeline_.now());
  for (std::size_t i = 0; i < plan_.devices + ddi_.size(); ++i) {
    const bool agent = i < plan_.devices;
    const Json& decision = results->at("results").at(i).at("decision");
    // With the director's key a thief has a device take what the server never gave to it; once that
    // is not published any more the device is refused by that name, as it should be.
    if (plan_.thief > 1 && decision.at("headline") == "BLOCKED: Untrusted Image") continue;
    const std::string sha256 =
        agent ? devices_[i]->bootable() : ddi_[i - plan_.devices]->ran().back().sha256;
    const auto image = images_.find(sha256);
    if (image != images_.end() && image->second.version == *version) continue;
    std::string words =
        ids[i].get<std::string>() + " runs " +
        (image == images_.end() ? "what nobody knows" : image->second.version.text()) +
        " after the last push, which said: " + decision.at("headline").get<std::string>();
    for (const Json& check : decision.at("checks")) {
      if (check.at("result") == "block")
        words += "; " + check.at("check").get<std::string>() + ": " +
                 check.at("observed").get<std::string>();
    }
    const std::string job = results->at("results").at(i).value("job", "");
    if (const auto known = server_->fleet()->job(job)) {
      words += "; " + job + " is " + std::string(model::to_text(known->state)) + " (" +
               known->error_code + " " + known->detail + ")";
    }
    return oracle_.found("updates-go-on", words, timeline_.now());
  }
}

namespace {

// What of a fleet a restart must not change.
Json durable_view(fleet::Fleet& fleet, const fleet::Snapshot& snapshot) {
  Json out = Json::object();
  for (const auto& chunk : snapshot.rows) {
    for (const auto& row : *chunk) {
      Json record = row->record ? Json(*row->record) : Json();
      if (record.is_object()) record.erase("last_seen");
      out["devices"][row->id] = std::move(record);
    }
  }
  for (const model::Job& job : fleet.jobs("", 1000)) {
    Json one = job;
    for (const char* member : {"deadline", "updated", "watch_until"})
      one.erase(member);
    out["jobs"][job.id] = std::move(one);
  }
  return out;
}

std::string first_difference(const Json& before, const Json& after) {
  for (const Json& step : Json::diff(before, after))
    return step.dump();
  return {};
}

}  // namespace

void World::final_restart() {
  for (const auto& device : devices_)
    device->power_cut();
  for (const auto& client : ddi_)
    client->power_cut();
  run_until(timeline_.now() + minutes(3));
  if (oracle_.finding()) return;
  const Json before = durable_view(*server_->fleet(), *server_->fleet()->snapshot());
  oracle_.tell(timeline_.now(), [&](Invariant& one) { one.server_will_end(*this); });
  server_->end(Server::End::kPowerCut);
  start_server();
  if (oracle_.finding()) return;
  server_->fleet()->catch_up();
  const Json after = durable_view(*server_->fleet(), *server_->fleet()->snapshot());
  report_.jobs = after.contains("jobs") ? after.at("jobs").size() : 0;
  if (const std::string difference = first_difference(before, after); !difference.empty())
    oracle_.found("restart-keeps-all", "a restart changes " + difference, timeline_.now());
}

const std::vector<const Device*>& World::machines_of(const std::string& id) const {
  static const std::vector<const Device*> kNone;
  const auto found = machines_.find(id);
  return found == machines_.end() ? kNone : found->second;
}

void World::operate(http::Method method, const std::string& target, const Json& body, Then then) {
  send(method, target, method == http::Method::kPost ? dump_json(body) : std::string(),
       std::move(then));
}

void World::send(http::Method method, const std::string& target, std::string body, Then then) {
  const Request request = operator_request(method, target, std::move(body), "10.0.1.1");
  begin([this, request, then = std::move(then)] {
    const auto answer = desk_->call(request, kOperatorPatience, [] { return false; });
    if (answer && then) then(*answer);
  });
}

void World::begin(std::function<void()> work) {
  std::erase_if(people_, [](const auto& fiber) { return fiber->over(); });
  people_.push_back(timeline_.start(std::move(work)));
}

void World::type(std::vector<std::string> words) {
  begin([this, words = std::move(words)] {
    const Typed typed = type_otactl(timeline_, *desk_, server_->clock(), words);
    trace_.add("operator", "otactl " + words.front() + " ends with " + std::to_string(typed.exit));
    oracle_.tell(timeline_.now(), [&](Invariant& one) { one.typed(*this, typed); });
  });
}

void World::enrol(Device& device, Device::Identity identity) {
  const std::uint64_t attempt = ++enrolling_[device.machine()];
  operate(http::Method::kPost, "/v1/enrolments", {{"device", device.id()}},
          [this, &device, identity](const http::Response& answer) {
            const auto body = parse_json(answer.body);
            if (answer.status != 201 || !body) return;
            give_code(device, (*body)["code"].get<std::string>(), identity);
          });
  // Who gets no answer, or whose code was used up on the way, asks again; where nothing else goes
  // wrong, after a revocation, since the key that was let in may be gone.
  timeline_.after(minutes(1), [this, &device, identity, attempt] {
    if (attempt != enrolling_[device.machine()] || !device.certificate_name().empty()) return;
    if (!server_->up() || !calm_) return enrol(device, identity);
    order("/v1/devices/" + device.id() + "/revoke",
          [this, &device](const http::Response&) { enrol(device, Device::Identity::kNew); });
  });
}

// With its agent stopped, as it has to be for a new identity.
void World::give_code(Device& device, const std::string& code, Device::Identity identity) {
  timeline_.after(milliseconds(0), [&device, code, identity] {
    device.power_cut();
    device.join(code, identity);
    device.power_on();
  });
}

std::optional<model::Version> World::publish(model::ReleaseClass release_class, bool healthy,
                                             bool floor, std::optional<std::string> only_for) {
  model::Release release;
  release.version = model::Version(2, 1, next_patch_++);
  release.release_class = release_class;
  for (std::size_t i = 0; i < plan_.models; ++i) {
    if (!only_for || *only_for == kModels[i]) release.hardware.emplace_back(kModels[i]);
  }
  const std::string bytes = model::sample_image(release.version, healthy ? "" : "health: fail\n");
  const auto low = floor ? std::optional(release.version) : std::nullopt;
  auto published = server_->publish(bytes, release, low);
  trace_.add("world", "publishes " + release.version.text() + (healthy ? "" : ", which is ill") +
                          (floor ? ", a floor" : "") +
                          (published ? "" : ": " + published.error().text()));
  if (!published) return std::nullopt;
  newest_ = release.version;
  images_[published->sha256] = {release.version, release.hardware, healthy, low};
  return release.version;
}

void World::end_server(Server::End how, milliseconds away) {
  if (!server_->up()) return;
  oracle_.tell(timeline_.now(), [&](Invariant& one) { one.server_will_end(*this); });
  server_->end(how);
  timeline_.after(away, [this] { start_server(); });
}

Device& World::add_clone(Device& of) {
  DeviceOptions options = of.options();
  options.machine = of.id() + "-clone-" + std::to_string(devices_.size());
  options.address = "10.0.2." + std::to_string(devices_.size());
  options.seed = random_.next();
  options.config.dir = folder_ / options.machine;
  of.copy_folder_to(options.config.dir);
  devices_.push_back(std::make_unique<Device>(timeline_, trace_, *server_, std::move(options)));
  watch(*devices_.back());
  devices_.back()->power_on();
  return *devices_.back();
}

void World::edit_settings(const std::function<void(model::Settings&)>& edit) {
  auto settings = std::make_shared<model::Settings>(server_->settings());
  edit(*settings);
  server_->apply_settings(std::move(settings));
}

std::optional<model::Job> World::running_job(const std::string& id) {
  if (!server_->up()) return std::nullopt;
  for (model::Job& job : server_->fleet()->jobs(id, 5)) {
    if (!model::is_final(job.state)) return std::move(job);
  }
  return std::nullopt;
}

}  // namespace ota::world

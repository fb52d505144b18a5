#include "world/acts.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/json.h"
#include "model/sample_image.h"
#include "world/acts_hostile.h"
#include "world/world.h"

namespace ota::world {
namespace {

using std::chrono::minutes;
using Then = World::Then;

Json push_body(World& world, const Act& act) {
  return {{"devices", Json::array({world.id_of(act)})}};
}

// A release of those that were ever published.
const PublishedImage& any_image(World& world, std::int64_t number) {
  auto image = world.images().begin();
  std::advance(image, number % static_cast<std::int64_t>(world.images().size()));
  return image->second;
}

void push_to(World& world, const Json& body) {
  world.operate(http::Method::kPost, "/v1/push", body);
}

// -- operators --

void push(World& world, const Act& act) {
  Json body = push_body(world, act);
  if (act.a % 3 == 0) body["again"] = true;
  push_to(world, body);
}

void push_newest(World& world, const Act& act) {
  Json body = push_body(world, act);
  body["version"] = world.newest().text();
  if (act.a % 2 == 0) body["again"] = true;
  push_to(world, body);
}

void push_any(World& world, const Act& act) {
  Json body = push_body(world, act);
  body["version"] = any_image(world, act.a).version.text();
  body["again"] = act.b % 2 == 0;
  push_to(world, body);
}

void push_all(World& world, const Act& act) {
  Json ids = Json::array();
  for (const auto& device : world.devices())
    ids.push_back(device->id());
  Json body{{"devices", ids}, {"version", world.newest().text()}};
  if (act.a % 4 == 0) body["override"] = "a hole has to be closed";
  push_to(world, body);
}

void override_gate(World& world, const Act& act) {
  Json body = push_body(world, act);
  body["version"] = world.newest().text();
  body["override"] = "a hole has to be closed";
  push_to(world, body);
}

void publish(World& world, const Act& act) {
  if (!world.server().up()) return;
  static constexpr std::array<model::ReleaseClass, 3> kClasses{model::ReleaseClass::kFunctional,
                                                               model::ReleaseClass::kSecurity,
                                                               model::ReleaseClass::kRemediation};
  const bool one_model = act.b % 5 == 0;
  world.publish(kClasses[static_cast<std::size_t>(act.a) % 3], act.a / 3 % 4 != 0,
                act.a / 12 % 5 == 0,
                one_model ? std::optional(world.hardware_of(act.device)) : std::nullopt);
}

void unpublish(World& world, const Act& act) {
  if (!world.server().up() || world.images().empty()) return;
  const model::Version& version = any_image(world, act.a).version;
  const bool gone = world.server().unpublish(version).has_value();
  world.trace().add("world", "removes " + version.text() + (gone ? "" : ", in vain"));
}

void cancel(World& world, const Act& act) {
  if (const auto job = world.running_job(world.id_of(act)))
    world.order("/v1/jobs/" + job->id + "/cancel");
}

void push_and_cancel(World& world, const Act& act) {
  Json body = push_body(world, act);
  body["version"] = world.newest().text();
  body["again"] = true;
  const milliseconds after(act.b % 20'000);
  world.operate(http::Method::kPost, "/v1/push", body, [&world, after](const http::Response& said) {
    const auto answer = parse_json(said.body);
    if (said.status != 200 || !answer) return;
    const std::string job = (*answer)["results"][0].value("job", "");
    if (job.empty()) return;
    world.timeline().after(after, [&world, job] { world.order("/v1/jobs/" + job + "/cancel"); });
  });
}

void roll_back(World& world, const Act& act) {
  world.order("/v1/devices/" + world.device(act.device).id() + "/rollback");
}

// Until somebody thinks better of it.
void stop_all(World& world, const Act& act) {
  world.operate(http::Method::kPost, "/v1/stop", {{"reason", "something is wrong"}});
  world.timeline().after(milliseconds(act.a % 300'000), [&world] { world.order("/v1/resume"); });
}

void acknowledge(World& world, const Act& act) {
  world.order("/v1/devices/" + world.device(act.device).id() + "/acknowledge");
}

void revoke(World& world, const Act& act) {
  Device& device = world.device(act.device);
  world.order("/v1/devices/" + device.id() + "/revoke");
  if (act.a % 3 == 0) return;
  world.timeline().after(milliseconds(act.b % 300'000), [&world, &device] {
    if (!world.calm()) world.enrol(device, Device::Identity::kNew);
  });
}

void enrol_again(World& world, const Act& act) {
  world.enrol(world.device(act.device),
              act.a % 2 == 0 ? Device::Identity::kKept : Device::Identity::kNew);
}

// One code for two devices: only one of them may get in with it.
void code_for_two(World& world, const Act& act) {
  Device& device = world.device(act.device);
  Device& other = world.device(act.device + 1);
  world.operate(http::Method::kPost, "/v1/enrolments", {{"device", device.id()}},
                [&world, &device, &other](const http::Response& said) {
                  const auto answer = parse_json(said.body);
                  if (said.status != 201 || !answer) return;
                  const auto code = (*answer)["code"].get<std::string>();
                  world.give_code(device, code, Device::Identity::kKept);
                  world.give_code(other, code, Device::Identity::kNew);
                });
}

void unlist(World& world, const Act& act) {
  const std::string id = world.device(act.device).id();
  world.edit_settings([&id](model::Settings& settings) {
    std::erase_if(settings.whitelist.devices, [&id](const auto& spec) { return spec.id == id; });
  });
  world.timeline().after(milliseconds(act.b % 600'000), [&world, id, number = act.device] {
    world.edit_settings([&](model::Settings& settings) {
      if (settings.whitelist.find(id) != nullptr) return;
      settings.whitelist.devices.push_back(
          {id, world.hardware_of(number % world.plan().devices), "default", ""});
      std::ranges::sort(settings.whitelist.devices, {}, &model::DeviceSpec::id);
    });
  });
}

void edit_target(World& world, const Act&) {
  world.edit_settings(
      [&world](model::Settings& settings) { settings.ota.target_version = world.newest(); });
}

void edit_thresholds(World& world, const Act& act) {
  world.edit_settings([&act](model::Settings& settings) {
    settings.thresholds.cpu_threshold = static_cast<double>(40 + act.a % 60);
    settings.thresholds.stale_after = seconds(10 + act.b % 60);
  });
}

// From one image a day to three and a half.
void edit_budget(World& world, const Act& act) {
  const std::uint64_t image = model::sample_image(world.newest()).size();
  world.edit_settings([&act, image](model::Settings& settings) {
    settings.ota.data_budget.bytes_per_day = image * (2 + static_cast<unsigned>(act.a % 6)) / 2;
  });
}

// -- what breaks --

void kill_server(World& world, const Act& act) {
  world.end_server(Server::End::kKill, milliseconds(act.a % 60'000));
}

void cut_server(World& world, const Act& act) {
  world.end_server(Server::End::kPowerCut, milliseconds(act.a % 300'000));
}

void restart_server(World& world, const Act& act) {
  world.end_server(Server::End::kOrderly, milliseconds(act.a % 20'000));
}

// At the moment when something is not on disk yet, where there is one soon.
void cut_server_writing(World& world, const Act& act) {
  const auto tries = std::make_shared<int>(0);
  const auto look = std::make_shared<std::function<void()>>();
  *look = [&world, act, tries, weak = std::weak_ptr(look)] {
    const auto again = weak.lock();
    if (world.calm() || !world.server().up() || !again) return;
    if (world.server().disk().unsynced() > 0 || ++*tries > 2000) {
      world.end_server(Server::End::kPowerCut, milliseconds(act.a % 30'000));
      return;
    }
    world.timeline().after(milliseconds(5), [again] { (*again)(); });
  };
  (*look)();
}

void fill_disk(World& world, const Act& act) {
  world.server().disk().set_full(true);
  world.timeline().after(milliseconds(act.a % 300'000),
                         [&world] { world.server().disk().set_full(false); });
}

void cut_device(World& world, const Act& act) {
  Device& device = world.device(act.device);
  device.power_cut();
  world.timeline().after(milliseconds(act.a % 120'000), [&device] { device.power_on(); });
}

// Whenever its power goes, somebody turns it on again.
void turn_on_again(World& world, Device& device) {
  for (int i = 1; i <= 60; ++i)
    world.timeline().after(milliseconds(20'000) * i, [&device] { device.power_on(); });
}

void cut_device_writing(World& world, const Act& act) {
  Device& device = world.device(act.device);
  device.cut_at_step(static_cast<std::uint64_t>(act.a % 60));
  turn_on_again(world, device);
}

// At the n-th step of the disk at which something is not on it yet.
void disk_cut(World& world, const Act& act) {
  Device& device = world.device(act.device);
  device.cut_unsynced(static_cast<std::uint64_t>(act.a % 40));
  turn_on_again(world, device);
}

void cut_every_start(World& world, const Act& act) {
  Device& device = world.device(act.device);
  for (int i = 0; i < 4; ++i) {
    const milliseconds at(i * (20'000 + act.a % 20'000));
    world.timeline().after(at, [&world, &device] {
      if (!world.calm()) device.power_cut();
    });
    world.timeline().after(at + milliseconds(5000), [&device] { device.power_on(); });
  }
}

void part(World& world, const Act& act) {
  Device& device = world.device(act.device);
  device.link().set_up(false);
  world.timeline().after(milliseconds(act.a % 600'000), [&device] { device.link().set_up(true); });
}

void part_all(World& world, const Act& act) {
  for (const auto& device : world.devices())
    device->link().set_up(false);
  world.timeline().after(milliseconds(act.a % 120'000), [&world] {
    for (const auto& device : world.devices())
      device->link().set_up(true);
  });
}

void move_device_clock(World& world, const Act& act) {
  static constexpr std::array<std::int64_t, 6> kBy{5, 90, 3600, 86400, 86400 * 40, 86400 * 400};
  const std::int64_t by = kBy[static_cast<std::size_t>(act.a) % kBy.size()];
  world.device(act.device).clock().jump(seconds(act.b % 2 == 0 ? by : -by));
}

void move_server_clock(World& world, const Act& act) {
  static constexpr std::array<std::int64_t, 4> kBy{3, 40, 600, 7200};
  const std::int64_t by = kBy[static_cast<std::size_t>(act.a) % kBy.size()];
  // Before its authority was made no server starts: that is told, and no finding.
  NodeClock& clock = world.server().clock();
  const bool back = act.b % 2 != 0 && clock.wall() > kWorldBegins + seconds(by);
  clock.jump(seconds(back ? -by : by));
}

// -- what is copied, stolen and forged --

void clone(World& world, const Act& act) {
  Device& of = world.device(act.device);
  if (!of.enrolled() || world.devices().size() > world.plan().devices + 3) return;
  Device& copy = world.add_clone(of);
  world.timeline().after(minutes(1) + milliseconds(act.a % 600'000), [&copy] { copy.power_cut(); });
}

// A backup of the device's folder is put back later, as who restores an image of a disk does.
void restore(World& world, const Act& act) {
  Device& device = world.device(act.device);
  const auto backup = world.folder() / ("backup-" + std::to_string(act.at.count()));
  device.copy_folder_to(backup);
  world.timeline().after(milliseconds(act.a % 600'000), [&world, &device, backup] {
    if (world.calm()) return;
    device.power_cut();
    device.restore_folder_from(backup);
    device.power_on();
  });
}

// -- devices that are updated over DDI: act.device is the number of one --

void ddi_force_quit(World& world, const Act& act) {
  if (const auto job = world.running_job(world.id_of(act)))
    world.order("/v1/jobs/" + job->id + "/force-quit");
}

void ddi_cut(World& world, const Act& act) {
  DdiClient& client = world.ddi(act.device);
  client.power_cut();
  world.timeline().after(milliseconds(act.a % 300'000), [&client] { client.power_on(); });
}

void ddi_part(World& world, const Act& act) {
  DdiClient& client = world.ddi(act.device);
  client.link().set_up(false);
  world.timeline().after(milliseconds(act.a % 600'000), [&client] { client.link().set_up(true); });
}

// The old one is worth nothing from then on; the new one comes to the device a while later.
void ddi_token(World& world, const Act& act) {
  world.give_token(world.ddi(act.device), milliseconds(act.a % 120'000));
}

void ddi_revoke(World& world, const Act& act) {
  DdiClient& client = world.ddi(act.device);
  world.order("/v1/devices/" + client.id() + "/revoke");
  world.timeline().after(milliseconds(act.b % 300'000), [&world, &client] {
    if (!world.calm()) world.give_token(client, milliseconds(0));
  });
}

void type_a_line(World& world, const Act& act) {
  const std::string id = world.device(act.device).id();
  switch (act.a % 10) {
    case 0:
      return world.type({"push", id, "--version", world.newest().text(), "--yes"});
    case 1:
      return world.type({"push", id, "--dry-run"});
    case 2:
      return world.type({"device", id});
    case 3:
      return world.type({"status"});
    case 4:
      return world.type({"acknowledge", id});
    case 5:
    case 6:
      return world.type({"jobs"});
    default:
      return world.type({"devices"});
  }
}

// As who saves the state of a server and puts it back after something went wrong.
void import_state(World& world, const Act& act) {
  world.send(http::Method::kGet, "/v1/state/export", "", [&world, act](const http::Response& said) {
    if (said.status != 200) return;
    world.timeline().after(milliseconds(act.a % 600'000), [&world, state = said.body] {
      if (!world.calm()) world.send(http::Method::kPost, "/v1/state/import", state);
    });
  });
}

// -- a device with a second disk, on which a DDI client is --

void switch_to_ddi(World& world, const Act& act) {
  world.switch_to_ddi(act.device, act.a % 2 == 0 ? World::Choice::kWritten : World::Choice::kNone);
}

void switch_to_agent(World& world, const Act& act) {
  world.switch_to_agent(act.device,
                        act.a % 2 == 0 ? World::Choice::kWritten : World::Choice::kNone);
}

using enum ActKind::Group;

constexpr std::array kActKinds{
    ActKind{"push", "the target version to a device", 4, true, push},
    ActKind{"push-newest", "the newest release to a device", 6, true, push_newest},
    ActKind{"push-any", "any release ever published to a device", 2, false, push_any},
    ActKind{"push-all", "the newest release to all", 1, false, push_all},
    ActKind{"override", "the newest release with an operator's reason", 2, false, override_gate},
    ActKind{"publish", "a new release: healthy or not, with a floor or not", 3, true, publish},
    ActKind{"unpublish", "takes a release back", 1, false, unpublish},
    ActKind{"cancel", "the device's running job", 3, false, cancel},
    ActKind{"push-and-cancel", "an update that is cancelled within 20 s", 3, false,
            push_and_cancel},
    ActKind{"roll-back", "a device to its other slot", 2, false, roll_back},
    ActKind{"stop-all", "all updates, for a while", 1, false, stop_all},
    ActKind{"acknowledge", "a device's words", 1, false, acknowledge},
    ActKind{"revoke", "a device; often it is let in anew", 1, false, revoke},
    ActKind{"enrol-again", "a new code, with the same key or another", 1, false, enrol_again},
    ActKind{"code-for-two", "one code at two devices", 1, false, code_for_two},
    ActKind{"unlist", "takes a device off the whitelist for a while", 1, false, unlist},
    ActKind{"edit-target", "the newest release is the target", 1, false, edit_target},
    ActKind{"edit-thresholds", "other limits", 1, false, edit_thresholds},
    ActKind{"edit-budget", "a data budget of one image or a few", 1, false, edit_budget},
    ActKind{"kill-server", "kill -9, and a start within a minute", 2, false, kill_server},
    ActKind{"cut-server", "the server's power fails", 2, false, cut_server},
    ActKind{"cut-server-writing", "the same while something is not synced", 3, false,
            cut_server_writing},
    ActKind{"restart-server", "in order", 1, false, restart_server},
    ActKind{"fill-disk", "the server's disk is full for a while", 1, false, fill_disk},
    ActKind{"cut-device", "a device's power fails", 3, false, cut_device},
    ActKind{"cut-device-writing", "the same at a step of its disk", 4, false, cut_device_writing},
    ActKind{"cut-every-start", "its power fails again and again", 1, false, cut_every_start},
    ActKind{"part", "a device is cut off the network", 2, false, part},
    ActKind{"part-all", "all are", 1, false, part_all},
    ActKind{"move-device-clock", "seconds to more than a year, either way", 1, false,
            move_device_clock},
    ActKind{"move-server-clock", "up to two hours, either way", 1, false, move_server_clock},
    ActKind{"clone", "a device's folder runs on a second machine", 1, false, clone},
    ActKind{"restore", "an old copy of a device's folder is put back", 1, false, restore},
    ActKind{"forge-report", "a device reports on another one's job", 1, false, forge_report},
    ActKind{"claim-success", "a device reports success before it is one", 1, false, claim_success},
    ActKind{"ddi-push", "the newest release to a device over DDI", 6, true, push_newest, kDdi},
    ActKind{"ddi-push-any", "any release ever published to one", 2, false, push_any, kDdi},
    ActKind{"ddi-cancel", "its running job", 3, false, cancel, kDdi},
    ActKind{"ddi-force-quit", "its running job, without its word", 1, false, ddi_force_quit, kDdi},
    ActKind{"ddi-cut", "its power fails", 4, false, ddi_cut, kDdi},
    ActKind{"ddi-part", "it is cut off the network", 2, false, ddi_part, kDdi},
    ActKind{"ddi-token", "another token, which comes to it later", 1, false, ddi_token, kDdi},
    ActKind{"ddi-revoke", "it is revoked, and given a token again", 1, false, ddi_revoke, kDdi},
    ActKind{"disk-cut", "a device's power fails while something is not synced", 1, true, disk_cut,
            kDisk},
    ActKind{"ddi-forge", "a DDI client feeds back on actions of others", 2, true, ddi_forge,
            kHostileDdi},
    ActKind{"ddi-contradict", "it feeds back anything on its own, again and again", 2, true,
            ddi_contradict, kHostileDdi},
    ActKind{"ddi-ask-again", "it asks for what has ended", 2, true, ddi_ask_again, kHostileDdi},
    ActKind{"ddi-absurd", "bodies that no client sends, at every route", 1, true, ddi_absurd,
            kHostileDdi},
    ActKind{"switch-to-ddi", "a device's agent gives way to a DDI client", 2, true, switch_to_ddi,
            kSwitch},
    ActKind{"switch-to-agent", "and the other way round", 2, true, switch_to_agent, kSwitch},
    ActKind{"import-state", "an exported state is put back later", 1, true, import_state, kImport},
    ActKind{"otactl", "a line that an operator types", 1, true, type_a_line, kOtactl},
    ActKind{"take-over", "a thief answers a device in the server's place for a while", 1, true,
            take_over, kThief},
};

}  // namespace

std::span<const ActKind> act_kinds() {
  return kActKinds;
}

const ActKind* find_act(std::string_view name) {
  name = name.substr(0, name.find('@'));
  const auto found = std::ranges::find(kActKinds, name, &ActKind::name);
  return found == kActKinds.end() ? nullptr : &*found;
}

}  // namespace ota::world

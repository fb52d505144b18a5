#include "world/acts_hostile.h"

#include <array>
#include <string>

#include "base/json.h"
#include "world/world.h"

namespace ota::world {
namespace {

// What a device that is in says with its own certificate, whatever its agent does.
void say_of_job(World& world, const Device& liar, const std::string& job, const Act& act,
                const std::string& state, const std::string& detail) {
  const auto told = world.server().fleet()->detail(liar.id());
  if (!told || !told->record) return;
  Request request;
  request.method = http::Method::kPost;
  request.target = "/v1/jobs/" + job + "/report";
  request.body = dump_json(
      Json{{"seq", act.b % 3000}, {"state", state}, {"detail", detail}, {"percent", 100}});
  request.peer.role = http::Role::kDevice;
  request.peer.name = liar.id();
  request.peer.serial = told->record->certificate_serial;
  request.peer.address = "10.0.3.1";
  world.server().ask(request, [&world, state](const http::Response& answer) {
    world.trace().add("liar", "says " + state + " -> " + std::to_string(answer.status));
  });
}

// What a DDI client says with its own token.
void say_over_ddi(World& world, DdiClient& client, http::Method method, const std::string& target,
                  std::string body) {
  if (!world.server().up()) return;
  Request request = client.signed_in();
  request.method = method;
  request.target = target;
  request.body = std::move(body);
  world.server().ask(request, [&world, request](const http::Response& answer) {
    world.trace().add("liar", request.target + " -> " + std::to_string(answer.status));
    world.oracle().tell(world.timeline().now(),
                        [&](Invariant& one) { one.answered(world, nullptr, request, answer); });
  });
}

std::string feedback_body(const std::string& execution, const std::string& finished,
                          const std::string& detail) {
  return dump_json(Json{{"id", "1"},
                        {"status",
                         {{"execution", execution},
                          {"result", {{"finished", finished}}},
                          {"details", Json::array({detail})}}}});
}

std::string own_path(const DdiClient& client) {
  return "/default/controller/v1/" + client.id();
}

}  // namespace

void forge_report(World& world, const Act& act) {
  static constexpr std::array<const char*, 4> kSaid{"succeeded", "failed", "cancelled",
                                                    "downloading"};
  const Device& victim = world.device(act.device);
  const Device& liar = world.device(act.device + 1);
  const auto job = world.running_job(victim.id());
  if (job && victim.id() != liar.id())
    say_of_job(world, liar, job->id, act, kSaid[static_cast<std::size_t>(act.a) % kSaid.size()],
               "forged");
}

// A success that is none, while the update is on its way.
void claim_success(World& world, const Act& act) {
  const Device& liar = world.device(act.device);
  for (int i = 0; i < 40; ++i) {
    world.timeline().after(milliseconds(3000) * i, [&world, &liar, act] {
      const auto job = world.running_job(liar.id());
      if (!job || job->state == model::JobState::kQueued || world.calm()) return;
      Act now = act;
      now.b = static_cast<std::int64_t>(job->report_seq) + 1;
      say_of_job(world, liar, job->id, now, "succeeded", "claimed");
    });
  }
}

void ddi_forge(World& world, const Act& act) {
  static constexpr std::array<const char*, 4> kSaid{"closed", "canceled", "rejected", "proceeding"};
  DdiClient& liar = world.ddi(act.device);
  // Of another DDI client, or of a device with an agent.
  const std::string victim = act.b % 2 == 0 ? world.ddi(act.device + 1).id()
                                            : world.device(static_cast<std::size_t>(act.a)).id();
  const auto job = world.running_job(victim);
  if (!job || victim == liar.id()) return;
  const std::string action = std::to_string(model::ddi_action_of(model::ddi_job_number(job->id)));
  const std::string body = feedback_body(kSaid[static_cast<std::size_t>(act.a) % kSaid.size()],
                                         act.a % 3 == 0 ? "failure" : "success", "forged");
  for (const char* route : {"/deploymentBase/", "/cancelAction/"}) {
    for (std::string path : {own_path(liar), "/default/controller/v1/" + victim}) {
      path.append(route).append(action).append("/feedback");
      say_over_ddi(world, liar, http::Method::kPost, path, body);
    }
  }
  // And what it is told of the other's action.
  say_over_ddi(world, liar, http::Method::kGet, own_path(liar) + "/deploymentBase/" + action, "");
}

void ddi_contradict(World& world, const Act& act) {
  static constexpr std::array<const char*, 7> kSaid{
      "closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "download"};
  static constexpr std::array<const char*, 3> kEnds{"success", "failure", "none"};
  DdiClient& liar = world.ddi(act.device);
  liar.lies();
  Random random(static_cast<std::uint64_t>(act.a) << 20 | static_cast<std::uint64_t>(act.b));
  for (int i = 0; i < 12; ++i) {
    const std::string execution = kSaid[random.below(kSaid.size())];
    const std::string finished = kEnds[random.below(kEnds.size())];
    const bool to_cancel = random.chance(0.3);
    world.timeline().after(
        random.between(milliseconds(0), milliseconds(60'000)), [=, &world, &liar] {
          const auto job = world.running_job(liar.id());
          if (!job || world.calm()) return;
          say_over_ddi(world, liar, http::Method::kPost,
                       own_path(liar) + (to_cancel ? "/cancelAction/" : "/deploymentBase/") +
                           std::to_string(model::ddi_action_of(model::ddi_job_number(job->id))) +
                           "/feedback",
                       feedback_body(execution, finished, "claimed"));
        });
  }
}

void ddi_ask_again(World& world, const Act& act) {
  DdiClient& client = world.ddi(act.device);
  if (!world.server().up()) return;
  for (const model::Job& job : world.server().fleet()->jobs(client.id(), 5)) {
    say_over_ddi(world, client, http::Method::kGet,
                 own_path(client) + "/deploymentBase/" +
                     std::to_string(model::ddi_action_of(model::ddi_job_number(job.id))),
                 "");
  }
}

void ddi_absurd(World& world, const Act& act) {
  DdiClient& liar = world.ddi(act.device);
  liar.lies();  // one of these takes back what it said of its version
  const auto job = world.running_job(liar.id());
  const std::string action =
      job ? std::to_string(model::ddi_action_of(model::ddi_job_number(job->id)))
          : std::to_string(act.a);
  const std::array<std::string, 8> bodies{
      "",
      "[]",
      "{",
      std::string(200, '['),
      R"({"status":{"execution":7,"result":{"finished":[]},"details":"x"}})",
      R"({"status":{"execution":"closed"}})",
      R"({"mode":"merge","data":{"a":{"b":[1,2,{"c":null}]},"version":-1e999}})",
      R"({"mode":"replace","data":{"hw":")" + std::string(70'000, 'x') + R"("}})"};
  const std::array<std::string, 3> actions{action, "0", "99999999999999999999"};
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const std::string& which = actions[(i + static_cast<std::size_t>(act.b)) % actions.size()];
    say_over_ddi(world, liar, http::Method::kPost,
                 own_path(liar) + "/deploymentBase/" + which + "/feedback", bodies[i]);
    say_over_ddi(world, liar, http::Method::kPost,
                 own_path(liar) + "/cancelAction/" + which + "/feedback", bodies[i]);
    say_over_ddi(world, liar, http::Method::kPut, own_path(liar) + "/configData", bodies[i]);
  }
}

void take_over(World& world, const Act& act) {
  Device& device = world.device(act.device);
  world.thief().take_over(true);
  device.link().set_tap(&world.thief());
  world.timeline().after(milliseconds(60'000 + act.a % 600'000),
                         [&device] { device.link().set_tap(nullptr); });
}

}  // namespace ota::world

// What a world has of devices that are updated over DDI, also of those whose agent gives way to such
// a client (world.h).
#include <algorithm>

#include "base/digest.h"
#include "model/sample_image.h"
#include "world/world.h"

namespace ota::world {

DdiOptions World::ddi_options(std::size_t number) const {
  Random random(plan_.seed, "ddi-device", number);
  DdiOptions out;
  out.id = "w-" + std::to_string(number);
  out.address = "10.0.4." + std::to_string(number + 1);
  out.seed = random.next();
  out.faults = plan_.link;
  out.fastest_boot = plan_.fastest_boot;
  out.slowest_boot = plan_.slowest_boot;
  out.factory = {model::kFactoryVersion, sha256_hex(model::sample_image(model::kFactoryVersion))};
  out.tells =
      random.chance(0.5) ? DdiOptions::Tells::kAfterRestart : DdiOptions::Tells::kBeforeRestart;
  out.says_version = random.chance(0.7);
  out.is_healthy = [this](const std::string& sha256) {
    const auto image = images_.find(sha256);
    return image != images_.end() && image->second.healthy;
  };
  return out;
}

// One that tells what became of an update, and its version: what it says can be looked at.
DdiOptions World::second_disk_options(const Device& device) const {
  DdiOptions out = ddi_options(0);
  out.id = device.id();
  out.address = "10.0.5." + device.id().substr(2);
  out.seed = Random(plan_.seed, "second-disk" + device.id()).next();
  out.tells = DdiOptions::Tells::kAfterRestart;
  out.says_version = true;
  return out;
}

std::vector<const DdiClient*> World::all_ddi_clients() const {
  std::vector<const DdiClient*> out;
  std::ranges::transform(ddi_, std::back_inserter(out), &std::unique_ptr<DdiClient>::get);
  for (const auto& [id, client] : second_disks_)
    out.push_back(client.get());
  return out;
}

DdiClient* World::second_disk(const std::string& id) const {
  const auto found = second_disks_.find(id);
  return found == second_disks_.end() ? nullptr : found->second.get();
}

void World::choose_client(const std::string& id, const char* by) {
  operate(http::Method::kPost, "/v1/devices/" + id + "/ddi-use", {{"by", by}});
}

void World::switch_to_ddi(std::size_t number, Choice choice) {
  Device& device = this->device(number);
  auto& client = second_disks_[device.id()];
  if (!client) {
    client = std::make_unique<DdiClient>(timeline_, trace_, *server_, second_disk_options(device));
    watch(*client);
  }
  device.shelve(true);
  give_token(*client, milliseconds(0));
  if (choice == Choice::kWritten) choose_client(device.id(), "ddi");
  client->power_on();
}

void World::switch_to_agent(std::size_t number, Choice choice) {
  Device& device = this->device(number);
  DdiClient* client = second_disk(device.id());
  if (client == nullptr) return;
  client->power_cut();
  device.shelve(false);
  device.power_on();
  choose_client(device.id(), choice == Choice::kWritten ? "agent" : "who-asks");
}

bool World::is_ddi(const std::string& id) const {
  return std::ranges::any_of(ddi_, [&id](const auto& client) { return client->id() == id; });
}

void World::give_token(DdiClient& client, milliseconds late) {
  operate(http::Method::kPost, "/v1/devices/" + client.id() + "/ddi-token", Json::object(),
          [this, &client, late](const http::Response& answer) {
            const auto said = parse_json(answer.body);
            if (answer.status / 100 != 2 || !said || !said->contains("token")) return;
            timeline_.after(late, [&client, token = (*said)["token"].get<std::string>()] {
              client.use_token(token);
            });
          });
}

void World::watch(DdiClient& client) {
  client.link().answered = [this](const Request& asked, const http::Response& answer) {
    oracle_.tell(timeline_.now(),
                 [&](Invariant& one) { one.answered(*this, nullptr, asked, answer); });
  };
}

}  // namespace ota::world

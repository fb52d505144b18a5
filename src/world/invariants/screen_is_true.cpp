// The console's screen says nothing of a device or a job that is not so: it is drawn at drawn moments,
// as a terminal would show it, and its text is read.
//
// A version must be one that the device had; who is shown as heard of has had power lately; a line
// about a job has that job's device, version and state; a success is of what the device runs or ran.
#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "console/views/scene.h"
#include "world/invariants/all.h"
#include "world/otactl.h"
#include "world/world.h"

namespace ota::world {
namespace {

// Longer than any age from which on a device counts as not heard of.
constexpr std::chrono::minutes kLongDark{3};

std::vector<std::string> words_of(const std::string& row) {
  std::istringstream in(row);
  std::vector<std::string> words;
  for (std::string word; in >> word;)
    words.push_back(std::move(word));
  return words;
}

bool is_state(const std::string& word) {
  return std::ranges::any_of(fleet::kDeviceStateWords,
                             [&word](const auto& known) { return known.second == word; });
}

class ScreenIsTrue final : public Invariant {
  void lost_power(World& world, const Device& device) override {
    dark_[device.machine()] = world.timeline().now();
  }
  void booted(World&, const Device& device) override { dark_.erase(device.machine()); }

  void look(World& world) override {
    if (!random_) random_.emplace(world.plan().seed, "screen");
    if (!random_->chance(0.15)) return;
    console::Model model;
    model.fleet = world.server().fleet()->snapshot();
    model.agents = std::make_shared<const console::Agents>();
    model.server.phase = model::ServerStatus::Phase::kUp;
    model.now = world.server().clock().wall();
    console::UiState state;
    state.view = static_cast<console::View>(random_->below(console::kViewCount));
    state.device = world.device(random_->below(world.plan().devices)).id();
    model.detail = world.server().fleet()->detail(state.device);
    console::arrange(model, state);
    const console::Size size{random_->chance(0.5) ? 120 : 200, 50};
    const console::Canvas canvas = draw_screen(model, state, size, {});
    const bool updates = state.view == console::View::kUpdates;
    const bool devices =
        state.view == console::View::kSummary || state.view == console::View::kDevice;
    for (int y = 0; (updates || devices) && y < size.rows; ++y) {
      const auto words = words_of(canvas.row(y));
      updates ? read_job(world, *model.fleet, words) : read_device(world, *model.fleet, words);
    }
  }

  // The same of what otactl prints: "d-0 ONLINE stable 3 v2.1.4 …", "job-000001 d-0 v2.1.5 booting …".
  // What was true when it asked may have changed by now, but no version was ever had that is printed.
  void typed(World& world, const Typed& typed) override {
    if (typed.exit == static_cast<int>(cli::ExitCode::kUsage))
      return breaks("otactl does not understand: " + typed.words.front());
    if (typed.exit != 0 || typed.words.front() != "devices") return;
    std::istringstream lines(typed.out);
    for (std::string line; std::getline(lines, line);) {
      const auto words = words_of(line);
      if (words.size() < 5 || !is_state(words[1]) || !words[4].starts_with("v")) continue;
      look_at_version(world, words[0], words[4]);
    }
  }

  // "▸ iot-002 [MODEL GROUP] BLOCKED v2.1.4 91 …", at the row's beginning.
  void read_device(World& world, const fleet::Snapshot& fleet,
                   const std::vector<std::string>& words) {
    const auto id = std::find_if(words.begin(), words.begin() + std::min<long>(2, ssize(words)),
                                 [&](const auto& word) { return fleet.find(word) != nullptr; });
    const auto state = std::find_if(id, words.end(), is_state);
    if (state == words.end() || state + 1 == words.end()) return;
    if ((state + 1)->starts_with("v")) look_at_version(world, *id, *(state + 1));
    if (*state == to_text(fleet::DeviceState::kOnline)) look_at_online(world, *id);
  }

  // "▸ job-000042 iot-004 v2.1.5 downloading …"
  void read_job(World& world, const fleet::Snapshot& fleet, const std::vector<std::string>& words) {
    for (std::size_t i = 0; i + 3 < words.size() && i < 2; ++i) {
      // What is told of the selected one has its own line, without a state at this place.
      if (!words[i].starts_with("job-") || !model::parse_job_state(words[i + 3])) continue;
      const auto known =
          std::ranges::find_if(fleet.jobs, [&](const auto& job) { return job->id == words[i]; });
      if (known == fleet.jobs.end())
        return breaks("the screen shows " + words[i] + ", which is not there");
      const model::Job& job = **known;
      const std::string said = words[i + 1] + " " + words[i + 2] + " " + words[i + 3];
      const std::string is = job.device + " " + job.release.version.label() + " " +
                             std::string(model::to_text(job.state));
      if (said != is) {
        std::string words_found = "the screen says of ";
        words_found.append(job.id).append(" ").append(said).append(": it is ").append(is);
        return breaks(words_found);
      }
      if (words[i + 3] == "succeeded") look_at_version(world, words[i + 1], words[i + 2]);
      return;
    }
  }

  void look_at_version(World& world, const std::string& id, const std::string& label) {
    const auto is_it = [&label](const model::Image& image) {
      return image.version.label() == label;
    };
    for (const DdiClient* client : world.all_ddi_clients()) {
      if (client->id() != id) continue;
      const bool at_its_word =
          client->has_lied() || (client->options().tells == DdiOptions::Tells::kBeforeRestart &&
                                 !client->options().says_version);
      if (at_its_word || std::ranges::any_of(client->ran(), is_it)) return;
    }
    for (const Device* machine : world.machines_of(id)) {
      if (std::ranges::any_of(machine->truth().confirmed,
                              [&](const Truth::Confirmed& one) { return is_it(one.image); }))
        return;
    }
    breaks("it is said that " + id + " has " + label + ", which it never had");
  }

  void look_at_online(World& world, const std::string& id) {
    const auto& machines = world.machines_of(id);
    if (machines.size() != 1 || world.second_disk(id) != nullptr) return;
    if (world.server().clock().off() != milliseconds(0)) return;  // its ages are of another time
    const auto dark = dark_.find(machines.front()->machine());
    if (dark != dark_.end() && world.timeline().now() - dark->second > kLongDark)
      breaks("the screen says that " + id + " is heard of, and it has no power");
  }

  std::optional<Random> random_;
  std::map<std::string, MonoTime> dark_;  // by machine: without power since
};

}  // namespace

std::unique_ptr<Invariant> screen_is_true() {
  return std::make_unique<ScreenIsTrue>();
}

}  // namespace ota::world

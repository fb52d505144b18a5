// What the operator asks of the backend: updates and the rest, each question before, each answer in
// the status row.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "console/export.h"
#include "console/ui.h"

namespace ota::console {

using Outcomes = std::vector<fleet::PushOutcome>;

// The marked devices, where the marks are seen; else that of the selected line. None where the line
// is of no device: one that was selected elsewhere is not on the screen.
std::vector<std::string> Ui::chosen_devices() {
  const ViewSpec& view = spec_of(state_.view);
  if (view.about == ViewSpec::About::kDevices && !state_.marked.empty())
    return {state_.marked.begin(), state_.marked.end()};
  if (view.device == nullptr) return {};
  return {view.device(model_, state_)};
}

void Ui::start_update(std::vector<std::string> devices,
                      const std::optional<model::Version>& version) {
  std::erase(devices, std::string());
  if (devices.empty()) return say("no device is selected here", Ink::kWarn);
  for (const std::string& device : devices) {
    if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  }
  if (!model_.fleet->store_writable) {
    return say("BLOCKED: state is not saved (" + model_.fleet->store_problem + ")", Ink::kBad);
  }
  const auto& releases = model_.fleet->releases;
  if (!releases || releases->empty()) {
    // Before it serves, the server has not read what is published.
    if (model_.server.phase == model::ServerStatus::Phase::kStarting)
      return say("the server is starting: what is published is not read yet", Ink::kWarn);
    return say("nothing is published: otactl firmware add FILE", Ink::kBad);
  }
  const fleet::DeviceRow* first = model_.fleet->find(devices.front());
  UpdateFlow flow(std::move(devices), releases, first->target);
  if (!version) {
    state_.update = std::move(flow);
    return;
  }
  const auto ask = flow.choose(*version);
  if (!ask) return say(flow.problem(), Ink::kBad);
  state_.update = std::move(flow);
  send(*ask);
}

void Ui::handle_update(const Key& key) {
  const auto ask = state_.update->handle(key);
  if (ask) send(*ask);
  if (state_.update && state_.update->step() == UpdateFlow::Step::kClosed) show_result();
}

void Ui::send(const UpdateFlow::Ask& ask) {
  const std::weak_ptr<int> alive = alive_;
  const unsigned ticket = ask.ticket;
  backend_.push(ask.request, Inbox::bring<Outcomes>(
                                 inbox_, [this, alive, ticket](const Result<Outcomes>& answer) {
                                   if (alive.expired() || !state_.update) return;
                                   state_.update->answered(ticket, answer);
                                   if (state_.update->step() == UpdateFlow::Step::kClosed)
                                     show_result();
                                 }));
}

void Ui::handle_sign(const Key& key) {
  const auto ask = state_.sign->handle(key);
  if (ask) {
    const std::weak_ptr<int> alive = alive_;
    backend_.sign(
        *ask, Inbox::bring<tuf::Outcome>(inbox_, [this, alive](const Result<tuf::Outcome>& answer) {
          if (alive.expired() || !state_.sign) return;
          state_.sign->answered(answer);
          if (state_.sign->step() == SignFlow::Step::kClosed) show_signed();
        }));
  }
  if (state_.sign && state_.sign->step() == SignFlow::Step::kClosed) show_signed();
}

void Ui::show_signed() {
  const auto outcome = state_.sign->outcome();
  state_.sign.reset();
  if (!outcome) return;
  std::string text = "SIGNED";
  for (const std::string& sentence : *outcome)
    text += (text.size() == 6 ? ": " : "; ") + sentence;
  say(text, Ink::kGood);
}

// The answer in the words that users know; of several devices the worst one's, with the count.
void Ui::show_result() {
  const auto result = state_.update->result();
  state_.update.reset();
  if (!result) return;  // left before anything was sent
  state_.marked.clear();
  if (!*result) return say(result->error().text(), Ink::kBad);
  const Outcomes& outcomes = **result;
  if (outcomes.empty()) return;
  const auto count = [&](model::Answer answer) {
    return std::count_if(outcomes.begin(), outcomes.end(),
                         [&](const auto& o) { return o.decision.answer == answer; });
  };
  const auto headline = [&](model::Answer answer) {
    for (const auto& outcome : outcomes) {
      if (outcome.decision.answer == answer) return outcome.decision.headline;
    }
    return std::string();
  };
  std::string text;
  for (const model::Answer answer :
       {model::Answer::kAllow, model::Answer::kBlock, model::Answer::kSkip}) {
    if (count(answer) == 0) continue;
    text += (text.empty() ? "" : ";  ") + headline(answer);
    if (outcomes.size() > 1) text += " (" + std::to_string(count(answer)) + ")";
  }
  const bool all_blocked = count(model::Answer::kAllow) == 0 && count(model::Answer::kBlock) > 0;
  say(text, all_blocked ? Ink::kBad : count(model::Answer::kAllow) > 0 ? Ink::kGood : Ink::kWarn);
}

fleet::Done Ui::report(const std::string& success) {
  const std::weak_ptr<int> alive = alive_;
  return Inbox::bring<void>(inbox_, [this, alive, success](const Result<void>& result) {
    if (alive.expired()) return;
    if (result) {
      say(success, Ink::kGood);
    } else {
      say(result.error().text(), Ink::kBad);
    }
  });
}

void Ui::confirm(std::string title, std::vector<std::string> lines, std::string verb,
                 std::function<void()> accept) {
  state_.question =
      Question{std::move(title), std::move(lines), std::move(verb), std::move(accept), false};
}

void Ui::cancel_job(const std::string& job) {
  const auto& jobs = model_.fleet->jobs;
  const auto found =
      std::find_if(jobs.begin(), jobs.end(), [&](const auto& known) { return known->id == job; });
  if (found == jobs.end()) return say("no job " + job, Ink::kBad);
  if (is_final((*found)->state))
    return say(job + " has ended: " + std::string(to_text((*found)->state)), Ink::kWarn);
  // A DDI device that was asked already, or is past the point where it listens.
  const bool deaf = (*found)->cancel_requested || (*found)->state > model::JobState::kInstalling;
  if ((*found)->ddi && deaf) {
    return confirm("End " + job + " here?",
                   {(*found)->device + " to " + (*found)->release.version.label() + ", now " +
                        std::string(to_text((*found)->state)),
                    "The device is not asked any more and may still install it."},
                   "End it",
                   [this, job] { backend_.force_quit(job, report(job + " ended here")); });
  }
  // One that nobody has fetched yet ends at once; else the device is asked, and may be too far.
  const bool at_once = (*found)->state == model::JobState::kQueued;
  const std::string success =
      at_once ? job + " cancelled" : (*found)->device + " is asked to stop " + job;
  confirm("Cancel " + job + "?",
          {(*found)->device + " to " + (*found)->release.version.label() + ", now " +
               std::string(to_text((*found)->state)),
           at_once ? "The device keeps the image that it runs."
                   : "The device is asked to stop, and answers whether it did."},
          "Cancel the job", [this, job, success] { backend_.cancel(job, report(success)); });
}

// Of several requests one answer: how many went through, and why the first of the others did not.
fleet::Done Ui::gather(const std::vector<std::string>& devices, const std::string& success) {
  if (devices.size() == 1) return report(success + " " + devices.front());
  struct Tally {
    std::size_t done = 0;
    std::size_t failed = 0;
    std::string why;
  };
  const auto tally = std::make_shared<Tally>();
  const std::weak_ptr<int> alive = alive_;
  const std::size_t all = devices.size();
  return Inbox::bring<void>(inbox_, [this, alive, tally, all, success](const Result<void>& result) {
    if (alive.expired()) return;
    ++(result ? tally->done : tally->failed);
    if (!result && tally->why.empty()) tally->why = result.error().text();
    if (tally->done + tally->failed < all) return;
    say(success + " " + std::to_string(tally->done) + " of " + std::to_string(all) + " devices" +
            (tally->why.empty() ? "" : "; " + tally->why),
        tally->failed == 0 ? Ink::kGood : Ink::kBad);
  });
}

void Ui::roll_back(const std::vector<std::string>& chosen) {
  std::vector<std::string> devices = chosen;
  std::erase(devices, std::string());
  if (devices.empty()) return say("no device is selected here", Ink::kWarn);
  for (const std::string& device : devices) {
    if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  }
  const std::size_t count = devices.size();
  if (count == 1) {
    const std::string device = devices.front();
    return confirm("Roll back " + device + "?",
                   {"It restarts into its other slot.", "A rollback is never gated."}, "Roll back",
                   [this, device, devices] {
                     backend_.rollback(device, gather(devices, "rollback requested of"));
                   });
  }
  constexpr std::size_t kNamed = 6;
  std::string names;
  for (std::size_t i = 0; i < std::min(count, kNamed); ++i)
    names += (names.empty() ? "" : ", ") + devices[i];
  if (count > kNamed) names += " and " + std::to_string(count - kNamed) + " more";
  confirm("Roll back " + std::to_string(count) + " devices?",
          {names, "Each restarts into its other slot.", "A rollback is never gated."}, "Roll back",
          [this, devices] {
            const fleet::Done done = gather(devices, "rollback requested of");
            for (const std::string& device : devices)
              backend_.rollback(device, done);
          });
}

void Ui::revoke(const std::string& device) {
  if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  confirm("Revoke " + device + "?",
          {"Its connections are cut within a second.", "It must be enrolled anew to come back."},
          "Revoke", [this, device] { backend_.revoke(device, report(device + " revoked")); });
}

// Of one device that has nothing to acknowledge it is said; of several only those that have are.
void Ui::acknowledge(const std::vector<std::string>& chosen) {
  std::vector<std::string> devices;
  for (const std::string& device : chosen) {
    const fleet::DeviceRow* row = model_.fleet->find(device);
    if (row == nullptr) return say("no device " + device, Ink::kBad);
    if (row->state == fleet::DeviceState::kFailed || row->state == fleet::DeviceState::kRollback)
      devices.push_back(device);
  }
  if (devices.empty()) {
    return say((chosen.size() == 1 ? chosen.front() + " has" : "they have") +
               " nothing to acknowledge");
  }
  const fleet::Done done = gather(devices, "acknowledged:");
  for (const std::string& device : devices)
    backend_.acknowledge(device, done);
}

void Ui::stop_updates(const std::string& reason) {
  if (reason.find_first_not_of(' ') == std::string::npos)
    return say("not stopped: say why, for those who meet it", Ink::kWarn);
  const std::weak_ptr<int> alive = alive_;
  backend_.stop(
      reason, Inbox::bring<fleet::StopOutcome>(
                  inbox_, [this, alive](const Result<fleet::StopOutcome>& stopped) {
                    if (alive.expired()) return;
                    if (!stopped) return say(stopped.error().text(), Ink::kBad);
                    const std::string asked =
                        "; " + std::to_string(stopped->cancelled) + " running asked to stop";
                    if (!stopped->unsaved.empty())
                      return say("STOPPED" + asked + ", NOT SAVED: " + stopped->unsaved, Ink::kBad);
                    say("STOPPED" + asked + "; ! lets updates start again", Ink::kWarn);
                  }));
}

void Ui::resume_updates() {
  if (model_.fleet->stop == nullptr) return say("updates are not stopped");
  const model::Stop& stop = *model_.fleet->stop;
  confirm("Let updates start again?",
          {"Stopped at " + time_of_day(stop.at) + " by " + stop.actor + ":", stop.reason,
           "What the stop cancelled has to be pushed again."},
          "Resume", [this] { backend_.resume(report("updates may start again")); });
}

// Why the server takes no other port: one that is up stays where its devices find it. Empty: it
// may.
std::string Ui::why_no_other_port() const {
  using Phase = model::ServerStatus::Phase;
  const model::ServerStatus& server = model_.server;
  if (server.phase == Phase::kUp || server.phase == Phase::kDraining) {
    return "the server is up; another port is for one that is down";
  }
  if (server.phase == Phase::kDown && !server.port_failed) {
    return "its port is not why the server is down";
  }
  return {};
}

void Ui::ask_for_port() {
  if (const std::string why = why_no_other_port(); !why.empty()) return say(why);
  constexpr unsigned kHighest = 65535;
  std::string proposed;
  if (settings_) {
    unsigned next = settings_->console.port + 1U;
    if (settings_->console.ddi.on && next == settings_->console.ddi.port) ++next;
    if (next <= kHighest) proposed = std::to_string(next);
  }
  open_prompt(Prompt::Kind::kPort, proposed);
}

void Ui::listen_on(const std::string& port) {
  if (const std::string why = why_no_other_port(); !why.empty()) return say(why);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) {
    return say("no port: " + port + "  (accepted: 1 to 65535)", Ink::kBad);
  }
  if (settings_ && settings_->console.ddi.on && number == settings_->console.ddi.port) {
    return say("port " + port + " is for DDI devices (ddi.listen in console.json)", Ink::kBad);
  }
  backend_.retry_on_port(number);
  say("trying port " + std::to_string(number) + " for this run; console.json stays as it is");
}

void Ui::start_demonstration() {
  if (model_.server.phase != model::ServerStatus::Phase::kUp) {
    return say("the server is not up", Ink::kWarn);
  }
  if (!fleet_empty(model_)) return say("the demonstration is for an empty fleet", Ink::kWarn);
  confirm("Start the demonstration?",
          {"config/ gets three devices and their agents; they run on this host.",
           "Two sample images are published, where there is none."},
          "Start",
          [this] { backend_.start_demonstration(report("the demonstration's agents start")); });
}

void Ui::order_agent(const std::string& agent, Backend::AgentOrder order) {
  const Agents& agents = *model_.agents;
  const bool known = std::any_of(agents.begin(), agents.end(),
                                 [&](const auto& other) { return other.id == agent; });
  if (!known) return say(agent.empty() ? "no agent here" : "no agent " + agent, Ink::kBad);
  backend_.order(agent, order);
  constexpr std::array<std::string_view, 3> kWords{"start", "stop", "restart"};
  say(std::string(kWords.at(static_cast<std::size_t>(order))) + " of " + agent + " ordered");
}

void Ui::copy() {
  const std::string text = copy_text({model_, state_, options_});
  if (text.empty()) return say("nothing to copy");
  effects_.push_back({Effect::Kind::kCopy, text});
  say("copied: " + text);
}

void Ui::export_to(const std::string& path) {
  if (path.empty()) return say("no file name", Ink::kWarn);
  backend_.write_file(path, export_text({model_, state_, options_}), report("written: " + path));
}

}  // namespace ota::console

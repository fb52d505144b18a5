// What the operator asks of the backend: updates and the rest, each question before, each answer in
// the status row.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "console/export.h"
#include "console/ui.h"

namespace ota::console {

using Outcomes = std::vector<fleet::PushOutcome>;

// The device that the selected line is of: a list of jobs, events or agents has a selection of its
// own, and the device that was selected elsewhere is not on the screen then.
std::string Ui::device_in_view() const {
  std::string device;
  if (state_.view == View::kUpdates && !model_.jobs.empty()) {
    device = model_.jobs[index_of(model_.jobs, state_.job).value_or(0)]->device;
  } else if (state_.view == View::kLog && !model_.events.empty()) {
    const auto index = index_of(model_.events, state_.log.selected);
    device = model_.events[index.value_or(model_.events.size() - 1)]->source;
  } else if (state_.view == View::kAgents) {
    device = state_.agent;
  }
  // A job's device is meant even where it is not known any more: the refusal names it.
  const bool known = state_.view == View::kUpdates || model_.fleet->find(device) != nullptr;
  return known && !device.empty() ? device : state_.device;
}

void Ui::update_chosen() {
  std::vector<std::string> devices(state_.marked.begin(), state_.marked.end());
  if (devices.empty()) devices.push_back(device_in_view());
  start_update(std::move(devices), std::nullopt);
}

void Ui::start_update(std::vector<std::string> devices,
                      const std::optional<model::Version>& version) {
  std::erase(devices, std::string());
  if (devices.empty()) return say("no device is selected", Ink::kWarn);
  for (const std::string& device : devices) {
    if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  }
  if (!model_.fleet->store_writable) {
    return say("BLOCKED: state is not saved (" + model_.fleet->store_problem + ")", Ink::kBad);
  }
  const auto& releases = model_.fleet->releases;
  if (!releases || releases->empty())
    return say("nothing is published: otactl firmware add FILE", Ink::kBad);
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
  confirm("Cancel " + job + "?",
          {(*found)->device + " to " + (*found)->release.version.label() + ", now " +
               std::string(to_text((*found)->state)),
           "The device keeps the image that it runs."},
          "Cancel the job", [this, job] { backend_.cancel(job, report(job + " cancelled")); });
}

void Ui::roll_back(const std::string& device) {
  if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  confirm("Roll back " + device + "?",
          {"It restarts into its other slot.", "A rollback is never gated."}, "Roll back",
          [this, device] {
            backend_.rollback(device, report("rollback of " + device + " requested"));
          });
}

void Ui::revoke(const std::string& device) {
  if (model_.fleet->find(device) == nullptr) return say("no device " + device, Ink::kBad);
  confirm("Revoke " + device + "?",
          {"Its connections are cut within a second.", "It must be enrolled anew to come back."},
          "Revoke", [this, device] { backend_.revoke(device, report(device + " revoked")); });
}

void Ui::acknowledge(const std::string& device) {
  const fleet::DeviceRow* row = model_.fleet->find(device);
  if (row == nullptr) return say("no device " + device, Ink::kBad);
  if (row->state != fleet::DeviceState::kFailed && row->state != fleet::DeviceState::kRollback) {
    return say(device + " has nothing to acknowledge");
  }
  backend_.acknowledge(device, report(device + " acknowledged"));
}

// Why the server takes no other port: one that is up stays where its devices find it. Empty: it
// may.
std::string Ui::why_no_other_port() const {
  using Phase = fleet::ServerStatus::Phase;
  const fleet::ServerStatus& server = model_.server;
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
  if (model_.server.phase != fleet::ServerStatus::Phase::kUp) {
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

#include "agents/poller.h"

#include <algorithm>
#include <utility>

namespace ota::agent {
namespace {

constexpr PollLimits kLimits;
constexpr milliseconds kPollPatience = kLimits.wait + milliseconds{15000};  // and a slow line
constexpr std::size_t kAnswerBytes = 262144;
constexpr milliseconds kLook{50};
constexpr int kLooks = 100;  // 5 s
constexpr unsigned kDisplaced = 409;

std::string query_of(const model::BootId& boot) {
  return "/v1/commands?wait=" + std::to_string(kLimits.wait / seconds(1)) + "&boot=" + boot.text();
}

}  // namespace

Poller::Poller(const http::ClientOptions& options, const model::BootId& boot, Engine& engine,
               Uplink& uplink, const Clock& clock, std::function<void(const std::string&)> say,
               const Runtime& runtime)
    : engine_(engine),
      uplink_(uplink),
      clock_(clock),
      say_(std::move(say)),
      query_(query_of(boot)),
      client_(runtime.connect(options)),
      pace_(kLimits, runtime.seed()),
      wake_(runtime.wait_point()) {}

void Poller::run() {
  // Not before the server knows what runs here: it would repeat what has just been done.
  while (uplink_.wait_for_facts()) {
    if (pause(poll())) return;
  }
}

milliseconds Poller::poll() {
  const MonoTime asked = clock_.mono();
  const auto commands = ask();
  if (!commands) return pace_.failed();
  if (commands->empty())
    return pace_.nothing(std::chrono::duration_cast<milliseconds>(clock_.mono() - asked));
  const unsigned changes = hand_over(*commands);
  return pace_.commands(changes, clock_.mono());
}

// Errors are for the pace alone: the uplink tells people about a server that is away.
Result<std::vector<Command>> Poller::ask() {
  const auto reply = client_->get(query_, kAnswerBytes, kPollPatience);
  if (!reply) return reply.error();
  if (reply->status == kDisplaced) {
    tell_once("another device polls with this one's identity: give one of them its own");
  } else if (reply->status == 200 || reply->status == 204) {
    told_.clear();
  }
  if (reply->status == 204) return std::vector<Command>();
  if (reply->status != 200)
    return fail(Errc::kUnavailable, "status " + std::to_string(reply->status));
  auto commands = parse_commands(reply->body);
  if (!commands) tell_once("commands refused: " + commands.error().text());
  return commands;
}

void Poller::tell_once(const std::string& problem) {
  if (problem != told_) say_(problem);
  told_ = problem;
}

// The server repeats a command until it is answered, so the next poll waits for the answer to be
// sent.
unsigned Poller::hand_over(const std::vector<Command>& commands) {
  unsigned changes = 0;
  for (const Command& command : commands) {
    if (engine_.command(command) == Engine::Effect::kChanged) ++changes;
  }
  for (int look = 0; look < kLooks; ++look) {
    if (pause(kLook) || !engine_.has_reports()) break;
  }
  return changes;
}

bool Poller::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return wake_->wait_for(lock, time, [this] { return stopped_; });
}

void Poller::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_->notify_all();
  client_->close();
}

}  // namespace ota::agent

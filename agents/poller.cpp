#include "agents/poller.h"

#include <random>

#include "agents/backoff.h"

namespace ota::agent {
namespace {

constexpr int kWaitSeconds = 30;
constexpr milliseconds kPollPatience{45000};  // the wait and a slow line
constexpr std::size_t kAnswerBytes = 262144;
constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30000};
constexpr milliseconds kLook{50};
constexpr int kLooks = 100;  // 5 s

}  // namespace

Poller::Poller(const http::ClientOptions& options, Engine& engine, Uplink& uplink,
               std::function<void(const std::string&)> say)
    : engine_(engine), uplink_(uplink), say_(std::move(say)), client_(options) {}

void Poller::run() {
  Backoff backoff(kFirstPause, kLongestPause, std::random_device{}());
  // Not before the server knows what runs here: it would repeat what has just been done.
  while (uplink_.wait_for_facts()) {
    const auto polled = poll();
    if (polled) {
      backoff.reset();
    } else if (pause(backoff.next())) {
      return;
    }
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
}

Result<void> Poller::poll() {
  const auto reply =
      client_.get("/v1/commands?wait=" + std::to_string(kWaitSeconds), kAnswerBytes, kPollPatience);
  if (!reply) return reply.error();  // the uplink tells people about a server that is away
  if (reply->status == 204) return {};
  if (reply->status != 200)
    return fail(Errc::kUnavailable, "status " + std::to_string(reply->status));
  const auto commands = parse_commands(reply->body);
  if (!commands) {
    say_("commands refused: " + commands.error().text());
    return commands.error();
  }
  hand_over(*commands);
  return {};
}

// The server repeats a command until it is answered, so the next poll waits for the answer to be
// sent.
void Poller::hand_over(const std::vector<Command>& commands) {
  for (const Command& command : commands)
    engine_.command(command);
  for (int look = 0; look < kLooks; ++look) {
    if (pause(kLook)) return;
    if (!engine_.has_reports()) return;
  }
}

bool Poller::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, time, [this] { return stopped_; });
}

void Poller::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  client_.close();
}

}  // namespace ota::agent

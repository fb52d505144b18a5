#include "api/command_polls.h"

#include <optional>
#include <utility>

#include "model/time_json.h"

namespace ota::api {

Json command_json(const fleet::Command& command, const std::string& word) {
  switch (command.kind) {
    case fleet::Command::Kind::kCancel:
      return {{"type", "cancel"}, {"job", command.job_id}, {"sha256", command.release.sha256}};
    case fleet::Command::Kind::kRollback: {
      Json out{{"type", "rollback"}};
      if (!command.from.empty()) out["from"] = command.from;
      if (!command.to.empty()) out["to"] = command.to;
      if (!word.empty()) out["word"] = word;
      return out;
    }
    case fleet::Command::Kind::kUpdate:
      break;
  }
  Json out{{"type", "update"},
           {"job", command.job_id},
           {"attempt", command.attempt},
           {"deadline", model::time_json(command.deadline)},
           {"release", command.release}};
  if (!word.empty()) out["word"] = word;
  return out;
}

void CommandPolls::poll(const std::string& device, seconds wait, const http::Responder& respond) {
  std::uint64_t ticket = 0;
  std::optional<http::Responder> replaced;
  {
    const MutexLock lock(mutex_);
    ticket = next_ticket_++;
    const MonoTime until = closed_ ? MonoTime{} : clock_.mono() + wait;
    Parked fresh{ticket, until, respond};
    const auto [found, added] = parked_.try_emplace(device, fresh);
    if (!added) {
      replaced = found->second.respond;
      found->second = std::move(fresh);
    }
  }
  // Not an empty answer, after which it would ask at once and displace this one: two devices with
  // one identity would spin. An error makes agents of every release wait, ever longer.
  if (replaced) {
    (*replaced)(http::Response::problem(409, "displaced", "another poll of this device came"));
  }
  respond.on_close([this, device, ticket] {
    const MutexLock lock(mutex_);
    const auto found = parked_.find(device);
    if (found != parked_.end() && found->second.ticket == ticket) parked_.erase(found);
  });
  ask(device, ticket);
}

void CommandPolls::ask(const std::string& device, std::uint64_t ticket) {
  fleet_.take_commands(device, [this, device,
                                ticket](const Result<std::vector<fleet::Command>>& commands) {
    if (!commands) return answer(device, ticket, http::Response::error(commands.error()));
    if (commands->empty()) return;
    Json list = Json::array();
    for (const fleet::Command& command : *commands) {
      // Whose agent knows no signed rollback is told none.
      const bool rollback = command.kind == fleet::Command::Kind::kRollback && !command.to.empty();
      const bool directed = (rollback || command.kind == fleet::Command::Kind::kUpdate) && direct_;
      list.push_back(command_json(command, directed ? direct_(device, command) : ""));
    }
    answer(device, ticket, http::Response::json({{"commands", std::move(list)}}));
  });
}

void CommandPolls::answer(const std::string& device, std::uint64_t ticket,
                          http::Response response) {
  std::optional<http::Responder> respond;
  {
    const MutexLock lock(mutex_);
    const auto found = parked_.find(device);
    if (found == parked_.end() || found->second.ticket != ticket) return;
    respond = std::move(found->second.respond);
    parked_.erase(found);
  }
  (*respond)(std::move(response));
}

void CommandPolls::wake(const std::string& device) {
  std::uint64_t ticket = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = parked_.find(device);
    if (found == parked_.end()) return;
    ticket = found->second.ticket;
  }
  ask(device, ticket);
}

void CommandPolls::end_overdue() {
  std::vector<http::Responder> over;
  {
    const MutexLock lock(mutex_);
    const MonoTime now = clock_.mono();
    for (auto it = parked_.begin(); it != parked_.end();) {
      if (closed_ || it->second.until <= now) {
        over.push_back(std::move(it->second.respond));
        it = parked_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const http::Responder& respond : over)
    respond(http::Response::no_content());
}

void CommandPolls::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  end_overdue();
}

}  // namespace ota::api

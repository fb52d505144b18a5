#include "world/thief.h"

#include <algorithm>
#include <array>
#include <utility>

#include "world/world.h"

namespace ota::world {
namespace {

constexpr std::size_t kMostKept = 200;
constexpr double kAlters = 0.4;       // of what he could, while he answers
constexpr double kAltersPiece = 0.1;  // of an image
constexpr const char* kOwnJobs = "job-900";

}  // namespace

Thief::Thief(Trace& trace, Server& server, Random random, Keys keys,
             const std::map<std::string, PublishedImage>& images)
    : trace_(trace), server_(server), random_(random), keys_(keys), images_(images) {}

void Thief::heard(const Request& asked, http::Reply& reply) {
  if (asked.target.starts_with("/tuf/metadata/")) return metadata(asked, reply);
  if (asked.target.starts_with("/v1/commands")) commands(asked, reply);
  // Of the jobs that he made up the server knows nothing; he takes the reports of them.
  if (on_ && reply.status == 404 && asked.target.starts_with(std::string("/v1/jobs/") + kOwnJobs)) {
    reply.status = 204;
    reply.body.clear();
  }
}

void Thief::metadata(const Request& asked, http::Reply& reply) {
  auto& seen = seen_[asked.target];
  if (reply.status == 200 && seen.size() < kMostKept &&
      (seen.empty() || seen.back() != reply.body)) {
    seen.push_back(reply.body);
  }
  if (!on_ || !random_.chance(kAlters)) return;
  switch (random_.below(4)) {
    case 0:  // as it was once
      if (seen.empty()) return;
      reply.status = 200;
      reply.body = random_.of(seen);
      break;
    case 1:  // another role's
      reply.status = 200;
      if (const auto& other =
              std::next(seen_.begin(), static_cast<long>(random_.below(seen_.size())))->second;
          !other.empty())
        reply.body = other.back();
      break;
    case 2:  // a byte is another
      if (reply.body.empty()) return;
      reply.body[random_.below(reply.body.size())] ^= 0x21;
      break;
    default:
      reply.status = 404;
      reply.body.clear();
  }
  trace_.add("thief", "alters " + asked.target);
}

// An update of a release that was signed, to this device, with a word of his own where he can make
// one, else with somebody else's.
Json Thief::update_for(const std::string& device) {
  const auto image = std::next(images_.begin(), static_cast<long>(random_.below(images_.size())));
  Json update{{"type", "update"},
              {"job", kOwnJobs + std::to_string(100 + random_.below(900))},
              {"attempt", 1}};
  const auto snapshot = server_.fleet()->snapshot();
  for (const model::Release& release : *snapshot->releases) {
    if (release.sha256 == image->first) update["release"] = release;
  }
  if (!update.contains("release")) return Json();
  if (has_keys()) {
    fleet::Command command;
    command.kind = fleet::Command::Kind::kUpdate;
    command.job_id = update["job"].get<std::string>();
    command.attempt = 1;
    command.release = update["release"].get<model::Release>();
    update["word"] = server_.directors_word(device, command);
  } else if (!told_.empty()) {
    update["word"] = random_.of(told_).value("word", "");
  }
  return update;
}

Json Thief::made_up(const std::string& device) {
  switch (random_.below(4)) {
    case 0:
      return told_.empty() ? Json() : random_.of(told_);  // somebody's, of some time
    case 1:
      return update_for(device);
    case 2:
      if (jobs_.empty()) return Json();
      return {{"type", "cancel"},
              {"job", *std::next(jobs_.begin(), static_cast<long>(random_.below(jobs_.size())))}};
    default:
      return {{"type", "rollback"},
              {"word", told_.empty() ? "" : random_.of(told_).value("word", "")}};
  }
}

void Thief::commands(const Request& asked, http::Reply& reply) {
  if (reply.status == 200) {
    if (const auto said = parse_json(reply.body); said && said->contains("commands")) {
      for (const Json& command : (*said)["commands"]) {
        if (told_.size() < kMostKept) told_.push_back(command);
        if (command.contains("job")) jobs_.insert(command["job"].get<std::string>());
      }
    }
  }
  if (!on_ || !random_.chance(kAlters) || (reply.status != 200 && reply.status != 204) ||
      images_.empty() || !server_.up())
    return;
  const Json command = made_up(asked.peer.name);
  if (command.is_null()) return;
  reply.status = 200;
  reply.body = dump_json(Json{{"commands", Json::array({command})}});
  trace_.add("thief", "orders " + asked.peer.name + " " + command["type"].get<std::string>() +
                          " of " + command.value("job", "no job"));
}

void Thief::piece(std::string& bytes) {
  if (!on_ || bytes.empty() || !random_.chance(kAltersPiece)) return;
  bytes[random_.below(bytes.size())] ^= 0x01;
  trace_.add("thief", "alters a piece of an image");
}

}  // namespace ota::world

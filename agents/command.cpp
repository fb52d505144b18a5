#include "agents/command.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "tuf/director.h"

namespace ota::agent {
namespace {

constexpr std::size_t kMaxCommands = 64;
constexpr std::size_t kMaxName = 255;

bool valid_job_id(std::string_view id) {
  constexpr std::size_t kMaxLength = 64;
  return !id.empty() && id.size() <= kMaxLength && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool valid_digest(std::string_view digest) {
  constexpr std::size_t kHexDigits = 64;
  return digest.size() == kHexDigits &&
         digest.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// One that is given must be one.
Result<std::string> optional_digest(const Json& in, const char* key) {
  const std::string digest = in.value(key, "");
  if (in.contains(key) && !valid_digest(digest))
    return fail(Errc::kInvalid, "a command's " + std::string(key) + " is no SHA-256");
  return digest;
}

Result<std::optional<Command>> parse_one(const Json& in) {
  Command command;
  const auto type = in.at("type").get<std::string>();
  if (type == "rollback") {
    command.type = Command::Type::kRollback;
    auto from = optional_digest(in, "from");
    if (!from) return from.error();
    command.from = std::move(*from);
    auto to = optional_digest(in, "to");
    if (!to) return to.error();
    command.to = std::move(*to);
    if (in.contains("word")) {
      in["word"].get_to(command.word);
      if (const auto claimed = tuf::read_rollback_word(command.word))
        command.nonce = claimed->nonce;
    }
    return std::optional(command);
  }
  if (type != "update" && type != "cancel") return std::optional<Command>();
  in.at("job").get_to(command.job);
  if (!valid_job_id(command.job)) return fail(Errc::kInvalid, "a command's job is no identifier");
  if (type == "cancel") {
    command.type = Command::Type::kCancel;
    auto digest = optional_digest(in, "sha256");
    if (!digest) return digest.error();
    command.release.sha256 = std::move(*digest);
    return std::optional(command);
  }
  if (in.contains("attempt")) in["attempt"].get_to(command.attempt);
  in.at("release").get_to(command.release);
  if (!valid_digest(command.release.sha256))
    return fail(Errc::kInvalid, "a release's digest is no SHA-256");
  if (command.release.target.empty() || command.release.target.size() > kMaxName) {
    return fail(Errc::kInvalid, "a release's target is empty or too long");
  }
  if (in.contains("word")) {
    in["word"].get_to(command.word);
    if (const auto claimed = tuf::read_word(command.word)) command.nonce = claimed->nonce;
  }
  return std::optional(command);
}

}  // namespace

Result<std::vector<Command>> parse_commands(std::string_view body) {
  const auto document = parse_json(body);
  if (!document) return document.error().within("commands");
  std::vector<Command> commands;
  try {
    const Json& list = document->at("commands");
    if (!list.is_array()) return fail(Errc::kInvalid, "commands is no array");
    if (list.size() > kMaxCommands) return fail(Errc::kLimit, "too many commands");
    for (const Json& entry : list) {
      auto command = parse_one(entry);
      if (!command) return command.error();
      if (*command) commands.push_back(std::move(**command));
    }
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("commands: ") + misfit(error));
  }
  return commands;
}

}  // namespace ota::agent

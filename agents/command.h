// What the server asks of this device: the answer of GET /v1/commands, checked as a whole. Pure;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/release.h"

namespace ota::agent {

struct Command {
  enum class Type : std::uint8_t { kUpdate, kCancel, kRollback };
  Type type = Type::kUpdate;
  std::string job;         // empty for kRollback
  int attempt = 1;         // kUpdate
  model::Release release;  // kUpdate; of kCancel the digest alone, which may be empty
  std::string word;        // the director's, not verified yet; may be empty
  std::string nonce;       // what the word claims for its nonce; empty where it is none
  std::string from;        // kRollback: digest of the image to leave; empty: whatever runs
  std::string to;          // kRollback: of the one to go back to; empty: not said
};

// Commands of a type that this agent does not know are left out. kInvalid where one is malformed:
// an identifier that is none, a digest that is not 64 lower-case hex digits, a target name that is
// empty or too long.
Result<std::vector<Command>> parse_commands(std::string_view body);

}  // namespace ota::agent

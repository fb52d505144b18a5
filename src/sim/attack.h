// What somebody does who has the server, its files, its online keys and some of the offline ones:
// one function for each attack on the update metadata. Thread: one; calls block on files.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::sim {

class Lab;

struct Attack {
  std::string_view how;   // "rollback"
  std::string_view help;  // one sentence
  // `role` is of those attacks that are told one; others ignore it.
  Result<void> (*run)(Lab& lab, const std::string& role);
};

// A draft of the attacker's waits for signatures, and what the server hands to those who sign: a
// request whose comparison is forged, so that all of it looks as if it were in force already.
// `role` is "root" or that of the device's model.
struct ForgedRequest {
  std::string role;
  std::string text;
};
Result<ForgedRequest> forge_request(const Lab& lab, const std::string& role);

std::span<const Attack> attacks();
const Attack* find_attack(std::string_view how);  // null: no such attack

}  // namespace ota::sim

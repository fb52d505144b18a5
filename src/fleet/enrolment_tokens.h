// Open one-time tokens, by their hashes, and how often an address has tried a wrong one.
//
// A token is used up by its first right use, whatever follows. Hashes are compared with all open
// ones in constant time. No lock of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::fleet {

// Collection "enrolments", key = the token's SHA-256 in hex.
struct OpenEnrolment {
  std::string device;
  WallTime expires;
  std::string actor;

  std::string document() const;
  static Result<OpenEnrolment> parse(std::string_view document);
};

class EnrolmentTokens {
 public:
  static constexpr std::size_t kMaxOpen = 20000;
  static constexpr std::size_t kMaxAddresses = 4096;

  // kLimit: too many are open.
  Result<void> open(const std::string& token_hash, OpenEnrolment enrolment);
  // Whether the token is open; not for how long.
  bool knows(const std::string& token_hash) const;
  // Counts a wrong token. None: the address may try again; else how long until it may.
  std::optional<seconds> attempt(const std::string& address, std::uint32_t attempts_per_minute,
                                 WallTime now);
  // Takes the token out. kDenied: no such token, or its time is over.
  Result<OpenEnrolment> redeem(const std::string& token_hash, WallTime now);
  void withdraw(const std::string& token_hash) { open_.erase(token_hash); }
  // Takes out a device's and gives the hashes.
  std::vector<std::string> withdraw_of(const std::string& device);
  // Takes out what is over and gives the hashes.
  std::vector<std::string> expire(WallTime now);
  const std::map<std::string, OpenEnrolment>& all() const { return open_; }
  void clear();

 private:
  struct Attempts {
    WallTime since;
    std::uint32_t count = 0;
  };
  std::map<std::string, OpenEnrolment> open_;
  std::map<std::string, Attempts> attempts_;
};

}  // namespace ota::fleet

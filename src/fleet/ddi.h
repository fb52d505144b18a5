// What the DDI routes and the fleet say to each other. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace ota::fleet {

// What came with a request, and where it came from.
struct DdiCredentials {
  enum class Kind : std::uint8_t { kNone, kTargetToken, kGatewayToken };
  Kind kind = Kind::kNone;
  std::string token_hash;          // SHA-256, hex
  std::string certificate_name;    // CN of a device certificate that the handshake accepted
  std::string certificate_serial;  // its serial
  std::string client;              // the client's name, from its User-Agent
  std::string address;
};

// kWaiting: a good gateway token for an id that no operator has accepted; it is told nothing.
enum class DdiAdmission : std::uint8_t { kDevice, kWaiting };

// What the root resource shows.
struct DdiOffer {
  std::optional<std::uint64_t> deployment;  // action id
  int change = 1;                           // grows when the same action changes
  std::optional<std::uint64_t> cancel;      // instead of the deployment
  bool wants_attributes = false;
  bool active = false;  // has something to do: poll again soon
};

struct DdiAttributes {
  enum class Mode : std::uint8_t { kMerge, kReplace, kRemove };
  Mode mode = Mode::kMerge;
  std::map<std::string, std::string> values;
};

}  // namespace ota::fleet

// How the server of this console is, for the screen and the API. A plain value; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace ota::model {

struct ServerStatus {
  enum class Phase : std::uint8_t { kStarting, kUp, kDown, kDraining };
  Phase phase = Phase::kStarting;
  std::string listen;        // "0.0.0.0:8443"
  std::string ddi_listen;    // "0.0.0.0:8444"; empty: not served
  std::string problem;       // why it is down
  bool port_failed = false;  // and whether another port for operators and devices would mend it
  WallTime retry_at;
  WallTime started;
  std::string ca_fingerprint;
  double requests_per_second = 0;
  std::uint64_t connections = 0;
  std::uint64_t errors_4xx = 0;
  std::uint64_t errors_5xx = 0;
  std::uint64_t refused_handshakes = 0;
};

}  // namespace ota::model

// A target as the metadata of a trusted role describes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ota::tuf {

using Hashes = std::vector<std::pair<std::string, std::string>>;  // algorithm -> hex text

struct TargetInfo {
  std::string name;
  std::uint64_t length = 0;
  Hashes hashes;       // algorithm -> lower-case hex
  std::string custom;  // JSON text of "custom", "{}" where absent
};

}  // namespace ota::tuf

// A .swu image as SWUpdate lays it out: a cpio archive (newc or crc) whose first member is
// sw-description, whose second is its CMS signature, and whose rest are payloads.
//
// Only the two are read into memory; payloads are listed. Hostile by nature: sizes, names and
// counts are bounded before anything is taken. Blocks on the file. Thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace ota::cli {

struct SwuArchive {
  struct Payload {
    std::string name;
    std::uint64_t size = 0;
  };
  std::string description;
  std::string signature;  // DER; empty: the image is not signed
  std::vector<Payload> payloads;
};

// kInvalid with what is wrong and where.
Result<SwuArchive> read_swu(const std::filesystem::path& file);

}  // namespace ota::cli

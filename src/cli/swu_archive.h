// A .swu image as SWUpdate lays it out: a cpio archive (newc or crc) whose first member is
// sw-description, whose second is its CMS signature, and whose rest are payloads.
//
// Only the two are read into memory; of payloads the digest is taken. The file is opened once: what
// was checked and what is published later is one descriptor's, and compared by its digest. Hostile
// by nature: sizes, names and counts are bounded before anything is taken, and nothing may stand
// behind the archive's end or between its members. Blocks on the file. Thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace ota::cli {

struct SwuArchive {
  struct Payload {
    std::string name;
    std::uint64_t size = 0;
    std::string sha256;  // lower-case hex
  };
  FileDescriptor file;
  std::string sha256;  // of the whole file
  std::string description;
  std::string signature;  // DER; empty: the image is not signed
  std::vector<Payload> payloads;
};

// kInvalid with what is wrong and where.
Result<SwuArchive> read_swu(const std::filesystem::path& file);

struct SwuFile;  // swu_description.h

// What is published as signed is what the signature covers: each payload is named in sw-description
// with the digest that it has, and each that is named there is here. kInvalid names the first that
// is not so.
Result<void> check_payloads(const SwuArchive& archive, const std::vector<SwuFile>& named);

}  // namespace ota::cli

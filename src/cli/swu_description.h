// What sw-description says of an image: libconfig's language, read by libconfig.
//
// Read only after its signature was verified; still, files that it would include are refused, since
// they are not signed. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ota::cli {

// A payload, wherever sw-description names it: of images, files or scripts, of any board or mode.
struct SwuFile {
  std::string name;
  std::string sha256;  // lower-case hex; empty where none is given
};

struct SwuDescription {
  std::string name;     // "name" or "description"; may be empty
  std::string version;  // as written
  // "hardware-compatibility" of the software, or of each board that has a section of its own.
  std::vector<std::string> hardware;
  std::vector<SwuFile> files;
};

// kInvalid with the line where it is no libconfig, or without version or hardware-compatibility.
Result<SwuDescription> parse_sw_description(std::string_view text);

}  // namespace ota::cli

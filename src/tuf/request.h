// The files of a ceremony, for its server side; signers use ceremony.h. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuf/metadata.h"

namespace ota::tuf {

struct SignatureFile {
  std::string role;
  std::string sha256;  // of the canonical bytes that were signed
  Signature signature;
};

// What signing `next` would do, compared with `now`: a line for each fact.
Result<std::vector<std::string>> describe_part(std::string_view role, const Json& next,
                                               const Json& now);
std::string write_request(std::string_view role, const std::vector<std::string>& keyids,
                          const Json& next, const Json& now);
Result<SignatureFile> parse_signature_file(std::string_view text);

}  // namespace ota::tuf

// The files of a ceremony: what travels between the server and a signer without a network. The
// server writes requests and reads signatures; what a signer makes of a request is signer.h's.
// Pure; any thread.
#pragma once

#include <optional>
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

// What is in force, as the signed files themselves: nobody has to believe the server about it.
struct InForce {
  std::vector<Json> roots;      // from the first to the newest
  std::optional<Json> targets;  // not for root
  std::optional<Json> role;     // of a model's role, where it is published
};

struct RequestFile {
  std::string role;
  std::vector<std::string> keyids;  // whose signatures are asked for
  Json part;                        // what is to be signed
  InForce in_force;
};

// What signing `next` would do, compared with `now`: a line for each fact.
Result<std::vector<std::string>> describe_part(std::string_view role, const Json& next,
                                               const Json& now);
std::string write_request(const RequestFile& request);
// kMalformed, kUnsupported, kEndlessData. Nothing in it is verified.
Result<RequestFile> parse_request(std::string_view text);
std::string write_signature_file(const SignatureFile& file);
Result<SignatureFile> parse_signature_file(std::string_view text);

}  // namespace ota::tuf

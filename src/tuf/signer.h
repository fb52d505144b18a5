// What a signer's machine makes of a request, without a repository and without a network.
//
// The request was written by a server, which may be in other hands: nothing in it is believed. What
// is in force comes as the signed files themselves, and is verified from a root that this machine
// pinned by itself; the difference that a person reads is made from that. What was in force and
// what was signed is remembered, so that no older state can be shown as the present one later.
//
//   pin(root) -> [ read_request -> (a person reads the words) -> sign_request -> remember ]...
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tuf/key.h"
#include "tuf/strict_json.h"

namespace ota::tuf {

// What the machine remembers. Its document:
//   {"format":"ota-signer/1","root":{"signed":...,"signatures":...},"seen":{"targets":7},
//    "signed":{"targets":{"version":8,"sha256":"of the canonical bytes"}}}
struct SignerMemory {
  struct Signed {
    std::uint64_t version = 0;
    std::string sha256;
  };
  Json root;  // the newest root file that the pinned one led to
  std::map<std::string, std::uint64_t, std::less<>> seen;  // newest version found in force, by role
  std::map<std::string, Signed, std::less<>> last;         // what was signed last, by role
};

// A memory that begins with this root file. kRootDamaged where it does not verify against itself.
Result<SignerMemory> pin(std::string_view root_file);
// Who signs what by the memory's root: a line a role, to be compared with what people were told.
std::vector<std::string> describe_root_of(const SignerMemory& memory);
std::string write_memory(const SignerMemory& memory);
// kMalformed, kUnsupported (another format), kRootDamaged.
Result<SignerMemory> read_memory(std::string_view document);

// A request that was read and understood.
struct SigningRequest {
  std::string role;
  std::vector<std::string> keyids;  // whose signatures are asked for
  Json part;
  std::vector<std::string> words;  // what signing would do, a line for each fact
  // Compared with what the pinned root vouches for. False: with what the server says is in force.
  bool verified = false;
  // What to remember once it is signed; only where verified.
  std::optional<SignerMemory> after;
};

// kSignatures where what is said to be in force does not verify; kRollback where it is older than
// what this machine has seen in force; kMixAndMatch where the part is not the next version, or
// lists what its role may not.
Result<SigningRequest> read_request(std::string_view text,
                                    const std::optional<SignerMemory>& memory);
// The signature file. kKey where the request does not ask for this key.
Result<std::string> sign_request(const SigningRequest& request, const Signer& signer);

}  // namespace ota::tuf

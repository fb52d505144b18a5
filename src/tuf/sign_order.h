// An operator's order to sign a waiting change here, with a key file. A plain value; any thread.
#pragma once

#include <string>

namespace ota::tuf {

struct SignOrder {
  std::string role;
  std::string sha256;  // of the very bytes that were shown in words
  std::string key_file;
  std::string passphrase;  // empty: the key is not encrypted
};

}  // namespace ota::tuf

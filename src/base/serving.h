// Which process serves a root, and where it is reached from this host.
//
// The process that serves holds a lock on ROOT/state/serving.lock, which also names its pid and
// ends with it, whatever ends it. Beside it stands the address, so that otactl finds a server that
// is not on the port of console.json (an edited port that waits for a start, port 0, another port
// for one run). Blocks on files. Thread: one; the address may be set from another one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ota {

struct Serving {
  std::string pid;  // "4711"; "unknown" where it could not be written down
  std::string url;  // "https://127.0.0.1:8443"; empty: it does not listen (yet)
};

// None: nobody does, or what is there cannot be read by this user.
std::optional<Serving> serving_at(const std::filesystem::path& root);

class ServingMark {
 public:
  // Makes ROOT/state/ where it is missing. kConflict where another process serves the root.
  static Result<ServingMark> claim(const std::filesystem::path& root);
  ServingMark(ServingMark&&) = default;
  ServingMark& operator=(ServingMark&&) = delete;
  ~ServingMark();

  // Empty: it does not listen any more. Where it cannot be written (a full disk), programs of this
  // host go by console.json.
  void set_url(const std::string& url) const;

 private:
  ServingMark(FileLock lock, std::filesystem::path address)
      : lock_(std::move(lock)), address_(std::move(address)) {}
  FileLock lock_;
  std::filesystem::path address_;  // the file; empty: moved from
};

}  // namespace ota

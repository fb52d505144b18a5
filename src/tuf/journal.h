// What was done with the signing keys and with what they sign, by whichever program did it: lines
// that wait in KEYS/journal until the server has taken them into the chain of events.
//
// otactl works on the files while the console may be down, so the record cannot go to the console
// itself. A step is written down after it took effect or failed; it is taken at least once.
// Thread: any, several processes; calls block on files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::tuf {

struct JournalEntry {
  WallTime at;
  std::string step;   // "keys.rotate", "firmware.add"
  std::string actor;  // "uid 0": who ran the program
  bool failed = false;
  std::vector<std::string> words;  // what became of it, a sentence each
};

// What became of a step on what is published; a change that waits for signatures is no failure.
JournalEntry entry_of(WallTime at, std::string step, std::string what,
                      const std::optional<Error>& error);

class Journal {
 public:
  explicit Journal(const std::filesystem::path& keys);

  // Appends; durable.
  Result<void> add(const JournalEntry& entry) const;
  // What waits, oldest first. Give it back by taken() once it is durable elsewhere; until then the
  // next call gives the same again.
  Result<std::vector<JournalEntry>> take() const;
  Result<void> taken() const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path waiting_;
  std::filesystem::path taken_;
};

// Who runs this program.
std::string local_actor();

}  // namespace ota::tuf

// The log grows at its end alone: what was there is there, byte for byte, without a gap, also after
// every restart.
#include <vector>

#include "base/digest.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

constexpr std::size_t kPage = 2000;

class LogIsWhole final : public Invariant {
  void server_started(World& world) override {
    const auto entries = world.server().store()->entries(0, seen_.size());
    if (!entries) return;
    if (entries->size() < seen_.size()) {
      return breaks("the log had " + std::to_string(seen_.size()) + " events and has " +
                    std::to_string(entries->size()));
    }
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (sha256_hex((*entries)[i].document) != seen_[i])
        return breaks("event " + std::to_string(i + 1) + " is not what it was before the restart");
    }
  }
  void look(World& world) override {
    const auto entries = world.server().store()->entries(seen_.size(), kPage);
    if (!entries) return;
    for (const store::LogEntry& entry : *entries) {
      if (entry.seq != seen_.size() + 1)
        return breaks("after event " + std::to_string(seen_.size()) + " comes " +
                      std::to_string(entry.seq));
      seen_.push_back(sha256_hex(entry.document));
    }
  }

  std::vector<std::string> seen_;
};

}  // namespace

std::unique_ptr<Invariant> log_is_whole() {
  return std::make_unique<LogIsWhole>();
}

}  // namespace ota::world

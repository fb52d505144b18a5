// The console's care for the signed end of the audit chain (store/audit_head.h): it is looked at
// when the state is opened and signed once a minute; what is wrong with it becomes an event.
//
// Thread: one, the host's. Blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/clock.h"
#include "model/event.h"
#include "store/audit_head.h"

namespace ota::pki {
class Authority;
}

namespace ota::main {

class AuditDesk {
 public:
  // Where the state that is opened comes from: one of a first run has nothing to miss, one that was
  // imported goes on from there.
  enum class Origin : std::uint8_t { kStored, kFirstRun, kImported };
  using Record = std::function<void(model::Severity, std::string kind, std::string message)>;

  // What is passed by reference outlives it.
  AuditDesk(const std::filesystem::path& root, store::Store& store, const pki::Authority& authority,
            const Clock& clock, Record record);

  // Before anything is signed anew: does the chain go on from what was signed last? A cut is an
  // event itself, so that no later signature hides it.
  void open(Origin origin);
  void sign();
  void sign_if_due();
  // At the end, when nobody reads events any more: where it fails, the minute before stays signed.
  void sign_last();

 private:
  const Clock& clock_;
  Record record_;
  store::AuditKeeper keeper_;
  MonoTime next_{};
};

}  // namespace ota::main

// The console's care for the log of events: it is looked at when the state is opened, its head is
// signed while there is news (store/log_signer.h), and events that are old enough leave by whole
// bundles (store/retention.h). What is wrong with it becomes an event.
//
// Thread: one, the host's. Blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock_jump.h"
#include "model/event.h"
#include "store/log_signer.h"
#include "store/retention.h"

namespace ota::pki {
class Authority;
}

namespace ota::main {

class LogKeeper {
 public:
  // Where the state that is opened comes from: one of a first run has nothing to miss.
  enum class Origin : std::uint8_t { kStored, kFirstRun };
  using Record = std::function<void(model::Event)>;

  // What is passed by reference outlives it. Errors: the log's key cannot be read or made.
  static Result<std::unique_ptr<LogKeeper>> make(const std::filesystem::path& root,
                                                 store::Store& store,
                                                 const pki::Authority& authority,
                                                 const Clock& clock, Record record);

  // Before anything is signed anew: does the log go on from what was signed last? What is wrong is
  // an event itself. The first start over the state of a program that kept a chain closes that.
  void open(Origin origin);
  // Each tick: signs what is new, and once an hour lets old events leave, in slices; not in the
  // hour after the clock was set.
  void tick(const store::Retention& retention);
  void sign();
  // At the end, when nobody reads events any more.
  void sign_last();

 private:
  LogKeeper(std::filesystem::path state, store::Store& store, const pki::Authority& authority,
            const Clock& clock, Record record, store::LogSigner signer);
  void tell(model::Severity severity, std::string_view kind, std::string message,
            Json data = Json::object());
  void tell_failure(const Result<void>& done);
  void close_chain(Origin origin);
  void retire(const store::Retention& retention);

  std::filesystem::path state_;
  store::Store& store_;
  const pki::Authority& authority_;
  const Clock& clock_;
  ClockJump clock_jump_;
  Record record_;
  store::LogSigner signer_;
  bool broken_ = false;
  bool told_failure_ = false;
  std::optional<MonoTime> looked_for_old_;
};

}  // namespace ota::main

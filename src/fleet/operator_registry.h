// Which certificates rule as operators: a serial that nobody admitted is refused, whatever it was
// signed by. What was withdrawn stays so, however long the certificate would have lasted.
//
// Stored as operators/NAME: {"role":"admin","key":"fingerprint","serials":[{"serial":"0a",
// "ends":"..."}]}. The certificate in state/pki rules from the start that finds it; one of another
// key than before ends all earlier ones, one of the same key (a renewal) leaves them to their end.
//
// Thread: open() from one, the rest from any; revoke() blocks on files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/event.h"

namespace ota::pki {
class Authority;
}
namespace ota::store {
class Store;
}

namespace ota::fleet {

class OperatorRegistry {
 public:
  // What is passed by reference outlives it.
  OperatorRegistry(store::Store& store, pki::Authority& authority, const Clock& clock,
                   std::function<void(model::Event)> record);

  // Reads who is admitted, and admits the certificate in state/pki. Blocks on the store.
  Result<void> open();
  // kDenied where this certificate of the name was withdrawn, or never admitted.
  Result<void> admit(const std::string& name, const std::string& serial) const;
  // [{"name","role","serials":[{"serial","ends"}]}]
  Json list() const;
  // Ends all of the name's certificates; a new one with a key of its own lies in state/pki when it
  // returns, and what was withdrawn is on disk when `done` is called. kNotFound.
  void revoke(const std::string& name, const std::string& actor,
              std::function<void(Result<void>)> done);

 private:
  struct Admitted {
    std::string serial;
    WallTime ends;
  };

  std::string document() const OTA_REQUIRES(mutex_);
  void save(model::Event event, std::function<void(Result<void>)> done) OTA_REQUIRES(mutex_);

  store::Store& store_;
  pki::Authority& authority_;
  const Clock& clock_;
  std::function<void(model::Event)> record_;

  mutable Mutex mutex_;                     // guards what follows
  std::string key_ OTA_GUARDED_BY(mutex_);  // fingerprint of the newest certificate's
  std::vector<Admitted> admitted_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::fleet

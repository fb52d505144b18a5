// The server's eye on its signing keys: the director that signs jobs, what the console's Keys and
// trust page shows, and the events of every ceremony step.
//
// Thread: look() from one, the rest from any. look() blocks on files; directive() signs, from memory.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/event.h"
#include "tuf/director.h"
#include "tuf/sign_order.h"
#include "tuf/trust_page.h"

namespace ota::fleet {
struct Command;
}

namespace ota::main {

class TrustMonitor {
 public:
  TrustMonitor(const std::filesystem::path& root, const Clock& clock,
               std::function<void(model::Event)> record);

  // Follows changes of metadata, drafts and keys, and takes the journal; a cheap look where nothing
  // changed. True where the page is another.
  bool look();
  // The word for an update that is handed out now; empty where there is no director: the device
  // then decides by its own root.
  std::string directive(const std::string& device, const fleet::Command& command) const;
  std::shared_ptr<const tuf::TrustPage> page() const;

 private:
  void take_journal();
  void open_director();
  void compare(const tuf::TrustPage& page);
  void record(model::Severity severity, std::string kind, std::string message) const;

  std::filesystem::path firmware_;
  std::filesystem::path keys_;
  const Clock& clock_;
  std::function<void(model::Event)> record_;
  std::string seen_;  // times of the folders at the last look
  bool journal_given_ = false;
  std::map<std::string, std::uint64_t> versions_;  // by role, of the last look
  bool warned_ = false;
  mutable Mutex mutex_;  // guards what follows
  std::shared_ptr<const tuf::Director> director_ OTA_GUARDED_BY(mutex_);
  std::shared_ptr<const tuf::TrustPage> page_ OTA_GUARDED_BY(mutex_) =
      std::make_shared<const tuf::TrustPage>();
};

// What the console's menu asks: signs a waiting change of the repository below `root` with a key
// file. Blocks on files; any thread.
Result<tuf::Outcome> sign_change(const std::filesystem::path& root, const tuf::SignOrder& ask,
                                 const Clock& clock);

}  // namespace ota::main

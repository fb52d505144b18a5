// The oracle: it sees what no program of the fleet may see, and compares what they say with it.
//
// An invariant is a file in invariants/ and a line of the table in oracle.cpp: a name, a promise in
// one sentence, and what it looks at. The first that does not hold ends the world.
//
// Thread: the world's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "world/device.h"
#include "world/server.h"

namespace ota::world {

class World;
struct Typed;

// The updates that an answer tells a device to take; none where it is an answer to something else.
std::vector<Json> updates_told(const Device* device, const Request& asked,
                               const http::Response& answer);

// What stands in a target between these two: the id in "/v1/jobs/ID/report". None: another target.
std::optional<std::string> id_between(std::string_view target, std::string_view before,
                                      std::string_view after);

struct Finding {
  std::string invariant;
  std::string words;
  MonoTime at{};
};

class Invariant {
 public:
  virtual ~Invariant() = default;
  // The server answered a machine, whether or not that arrives. `device`: null for operators.
  virtual void answered(World&, const Device* /*device*/, const Request&, const http::Response&) {}
  // So much of an image came to whoever has the device's name.
  virtual void fetched(World&, const std::string& /*device*/, std::uint64_t /*bytes*/) {}
  // A device has started, before its agent did.
  virtual void booted(World&, const Device&) {}
  virtual void lost_power(World&, const Device&) {}
  // An operator's otactl has ended.
  virtual void typed(World&, const Typed&) {}
  virtual void server_will_end(World&) {}
  virtual void server_started(World&) {}
  // Every few seconds, with the server up.
  virtual void look(World&) {}
  // Faults have stopped and operators have done what they can.
  virtual void settled(World&) {}

  const std::optional<std::string>& broken() const { return broken_; }

 protected:
  void breaks(std::string words) {
    if (!broken_) broken_ = std::move(words);
  }

 private:
  std::optional<std::string> broken_;
};

struct InvariantKind {
  const char* name;
  const char* promise;
  std::unique_ptr<Invariant> (*make)();
};
std::span<const InvariantKind> invariant_kinds();

class Oracle {
 public:
  Oracle();
  template <class Tell>
  void tell(MonoTime now, const Tell& what) {
    for (std::size_t i = 0; i < watching_.size() && !finding_; ++i) {
      what(*watching_[i]);
      if (const auto& words = watching_[i]->broken())
        finding_ = Finding{invariant_kinds()[i].name, *words, now};
    }
  }
  // The invariant of this name alone.
  template <class Tell>
  void tell_one(std::string_view name, MonoTime now, const Tell& what) {
    for (std::size_t i = 0; i < watching_.size() && !finding_; ++i) {
      if (invariant_kinds()[i].name != name) continue;
      what(*watching_[i]);
      if (const auto& words = watching_[i]->broken())
        finding_ = Finding{invariant_kinds()[i].name, *words, now};
    }
  }
  // For what the world itself finds: the names are of the table too.
  void found(std::string invariant, std::string words, MonoTime now) {
    if (!finding_) finding_ = Finding{std::move(invariant), std::move(words), now};
  }
  // In a world in which this promise is not made.
  void leave_out(std::string_view name);
  const std::optional<Finding>& finding() const { return finding_; }

 private:
  std::vector<std::unique_ptr<Invariant>> watching_;
  std::optional<Finding> finding_;
};

}  // namespace ota::world

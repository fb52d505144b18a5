// A device of a world that is updated over hawkBit's Direct Device Integration, as those do it that
// people run: Zephyr's client, which tells the end after the restart (as SWUpdate's does, which takes
// .swu files alone), and rauc-hawkbit-updater, which tells it before.
//
// It has two slots and what its program keeps on disk; the program itself is here. A power cut ends
// it where it waits for something; what was kept before that stays. What it really ran is kept for
// the oracle.
//
// Thread: the world's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/device.h"
#include "world/link.h"
#include "world/random.h"
#include "world/timeline.h"
#include "world/trace.h"

namespace ota::world {

struct DdiOptions {
  std::string id;
  std::string address;
  std::uint64_t seed = 0;
  LinkFaults faults{};
  milliseconds fastest_boot{500};
  milliseconds slowest_boot{20'000};
  model::Image factory;
  enum class Tells : std::uint8_t { kAfterRestart, kBeforeRestart };
  Tells tells = Tells::kAfterRestart;
  bool says_version = true;  // in its attributes
  // Whether an image stays up when it is started.
  std::function<bool(const std::string& sha256)> is_healthy;
};

class DdiClient {
 public:
  DdiClient(Timeline& timeline, Trace& trace, Server& server, DdiOptions options);
  ~DdiClient();
  DdiClient(const DdiClient&) = delete;
  DdiClient& operator=(const DdiClient&) = delete;

  void power_on();
  void power_cut();  // not from its own fiber
  // What it authorizes itself with from now on.
  void use_token(std::string token) { token_ = std::move(token); }

  // A request with its own token, whatever it then says; and that it has said what is not so.
  Request signed_in() const;
  void lies() { lied_ = true; }
  bool has_lied() const { return lied_; }

  const std::string& id() const { return options_.id; }
  const DdiOptions& options() const { return options_; }
  Link& link() { return link_; }

  // -- what really was --
  const std::vector<model::Image>& ran() const { return ran_; }  // by time; the last is what runs
  // Actions whose image it started and kept.
  const std::set<std::uint64_t>& kept() const { return kept_; }

 private:
  // What lies on its disk.
  struct Work {
    std::uint64_t action = 0;
    model::Image image;
    std::uint64_t length = 0;
    std::string file;        // path to fetch it from
    std::uint64_t have = 0;  // bytes of it
    bool installed = false;  // it starts next
    std::string finished;    // "success", "failure": what is to be told
  };

  void live();
  // A round with the server; how long until the next.
  milliseconds round();
  void look_at_root(const Json& root);
  void begin(const std::string& link);
  void cancel(const std::string& link);
  void go_on();
  bool fetch();
  void start_installed();
  bool tell(const std::string& execution, const std::string& finished);
  bool tell_attributes();
  // The answer's status; 0: none came.
  int ask(http::Method method, const std::string& target, const Json& body, Json* said = nullptr);
  std::optional<http::Response> send(const Request& request);

  Timeline& timeline_;
  Trace& trace_;
  Server& server_;
  DdiOptions options_;
  Random random_;
  Link link_;
  std::string token_;
  std::shared_ptr<Fiber> fiber_;
  std::uint64_t boots_ = 0;
  bool lied_ = false;
  bool attributes_due_ = true;
  // Kept over a power cut.
  std::optional<Work> work_;
  std::uint64_t last_done_ = 0;
  std::vector<model::Image> ran_;
  std::set<std::uint64_t> kept_;
};

}  // namespace ota::world

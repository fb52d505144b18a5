// A device without a machine: what it would ask the server next, and what it makes of the answers.
//
// It sends its status, then telemetry at its rate; on a command it downloads the image and reports
// the states of an update to its end. No I/O: the fleet carries requests and answers. Thread: one.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "model/device.h"
#include "model/job.h"
#include "model/telemetry.h"
#include "sim/profile.h"

namespace ota::sim {

// What a request is for.
enum class Errand { kStatus, kTelemetry, kDownload, kReport, kPoll };

struct Request {
  Errand errand = Errand::kStatus;
  std::string text;  // complete: head and body
};

class VirtualDevice {
 public:
  VirtualDevice(std::string id, Profile profile, std::uint64_t seed);

  const std::string& id() const { return id_; }
  // The next thing to ask, where there is one beside telemetry.
  std::optional<Request> next();
  Request telemetry(WallTime now, double uptime);
  Request poll(seconds wait) const;
  // The answer to a poll; true where it held an update that was not known yet.
  bool commanded(const std::string& body);
  // The answer to the download or to the last report came.
  void went_well(Errand errand, std::size_t bytes);
  // Connected anew: the status is said again.
  void reconnected();

  const model::Image& running() const { return running_; }
  std::size_t downloaded() const { return downloaded_; }

 private:
  Request post(Errand errand, const std::string& path, const Json& body) const;
  void report(model::JobState state, int percent);

  std::string id_;
  model::BootId boot_;
  SimulatedSensors sensors_;
  std::uint64_t seq_ = 0;
  std::uint64_t report_seq_ = 0;
  model::Image running_;
  model::Image wanted_;
  std::string job_;
  std::deque<Request> queue_;
  std::size_t downloaded_ = 0;
};

}  // namespace ota::sim

// All that the device tells the server: samples at their interval, job reports, its facts; over one
// connection.
//
// Facts first, then reports in order, then samples. While the server is away it tries again with
// growing, jittered pauses and samples go on. Renews the certificate in time.
//
// Thread: run() on its own; the rest from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "agents/backoff.h"
#include "agents/engine.h"
#include "agents/identity.h"
#include "agents/runtime.h"
#include "agents/server_time.h"
#include "agents/telemetry.h"
#include "http/requester.h"

namespace ota::agent {

struct UplinkOptions {
  std::string server;
  std::string agent;  // name and version of the agent
  std::string hardware;
  model::BootId boot;
  milliseconds interval{1000};
  std::size_t buffered_samples = 600;
  std::function<sim::Readings()> sensors;
  std::function<void(const std::string&)> say;
};

class Uplink {
 public:
  Uplink(UplinkOptions options, Engine& engine, Identity& identity, const Clock& clock,
         const Runtime& runtime);

  void run();
  void stop();
  // There may be something new to tell.
  void wake();
  // Tells the facts again, changed or not; and where the image that a rollback was to leave still
  // runs, why that came to nothing.
  void repeat_facts(const Unheeded& rollback);
  // Waits until the server has taken the facts of now; false where stop() came first.
  bool wait_for_facts();
  bool connected() const { return connected_; }
  std::size_t buffered() const { return buffered_; }
  // How far this device's clock is ahead of the server's, where it is off.
  std::optional<seconds> clock_off() const { return server_time_.off(); }

 private:
  Result<void> flush();
  Result<void> tell();  // what the server must save before it takes it: facts, then reports
  void put_off(const Error& error);
  Result<void> send_facts();
  Result<void> send_reports();
  Result<void> send_samples();
  void renew();
  // The status. kUnavailable: no answer, or too many requests; kConflict: an answer that the server
  // cannot do it now; kDenied: this device is refused.
  Result<unsigned> post(const std::string& path, const std::string& body);
  void follow_server_time(WallTime date, MonoTime asked);
  std::string facts_document(const DeviceFacts& facts, const Unheeded& rollback) const;
  void failed(const Error& error);

  UplinkOptions options_;
  Engine& engine_;
  Identity& identity_;
  const Clock& clock_;
  http::Connect connect_;
  std::unique_ptr<http::Requester> client_;  // replaced under mutex_
  SampleBuffer samples_;
  ServerTime server_time_;
  Backoff backoff_;
  Backoff telling_again_;
  MonoTime next_telling_{};
  std::string told_put_off_;  // why, as people were last told
  std::optional<milliseconds> retry_after_;
  MonoTime next_renewal_;
  bool certificate_ended_ = false;  // as the server says
  std::string told_renewal_;        // why it failed, as people were last told
  std::string told_problem_;
  // What is said of this device, and of its clock.
  struct Told {
    DeviceFacts device;
    std::optional<seconds> clock_off;
    bool operator==(const Told&) const = default;
  };
  std::optional<Told> accepted_facts_;  // as the server has taken them
  MonoTime facts_again_{};              // when they are told again though nothing changed

  std::atomic<bool> connected_{false};
  std::atomic<std::size_t> buffered_{0};
  std::mutex mutex_;  // guards what follows; never held over a request or a call of the engine
  std::shared_ptr<WaitPoint> changed_;
  bool stopped_ = false;
  bool woken_ = false;
  bool facts_known_ = false;
  bool repeat_facts_ = false;
  Unheeded unheeded_;  // to be told with the facts; without a digest: nothing
};

}  // namespace ota::agent

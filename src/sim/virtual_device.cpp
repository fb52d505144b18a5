#include "sim/virtual_device.h"

#include "base/digest.h"
#include "base/program_version.h"
#include "model/sample_image.h"
#include "tuf/names.h"

namespace ota::sim {
namespace {

const std::string& factory_digest() {
  static const std::string kDigest = sha256_hex(model::sample_image(model::kFactoryVersion));
  return kDigest;
}

}  // namespace

VirtualDevice::VirtualDevice(std::string id, Profile profile, std::uint64_t seed)
    : id_(std::move(id)),
      boot_{seed * 0x9e3779b97f4a7c15ULL + 1, seed + 1},
      sensors_(profile, seed),
      running_{model::kFactoryVersion, factory_digest()} {
  reconnected();
}

Request VirtualDevice::post(Errand errand, const std::string& path, const Json& body) const {
  const std::string text = dump_json(body);
  return {errand, "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " +
                      "application/json\r\nContent-Length: " + std::to_string(text.size()) +
                      "\r\n\r\n" + text};
}

void VirtualDevice::reconnected() {
  Json body{{"agent", "ota-sim " + std::string(kProgramVersion)},
            {"hardware", "sim-a"},
            {"boot_id", boot_.text()},
            {"slot", "A"},
            {"running", running_},
            {"confirmed", running_}};
  queue_.push_front(post(Errand::kStatus, "/v1/status", body));
}

std::optional<Request> VirtualDevice::next() {
  if (queue_.empty()) return std::nullopt;
  Request request = std::move(queue_.front());
  queue_.pop_front();
  return request;
}

Request VirtualDevice::telemetry(WallTime now, double uptime) {
  Json body{{"seq", ++seq_}, {"boot_id", boot_.text()}, {"time", format_rfc3339(now)}};
  const Readings readings = sensors_.read(uptime);
  for (const auto& [metric, word] : model::kMetricWords) {
    const auto& value = readings.at(static_cast<std::size_t>(metric));
    if (value) body[std::string(word)] = *value;
  }
  return post(Errand::kTelemetry, "/v1/telemetry", body);
}

Request VirtualDevice::poll(seconds wait) const {
  return {Errand::kPoll, "GET /v1/commands?wait=" + std::to_string(wait.count()) +
                             " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"};
}

bool VirtualDevice::commanded(const std::string& body) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return false;
  for (const Json& command : document->value("commands", Json::array())) {
    if (command.value("type", "") != "update" || command.value("job", "") == job_) continue;
    const auto release = json_as<model::Release>(command.at("release"), "release");
    if (!release) continue;
    job_ = command.value("job", "");
    report_seq_ = 0;
    wanted_ = {release->version, release->sha256};
    report(model::JobState::kDownloading, 0);
    queue_.push_back({Errand::kDownload,
                      "GET /tuf/targets/" + tuf::target_url_path(release->target, release->sha256) +
                          " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"});
    return true;
  }
  return false;
}

void VirtualDevice::report(model::JobState state, int percent) {
  model::JobReport report;
  report.seq = ++report_seq_;
  report.state = state;
  report.percent = percent;
  if (state >= model::JobState::kInstalling) report.written_sha256 = wanted_.sha256;
  queue_.push_back(post(Errand::kReport, "/v1/jobs/" + job_ + "/report", Json(report)));
}

void VirtualDevice::went_well(Errand errand, std::size_t bytes) {
  if (errand != Errand::kDownload) return;
  downloaded_ += bytes;
  report(model::JobState::kDownloading, 100);
  report(model::JobState::kVerifying, 0);
  report(model::JobState::kInstalling, 0);
  report(model::JobState::kBooting, 0);
  report(model::JobState::kConfirming, 0);
  running_ = wanted_;
  ++boot_.low;  // it has started anew
  seq_ = 0;
  reconnected();
  // The status goes after the reports that lead to it, before the last one.
  queue_.push_back(std::move(queue_.front()));
  queue_.pop_front();
  report(model::JobState::kSucceeded, 0);
}

}  // namespace ota::sim

#include "agents/uplink.h"

#include <utility>

#include "agents/answer.h"
#include "base/json.h"

namespace ota::agent {
namespace {

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30000};
constexpr milliseconds kLongestPutOff{5000};  // a disk that has room again is noticed soon
constexpr milliseconds kRefusedPause{10000};  // revoked, or not known: an operator has to act
constexpr std::chrono::hours kRenewalCheck{1};
// Another device with this one's identity may have told its own meanwhile, and be gone.
constexpr std::chrono::minutes kFactsAgain{5};
constexpr std::size_t kBatch = 200;  // about 30 KiB
constexpr std::size_t kAnswerBytes = 65536;

}  // namespace

Uplink::Uplink(UplinkOptions options, Engine& engine, Identity& identity, const Clock& clock,
               const Runtime& runtime)
    : options_(std::move(options)),
      engine_(engine),
      identity_(identity),
      clock_(clock),
      connect_(runtime.connect),
      client_(connect_(identity.client_options(options_.server, options_.agent))),
      samples_(options_.boot, options_.buffered_samples),
      backoff_(kFirstPause, kLongestPause, runtime.seed()),
      telling_again_(kFirstPause, kLongestPutOff, runtime.seed()),
      next_renewal_(clock.mono()),
      changed_(runtime.wait_point()) {}

void Uplink::run() {
  MonoTime next_sample = clock_.mono();
  MonoTime next_try = next_sample;
  while (true) {
    const MonoTime now = clock_.mono();
    if (now >= next_sample) {
      samples_.add(options_.sensors(), now, clock_.wall());
      next_sample += options_.interval;
      if (next_sample <= now) next_sample = now + options_.interval;  // the device slept
    }
    if (now >= next_try) {
      const auto flushed = flush();
      if (flushed) {
        backoff_.reset();
      } else {
        failed(flushed.error());
        milliseconds pause = backoff_.next();
        if (flushed.error().code == Errc::kDenied) pause = std::max(pause, kRefusedPause);
        next_try = clock_.mono() + std::max(pause, retry_after_.value_or(pause));
      }
    }
    buffered_ = samples_.size();
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    const bool pausing = next_try > clock_.mono();
    // A wake-up does not shorten a pause.
    changed_->wait_until(lock, pausing ? std::min(next_sample, next_try) : next_sample,
                         [&] { return stopped_ || (woken_ && !pausing); });
    woken_ = false;
    if (stopped_) return;
  }
}

void Uplink::failed(const Error& error) {
  const std::string problem = error.text();
  if (problem != told_problem_) options_.say("server: " + problem);
  told_problem_ = problem;
  connected_ = false;
  accepted_facts_.reset();  // a server that comes back may have forgotten them
  const std::lock_guard lock(mutex_);
  facts_known_ = false;
}

Result<void> Uplink::flush() {
  renew();
  // A server that can save nothing still takes samples, and goes on judging by them.
  if (clock_.mono() >= next_telling_) {
    if (auto told = tell(); told) {
      telling_again_.reset();
      told_put_off_.clear();
    } else if (told.error().code == Errc::kConflict) {
      put_off(told.error());
    } else {
      return told;
    }
  }
  return send_samples();
}

Result<void> Uplink::tell() {
  if (auto sent = send_facts(); !sent) return sent;
  return send_reports();
}

void Uplink::put_off(const Error& error) {
  const std::string why = error.text();
  if (why != told_put_off_) options_.say("server: " + why);
  told_put_off_ = why;
  const milliseconds pause = telling_again_.next();
  next_telling_ = clock_.mono() + std::max(pause, retry_after_.value_or(pause));
}

Result<unsigned> Uplink::post(const std::string& path, const std::string& body) {
  const MonoTime asked = clock_.mono();
  const auto reply = client_->post(path, body, kAnswerBytes);
  retry_after_.reset();
  if (!reply) return reply.error();
  if (reply->date) follow_server_time(*reply->date, asked);
  const auto status = status_of(*reply);
  if (!status) {
    certificate_ended_ = certificate_ended(*reply);
    if (status.error().code != Errc::kDenied) retry_after_ = asked_pause(*reply);
    return status.error();
  }
  if (!connected_) {
    if (!told_problem_.empty()) options_.say("server: connected to " + options_.server);
    told_problem_.clear();
    connected_ = true;
  }
  return *status;
}

void Uplink::follow_server_time(WallTime date, MonoTime asked) {
  const auto before = server_time_.off();
  server_time_.heard(date, asked, clock_.mono(), clock_.wall());
  const auto off = server_time_.off();
  if (off == before) return;
  if (!off) return options_.say("clock: agrees with the server's again");
  options_.say("clock: this device's is " + format_age(std::chrono::abs(*off)) +
               (off->count() > 0 ? " ahead of" : " behind") +
               " the server's; readings carry the server's time, set the clock");
}

std::string Uplink::facts_document(const DeviceFacts& facts, const Unheeded& rollback) const {
  Json out{{"agent", options_.agent},         {"hardware", options_.hardware},
           {"boot_id", options_.boot.text()}, {"slot", std::string(letter(facts.slot))},
           {"running", facts.running},        {"confirmed", facts.confirmed},
           {"version_floor", facts.floor},    {"patch_format", tuf::kPatchFormat}};
  if (facts.previous) out["previous"] = *facts.previous;
  if (facts.written) out["written"] = *facts.written;
  if (!facts.fallback.empty()) {
    out["fallback"] = facts.fallback;
    out["fallback_sha256"] = facts.fallback_sha256;
  }
  if (const auto off = server_time_.off()) out["clock_off_s"] = off->count();
  if (!rollback.from.empty() && rollback.from == facts.confirmed.sha256) {
    out["rollback_refused"] = rollback.from;
    out["rollback_why"] = rollback.why;
  }
  return dump_json(out);
}

Result<void> Uplink::send_facts() {
  // Looked at with every sample: compared as they are, and written down where they are sent.
  Told facts{engine_.facts(), server_time_.off()};
  Unheeded rollback;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(repeat_facts_, false)) accepted_facts_.reset();
    rollback = unheeded_;
  }
  if (facts == accepted_facts_ && clock_.mono() < facts_again_) return {};
  const auto status = post("/v1/status", facts_document(facts.device, rollback));
  if (!status) return status.error();
  if (*status >= 300)
    return fail(Errc::kInvalid, "the server answers /v1/status with " + std::to_string(*status));
  accepted_facts_ = std::move(facts);
  facts_again_ = clock_.mono() + kFactsAgain;
  const std::lock_guard lock(mutex_);
  if (unheeded_.from == rollback.from && unheeded_.why == rollback.why) unheeded_ = {};
  facts_known_ = true;
  changed_->notify_all();
  return {};
}

Result<void> Uplink::send_reports() {
  while (const auto entry = engine_.next_report()) {
    const auto status = post("/v1/jobs/" + entry->job + "/report", dump_json(Json(entry->report)));
    if (!status) return status.error();
    if (*status == 404 || *status == 409) {
      engine_.job_over(entry->job);
    } else {
      if (*status >= 300)
        options_.say("the server answers a report with " + std::to_string(*status) + "; dropped");
      engine_.acknowledged(entry->job, entry->report.seq);
    }
  }
  return {};
}

Result<void> Uplink::send_samples() {
  while (!samples_.empty()) {
    const std::size_t count = std::min(kBatch, samples_.size());
    const auto status = post("/v1/telemetry", samples_.batch(count, server_time_));
    if (!status) return status.error();
    if (*status >= 300)
      options_.say("the server answers telemetry with " + std::to_string(*status) + "; dropped");
    samples_.drop(count);
  }
  return {};
}

// A failure is no reason to stop talking: the present certificate may still serve.
void Uplink::renew() {
  // One that has ended is good for this alone, and an operator may allow it at any time.
  if (clock_.mono() < next_renewal_ && !certificate_ended_) return;
  next_renewal_ = clock_.mono() + kRenewalCheck;
  const auto due = identity_.renewal_due(clock_.wall());
  if (due && !*due && !certificate_ended_) return;
  const auto renewed = due ? identity_.renew(*client_) : due.error();
  if (!renewed) {
    const std::string why = renewed.error().text();
    if (why != told_renewal_) options_.say("certificate not renewed: " + why);
    told_renewal_ = why;
    return;
  }
  certificate_ended_ = false;
  told_renewal_.clear();
  options_.say("certificate renewed");
  const std::lock_guard lock(mutex_);
  if (!stopped_) client_ = connect_(identity_.client_options(options_.server, options_.agent));
}

void Uplink::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  client_->close();
  changed_->notify_all();
}

void Uplink::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_->notify_all();
}

void Uplink::repeat_facts(const Unheeded& rollback) {
  {
    const std::lock_guard lock(mutex_);
    repeat_facts_ = true;
    unheeded_ = rollback;
    facts_known_ = false;
  }
  wake();
}

bool Uplink::wait_for_facts() {
  std::unique_lock lock(mutex_);
  changed_->wait(lock, [this] { return stopped_ || facts_known_; });
  return !stopped_;
}

}  // namespace ota::agent

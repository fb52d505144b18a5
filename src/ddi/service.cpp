#include "ddi/service.h"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/worker.h"
#include "ddi/artifacts.h"
#include "ddi/transfers.h"
#include "ddi/wire.h"
#include "fleet/fleet.h"
#include "http/rate_limit.h"
#include "http/sent_bytes.h"
#include "model/ddi.h"
#include "model/event_kind.h"

namespace ota::ddi {
namespace {

using http::Access;
using http::Method;
using http::Responder;
using http::Response;

// Taken off the wire of a body; kBodyBytes of it are looked at.
constexpr std::uint32_t kWireBodyBytes = 8U << 20;
// What lies in the kernel counts as sent; of an image of megabytes that is to be little.
constexpr std::uint32_t kSendBufferBytes = 256 * 1024;
constexpr seconds kWaitingPoll{60};  // for ids that no operator has accepted yet

// Which connections a device holds, and how fast it asks. Thread: any.
class Connections {
 public:
  // False where the device holds `most` others already.
  bool claim(std::uint64_t connection, const std::string& device, std::uint32_t most) {
    const std::lock_guard lock(mutex_);
    const auto known = owner_.find(connection);
    if (known != owner_.end() && known->second == device) return true;
    if (const auto held = held_.find(device); held != held_.end() && held->second.count >= most) {
      return false;
    }
    if (known != owner_.end()) forget(known->second);  // a gateway speaks for several
    ++held_[device].count;
    owner_[connection] = device;
    return true;
  }
  // Whether the device polls no faster than it may.
  bool take_poll(const std::string& device, MonoTime now, std::uint32_t per_second) {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(device);
    return held == held_.end() || held->second.polls.take(now, per_second);
  }
  void closed(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    const auto known = owner_.find(connection);
    if (known == owner_.end()) return;
    forget(known->second);
    owner_.erase(known);
  }

 private:
  void forget(const std::string& device) {
    const auto held = held_.find(device);
    if (held != held_.end() && --held->second.count == 0) held_.erase(held);
  }
  struct Held {
    std::uint32_t count = 0;
    http::RateBucket polls;
  };
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> owner_;
  std::map<std::string, Held> held_;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Response json_answer(const Json& document) {
  Response response;
  response.content_type = "application/hal+json";
  response.body = dump_json(document);
  return response;
}

// PUT and POST are answered by 200 and nothing: clients take no other success.
Response done_answer() {
  Response response;
  response.content_type = "application/json";
  return response;
}

Response not_found() {
  return Response::problem(404, "no-action", "there is no such action");
}

// A request of a device that is who it says.
struct Call {
  std::string device;
  std::string base;  // "https://host/TENANT/controller/v1/ID"
  std::string client;
  fleet::DdiAdmission admission = fleet::DdiAdmission::kDevice;
};

}  // namespace

struct Service::Impl {
  Impl(fleet::Fleet& f, const Clock& c, std::filesystem::path firmware, Executor* executor)
      : fleet(f),
        clock(c),
        artifacts(std::move(firmware)),
        transfers(std::make_shared<Transfers>(
            [&f](const Transfers::Key& key, const fleet::DdiFetch& fetch) {
              f.ddi_fetched(key.device, key.action, fetch);
            })),
        sent(std::make_shared<http::SentBytes>(
            c,
            [&f](const std::string& device, std::uint64_t bytes) { f.data_sent(device, bytes); })),
        worker(executor == nullptr ? Worker() : Worker(*executor)) {}

  fleet::Fleet& fleet;
  const Clock& clock;
  Artifacts artifacts;
  std::shared_ptr<Transfers> transfers;
  std::shared_ptr<http::SentBytes> sent;
  Connections connections;
  http::EventLimit refusals{3, seconds(1)};
  std::shared_ptr<const http::Router> router;
  Worker worker;  // last: its threads end before what their work uses

  using Use = void (Impl::*)(const Call&, const http::Request&, const Responder&);
  // Of downloads more are let wait than refused.
  enum class Limit : std::uint8_t { kRefuse, kPace };

  void add_routes(http::Router& table);
  void add(http::Router& table, Method method, const std::string& rest, Use use, Limit limit);
  // Who it is; nothing in `call` where the answer is already clear.
  std::optional<Response> identify(const http::Request& request, Call& call);
  void identified(const http::Request& request, const Responder& respond, Use use, Limit limit);
  Response refusal(const http::Request& request, const std::string& device,
                   const std::string& reason);

  void poll(const Call& call, const http::Request& request, const Responder& respond);
  void config_data(const Call& call, const http::Request& request, const Responder& respond);
  void deployment(const Call& call, const http::Request& request, const Responder& respond);
  void feedback(const Call& call, const http::Request& request, const Responder& respond);
  void cancel_action(const Call& call, const http::Request& request, const Responder& respond);
  void cancel_feedback(const Call& call, const http::Request& request, const Responder& respond);
  void artifact(const Call& call, const http::Request& request, const Responder& respond);

  bool budget_spent(const Call& call, const Responder& respond);
  void answer_poll(const Call& call, const std::string& problem, const Responder& respond);
  Result<model::Job> job_of(const Call& call, const http::Request& request) const;
  std::function<void(Result<void>)> taken(const Responder& respond) const;
};

// -- who calls --

Response Service::Impl::refusal(const http::Request& request, const std::string& device,
                                const std::string& reason) {
  if (refusals.take(request.peer.address, clock.mono())) {
    model::Event event;
    event.severity = model::Severity::kWarning;
    event.kind = model::event_kind::kAuthFail;
    event.source = request.peer.address;
    event.message = "DDI request refused: " + reason;
    if (!device.empty()) event.data = Json{{"device", device}};
    fleet.record(std::move(event));
  }
  Response response = Response::problem(401, "not-identified", "a valid token is needed");
  response.headers.emplace_back("WWW-Authenticate", "TargetToken");
  return response;
}

std::optional<Response> Service::Impl::identify(const http::Request& request, Call& call) {
  call.device = lower(request.params.at(1));
  if (!model::valid_device_id(call.device) || !check_file_name(request.params.at(0))) {
    return refusal(request, "", "the path names no device");
  }
  const Authorization authorization = parse_authorization(request.authorization);
  if (authorization.malformed) {
    return refusal(request, call.device, "an Authorization that is no token of DDI");
  }
  call.client = client_name(request.user_agent);
  fleet::DdiCredentials credentials{.kind = authorization.kind,
                                    .token_hash = authorization.token_hash,
                                    .certificate_name = {},
                                    .certificate_serial = {},
                                    .client = call.client,
                                    .address = request.peer.address};
  if (request.peer.role == http::Role::kDevice) {
    credentials.certificate_name = request.peer.name;
    credentials.certificate_serial = request.peer.serial;
  }
  const auto admitted = fleet.ddi_admit(call.device, credentials);
  if (!admitted) return refusal(request, call.device, admitted.error().context);
  request.speaks_for(call.device);  // at once: a revocation that comes now finds the connection
  call.admission = *admitted;
  return std::nullopt;
}

void Service::Impl::identified(const http::Request& request, const Responder& respond, Use use,
                               Limit limit) {
  const std::string_view tenant = request.params.at(0);
  const std::string_view spelled = request.params.at(1);
  Call call;
  if (auto refused = identify(request, call)) return respond(std::move(*refused));
  const auto settings = fleet.settings();
  const model::DdiSettings& ddi = settings->console.ddi;
  if (!connections.claim(request.connection, call.device, ddi.connections_per_device) &&
      limit == Limit::kRefuse) {
    return respond(Response::too_many("too-many-connections",
                                      "the device holds too many connections already"));
  }
  std::string host = ddi.public_url;
  if (host.empty()) {
    if (!valid_host(request.host)) {
      return respond(Response::problem(400, "bad-host", "the Host field is no host name"));
    }
    host = "https://" + std::string(request.host);
  }
  call.base = host + "/" + std::string(tenant) + "/controller/v1/" + std::string(spelled);
  (this->*use)(call, request, respond);
}

// -- the root resource --

void Service::Impl::poll(const Call& call, const http::Request&, const Responder& respond) {
  if (call.admission == fleet::DdiAdmission::kWaiting) {
    return respond(json_answer(root_json(call.base, {}, kWaitingPoll)));
  }
  const auto rate = fleet.settings()->console.limits.requests_per_second_per_device;
  if (!connections.take_poll(call.device, clock.mono(), rate)) {
    return respond(Response::too_many("rate-limited", "the device polls too fast"));
  }
  const auto release = fleet.ddi_wanted(call.device);
  if (!release) return answer_poll(call, "", respond);
  const std::string problem = unfit(*release, call.client);
  if (!problem.empty() || artifacts.known(release->sha256))
    return answer_poll(call, problem, respond);
  const bool posted = worker.post([this, call, release = *release, respond] {
    const auto checked = artifacts.check(release);
    answer_poll(call, checked ? "" : checked.error().text(), respond);
  });
  if (!posted) respond(Response::problem(503, "busy", "try again at the next poll"));
}

void Service::Impl::answer_poll(const Call& call, const std::string& problem,
                                const Responder& respond) {
  fleet.ddi_poll(
      call.device, call.client, problem,
      [&fleet = fleet, call, respond](const Result<fleet::DdiOffer>& offer) {
        if (!offer) return respond(Response::error(offer.error()));
        const auto settings = fleet.settings();
        const model::DdiSettings& ddi = settings->console.ddi;
        const auto interval =
            std::chrono::duration_cast<seconds>(offer->active ? ddi.active_poll : ddi.poll);
        respond(json_answer(root_json(call.base, *offer, spread(interval, call.device))));
      });
}

// -- attributes --

std::function<void(Result<void>)> Service::Impl::taken(const Responder& respond) const {
  return [respond](const Result<void>& done) {
    if (done) return respond(done_answer());
    if (done.error().code == Errc::kConflict) {
      return respond(Response::problem(410, "action-closed", "the action has ended"));
    }
    respond(done.error().code == Errc::kNotFound ? not_found() : Response::error(done.error()));
  };
}

bool Service::Impl::budget_spent(const Call& call, const Responder& respond) {
  const auto wait = fleet.write_wait(call.device);
  if (!wait) return false;
  respond(Response::too_many("write-budget-spent",
                             "as much has been written for this device as may be in an hour",
                             *wait));
  return true;
}

void Service::Impl::config_data(const Call& call, const http::Request& request,
                                const Responder& respond) {
  if (budget_spent(call, respond)) return;
  const auto attributes = parse_attributes(request.body);
  if (!attributes) return respond(Response::error(attributes.error()));
  // One who waits is answered, lest it installs nothing afterwards; nothing is kept of it.
  if (call.admission == fleet::DdiAdmission::kWaiting) return respond(done_answer());
  fleet.ddi_attributes(call.device, *attributes, taken(respond));
}

// -- deployments --

Result<model::Job> Service::Impl::job_of(const Call& call, const http::Request& request) const {
  const auto number = model::job_number_of_ddi_action(request.params.at(2));
  if (!number || call.admission == fleet::DdiAdmission::kWaiting) {
    return fail(Errc::kNotFound, "action");
  }
  return fleet.ddi_job(call.device, model::ddi_action_of(*number));
}

void Service::Impl::deployment(const Call& call, const http::Request& request,
                               const Responder& respond) {
  const auto job = job_of(call, request);
  if (!job || model::is_final(job->state)) return respond(not_found());
  const std::uint64_t action = model::ddi_action_of(model::ddi_job_number(job->id));
  const auto answer = [call, action, release = job->release, respond](const Digests& digests) {
    respond(json_answer(deployment_json(call.base, action, release, digests)));
  };
  if (const auto known = artifacts.known(job->release.sha256)) return answer(*known);
  const bool posted = worker.post([this, release = job->release, answer, respond] {
    const auto checked = artifacts.check(release);
    if (!checked) return respond(not_found());
    answer(*checked);
  });
  if (!posted) respond(Response::problem(503, "busy", "try again at the next poll"));
}

void Service::Impl::feedback(const Call& call, const http::Request& request,
                             const Responder& respond) {
  if (budget_spent(call, respond)) return;
  const auto job = job_of(call, request);
  if (!job) return respond(not_found());
  const auto said = parse_feedback(request.body);
  if (!said) return respond(Response::error(said.error()));
  fleet.ddi_feedback(call.device, model::ddi_action_of(model::ddi_job_number(job->id)), *said,
                     taken(respond));
}

void Service::Impl::cancel_action(const Call& call, const http::Request& request,
                                  const Responder& respond) {
  const auto job = job_of(call, request);
  if (!job || model::is_final(job->state) || !job->cancel_requested) return respond(not_found());
  respond(json_answer(cancel_json(model::ddi_action_of(model::ddi_job_number(job->id)))));
}

void Service::Impl::cancel_feedback(const Call& call, const http::Request& request,
                                    const Responder& respond) {
  if (budget_spent(call, respond)) return;
  const auto job = job_of(call, request);
  if (!job) return respond(not_found());
  const auto said = parse_feedback(request.body);
  if (!said) return respond(Response::error(said.error()));
  fleet.ddi_cancel_feedback(call.device, model::ddi_action_of(model::ddi_job_number(job->id)),
                            *said, taken(respond));
}

// -- images --

void Service::Impl::artifact(const Call& call, const http::Request& request,
                             const Responder& respond) {
  const auto job = job_of(call, request);
  if (!job || request.params.at(3) != job->release.file_name()) return respond(not_found());
  Response response;
  response.file = http::FileBody{};
  response.file->folder = artifacts.folder().string();
  response.file->path = artifacts.path_of(job->release).string();
  response.file->etag = '"' + job->release.sha256 + '"';
  response.headers.emplace_back("Content-Disposition",
                                "attachment;filename=" + job->release.file_name());
  if (request.method == Method::kHead) return respond(std::move(response));
  const Transfers::Key key{call.device, model::ddi_action_of(model::ddi_job_number(job->id))};
  const auto held = std::make_shared<Response>(std::move(response));
  const bool accepted = transfers->start(
      key, job->release.length, job->ddi ? job->ddi->fetched : 0,
      fleet.settings()->console.ddi.downloads_per_device,
      [sent = sent, held, respond, device = call.device](std::shared_ptr<http::FileWatch> watch) {
        held->file->watch = sent->watch(device, std::move(watch));
        respond(std::move(*held));
      });
  if (!accepted) respond(Response::problem(503, "busy", "too many downloads of this device wait"));
}

// -- the table --

void Service::Impl::add(http::Router& table, Method method, const std::string& rest, Use use,
                        Limit limit) {
  // Twice: a base URL that ends in a slash gives paths that start with two.
  for (const char* start : {"/", "//"}) {
    table.add({.method = method,
               .pattern = std::string(start) + "{tenant}/controller/v1/{id}" + rest,
               .access = Access::kAnyone,
               .handler =
                   [this, use, limit](const http::Request& request, const Responder& respond) {
                     identified(request, respond, use, limit);
                   },
               .large_body = method == Method::kPost || method == Method::kPut,
               // One byte more than is looked at tells that it was longer.
               .kept_body = kBodyBytes + 1,
               .check_head =
                   [this](const http::Request& request) {
                     Call call;
                     return identify(request, call);
                   }});
  }
}

void Service::Impl::add_routes(http::Router& table) {
  add(table, Method::kGet, "", &Impl::poll, Limit::kRefuse);
  add(table, Method::kPut, "/configData", &Impl::config_data, Limit::kRefuse);
  add(table, Method::kGet, "/deploymentBase/{action}", &Impl::deployment, Limit::kRefuse);
  add(table, Method::kPost, "/deploymentBase/{action}/feedback", &Impl::feedback, Limit::kRefuse);
  add(table, Method::kGet, "/cancelAction/{action}", &Impl::cancel_action, Limit::kRefuse);
  add(table, Method::kPost, "/cancelAction/{action}/feedback", &Impl::cancel_feedback,
      Limit::kRefuse);
  add(table, Method::kGet, "/softwaremodules/{action}/artifacts/{file}", &Impl::artifact,
      Limit::kPace);
}

Service::Service(fleet::Fleet& fleet, const Clock& clock, std::filesystem::path firmware,
                 Executor* worker)
    : impl_(std::make_unique<Impl>(fleet, clock, std::move(firmware), worker)) {
  auto table = std::make_shared<http::Router>();
  impl_->add_routes(*table);
  impl_->router = std::move(table);
}

Service::~Service() = default;

std::shared_ptr<const http::Router> Service::router() const {
  return impl_->router;
}

void Service::connection_closed(std::uint64_t connection) {
  impl_->connections.closed(connection);
}

void Service::close() {
  impl_->transfers->close();
}

http::ServerOptions Service::server_options(const model::ConsoleSettings& console) {
  http::ServerOptions options;
  options.address = console.ddi.listen_address;
  options.port = console.ddi.port;
  options.threads = console.threads;
  options.limits = console.limits;
  options.limits.import_bytes = kWireBodyBytes;       // what the routes with bodies take
  options.limits.requests_per_second_per_device = 0;  // none: see the head of this file
  options.tls_floor = http::TlsFloor::kTls12;
  options.send_buffer_bytes = kSendBufferBytes;
  return options;
}

}  // namespace ota::ddi

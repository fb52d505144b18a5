#include "world/server.h"

#include <map>
#include <utility>

#include "api/directive.h"
#include "api/service.h"
#include "base/file.h"
#include "base/json.h"
#include "ddi/service.h"
#include "fleet/memory_file.h"
#include "http/target.h"
#include "pki/authority.h"
#include "pki/x509.h"
#include "store/sqlite/sqlite_store.h"
#include "tuf/director.h"
#include "tuf/published_releases.h"
#include "tuf/repository.h"
#include "world/timeline_executor.h"

namespace ota::world {
namespace fs = std::filesystem;
namespace {

constexpr seconds kTimestampMargin{12 * 3600};
constexpr std::chrono::minutes kRefresh{10};

// The one answer of a request, as http::Exchange is it for a connection.
class Sink final : public http::Responder::Sink {
 public:
  explicit Sink(Server::Answer answer) : answer_(std::move(answer)) {}
  ~Sink() override {
    if (answer_ && !gone_)
      std::exchange(answer_, nullptr)(http::Response::problem(500, "internal", "no answer"));
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void send(http::Response response) override {
    if (!answer_) return;
    std::exchange(answer_, nullptr)(std::move(response));
    on_close_ = nullptr;
  }
  void on_close(std::function<void()> called) override {
    if (gone_) return called();
    if (answer_) on_close_ = std::move(called);
  }
  // The connection ends before an answer: the client sees that.
  void cut_off() {
    if (answer_) std::exchange(answer_, nullptr)(reset());
    close();
  }
  bool open() const { return answer_ != nullptr; }
  static http::Response reset() {
    http::Response response;
    response.status = Server::kReset;
    return response;
  }
  void close() {
    gone_ = true;
    answer_ = nullptr;
    if (on_close_) std::exchange(on_close_, nullptr)();
  }

 private:
  Server::Answer answer_;
  std::function<void()> on_close_;
  bool gone_ = false;
};

}  // namespace

Request operator_request(http::Method method, std::string target, std::string body,
                         std::string address) {
  Request request;
  request.method = method;
  request.target = std::move(target);
  request.body = std::move(body);
  request.peer.role = http::Role::kOperator;
  request.peer.name = "operator";
  request.peer.address = std::move(address);
  return request;
}

// What memory holds: gone with the process.
struct Server::Life {
  Life(Timeline& timeline, std::uint64_t seed, std::uint64_t number, milliseconds slowest)
      : strand(timeline, Random(seed, "strand", number), slowest),
        workers(timeline, Random(seed, "workers", number), slowest * 4) {}

  bool dead = false;  // its answers reach nobody
  std::shared_ptr<int> token = std::make_shared<int>(0);
  TimelineExecutor strand;
  TimelineExecutor workers;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<fleet::Fleet> fleet;
  std::optional<pki::Authority> authority;
  std::optional<tuf::Repository> repository;
  WallTime refreshed{};
  std::optional<tuf::PublishedReleases> published;
  std::optional<tuf::Director> director;
  std::unique_ptr<fleet::MemoryFile> memory;
  std::unique_ptr<api::Service> api;
  std::unique_ptr<ddi::Service> ddi;
  std::multimap<std::string, std::weak_ptr<Sink>> calls;  // open ones, by device

  void cut_off(const std::string& device) {
    const auto [begin, end] = calls.equal_range(device);
    std::vector<std::weak_ptr<Sink>> of_it;
    for (auto it = begin; it != end; ++it)
      of_it.push_back(it->second);
    calls.erase(device);
    for (const auto& one : of_it) {
      if (const auto sink = one.lock()) sink->cut_off();
    }
  }

  std::string directive(const std::string& device, const fleet::Command& command,
                        WallTime now) const {
    const auto signed_word = director ? api::sign_directive(*director, device, command, now)
                                      : Result<std::string>(std::string());
    return signed_word ? *signed_word : std::string();
  }
};

Server::Server(Timeline& timeline, Trace& trace, ServerOptions options)
    : timeline_(timeline),
      trace_(trace),
      options_(std::move(options)),
      clock_(timeline, options_.drift_ppm, milliseconds(0)),
      disk_(options_.disk) {}

Server::~Server() {
  end(End::kKill);
}

Result<void> Server::start() {
  end(End::kKill);
  ++starts_;
  auto life = std::make_shared<Life>(timeline_, options_.seed, starts_, options_.slowest_decision);
  if (auto opened = open(*life); !opened) {
    trace_.add("server", "does not start: " + opened.error().text());
    return opened;
  }
  life_ = std::move(life);
  trace_.add("server", "starts");
  timeline_.after(milliseconds(0), [this, alive = std::weak_ptr<Life>(life_)] {
    if (!alive.expired()) tick();
  });
  return {};
}

Result<void> Server::open(Life& life) {
  const fs::path state = options_.root / "state";
  const fs::path firmware = options_.root / "firmware";
  for (const fs::path& folder : {state, firmware}) {
    if (auto made = make_directories(folder, 0700); !made) return made;
  }
  store::SqliteOptions sqlite;
  sqlite.vfs = disk_.name();
  sqlite.executor = [this, random = std::make_shared<Random>(options_.seed, "disk", starts_),
                     alive = std::weak_ptr<int>(life.token)](std::function<void()> task) {
    timeline_.after(random->between(milliseconds(0), options_.slowest_sync),
                    [alive, task = std::move(task)] {
                      if (!alive.expired()) task();
                    });
  };
  auto store = store::open_sqlite(state / "ota.db", clock_, sqlite);
  if (!store) return store.error();
  life.store = std::move(*store);
  life.fleet = std::make_unique<fleet::Fleet>(*life.store, clock_, life.strand, options_.settings);
  if (auto loaded = life.fleet->load(); !loaded) return loaded.error().within("load");

  auto authority = pki::Authority::open_or_create(state, {"server"}, clock_, [] {
    return Result<std::vector<std::string>>(std::vector<std::string>());
  });
  if (!authority) return authority.error();
  life.authority.emplace(std::move(*authority));
  fingerprint_ = life.authority->fingerprint();
  authority_pem_ = life.authority->certificate_pem();
  if (const auto own = pki::parse_certificate(life.authority->server_identity().certificate))
    certificate_term_ = {pki::not_before(own->get()), pki::not_after(own->get())};

  const fs::path keys = state / "keys";
  auto repository = tuf::Repository::open(firmware, keys, clock_);
  if (!repository && repository.error().code == Errc::kNotFound)
    repository = tuf::Repository::create(firmware, keys, clock_);
  if (!repository) return repository.error();
  life.repository.emplace(std::move(*repository));
  life.published.emplace(*life.repository, firmware);
  if (auto director = tuf::Director::open(firmware, keys))
    life.director.emplace(std::move(*director));

  const auto record = [&life](model::Severity severity, std::string kind, std::string message) {
    model::Event event;
    event.severity = severity;
    event.kind = std::move(kind);
    event.source = "server";
    event.message = std::move(message);
    life.fleet->record(std::move(event));
  };
  life.memory = std::make_unique<fleet::MemoryFile>(options_.root, *life.fleet, clock_, record);
  life.memory->open();

  api::Ports ports{
      .fleet = *life.fleet,
      .store = *life.store,
      .authority = *life.authority,
      .clock = clock_,
      .firmware = firmware,
      .server_status = [] { return model::ServerStatus(); },
      .server_stats = [] { return std::vector<api::ListenerStats>(); },
      .agents = {},
      .order_agent = {},
      .tuf_root = [&life] { return life.repository->root(); },
      .state_replaced =
          [this] {
            timeline_.after(milliseconds(0), [this] {
              if (replaced) replaced();
            });
          },
      .state = state,
      .direct =
          [this, &life](const std::string& device, const fleet::Command& command) {
            return life.directive(device, command, clock_.wall());
          },
      .tuf_roles = [] { return Json::array(); },
      .operators = [] { return Json::array(); },
      .revoke_operator = {},
      .behind = [&life] { return life.published->behind(); },
      .catch_up =
          [&life] {
            (void)life.published->catch_up([&life](std::vector<model::Release> releases) {
              life.fleet->set_releases(std::move(releases));
            });
          },
      .worker = &life.workers};
  life.api = std::make_unique<api::Service>(std::move(ports));
  life.ddi = std::make_unique<ddi::Service>(*life.fleet, clock_, firmware, &life.workers);
  life.fleet->set_hooks(
      {.wake_device = [&life](const std::string& id) { life.api->wake_device(id); },
       .cut_off_device =
           [this, alive = std::weak_ptr<int>(life.token)](const std::string& id) {
             timeline_.after(milliseconds(0), [this, alive, id] {
               if (!alive.expired() && life_) life_->cut_off(id);
             });
           },
       .new_events = [] {}});
  (void)life.published->catch_up([&life](std::vector<model::Release> releases) {
    life.fleet->set_releases(std::move(releases));
  });
  return {};
}

void Server::tick() {
  Life& life = *life_;
  // The shipped server looks once a second, which takes most of a world's time.
  const WallTime now = clock_.wall();
  if (now < life.refreshed || now - life.refreshed > kRefresh) {
    life.refreshed = now;
    (void)life.repository->refresh_if_due(kTimestampMargin);
  }
  life.fleet->tick();
  life.api->tick();
  if (life.published->behind()) {
    (void)life.published->catch_up([&life](std::vector<model::Release> releases) {
      life.fleet->set_releases(std::move(releases));
    });
  }
  life.memory->save_part();
  timeline_.after(options_.tick, [this, alive = std::weak_ptr<Life>(life_)] {
    if (!alive.expired()) tick();
  });
}

void Server::end(End how) {
  if (!life_) return;
  const std::shared_ptr<Life> life = std::exchange(life_, nullptr);
  trace_.add("server", how == End::kOrderly ? "stops"
                       : how == End::kKill  ? "is killed"
                                            : "loses power");
  life->dead = true;
  if (how == End::kKill) disk_.kill();
  if (how == End::kPowerCut) {
    Random random(options_.seed, "cut", ++ends_);
    disk_.power_cut(random);
  }
  // What else runs here reaches neither disk nor anybody.
  life->api->close();
  life->ddi->close();
  life->fleet->set_hooks({});
  life->workers.drain();
  life->fleet->drain();
  if (how == End::kOrderly) {
    life->fleet->save_last_seen();
    (void)life->store->flush();
    life->memory->save_last();
  }
  life->workers.drain();
  life->api.reset();
  life->ddi.reset();
  life->memory.reset();
  life->fleet.reset();
  life->store.reset();
}

void Server::connection_closed(std::uint64_t connection) {
  if (life_) life_->ddi->connection_closed(connection);
}

fleet::Fleet* Server::fleet() const {
  return life_ ? life_->fleet.get() : nullptr;
}
store::Store* Server::store() const {
  return life_ ? life_->store.get() : nullptr;
}

std::function<void()> Server::ask(const Request& asked, Answer answer) {
  const std::shared_ptr<Life> life = life_;
  auto sink = std::make_shared<Sink>(
      [weak = std::weak_ptr<Life>(life), answer = std::move(answer)](http::Response response) {
        const auto alive = weak.lock();
        if (alive && !alive->dead) answer(std::move(response));
      });
  const http::Responder respond(sink);
  const auto close = [weak = std::weak_ptr<Sink>(sink)] {
    if (const auto open = weak.lock()) open->close();
  };
  const bool ddi = asked.listener == Request::Listener::kDdi;
  if (asked.peer.role == http::Role::kDevice) {
    std::erase_if(life->calls, [](const auto& call) { return call.second.expired(); });
    life->calls.emplace(asked.peer.name, sink);
  }
  // As http::Connection does it before a handler is called.
  http::Target target;
  if (!target.parse(asked.target)) {
    respond(http::Response::problem(400, "bad-target", "no target"));
    return close;
  }
  const auto router = ddi ? life->ddi->router() : life->api->router();
  auto match = router->match(asked.method, target.path);
  const bool renews = match.route != nullptr && match.route->ended_certificate;
  const WallTime now = clock_.wall();
  if (asked.peer.role == http::Role::kDevice && !ddi) {
    Result<void> admitted;
    const bool ended = now >= asked.certificate_ends;
    if (now < asked.certificate_begins) {
      admitted = fail(Errc::kDenied, "the client certificate is not valid yet");
    } else if (ended) {
      admitted = life->fleet->admit_ended(asked.peer.name, asked.peer.serial, asked.peer.address);
      if (admitted && !renews) admitted = fail(Errc::kDenied, "the client certificate has expired");
    } else {
      admitted = life->fleet->admit(asked.peer.name, asked.peer.serial);
    }
    if (!admitted) {
      respond(http::Response::problem(403, ended ? "certificate-expired" : "not-admitted",
                                      admitted.error().context));
      return close;
    }
  }
  if (match.route == nullptr) {
    respond(http::Response::problem(404, "no-route", "there is nothing at this path"));
    return close;
  }
  if (!http::authorize(match.route->access, asked.peer)) {
    respond(http::Response::problem(403, "wrong-role", "not for this peer"));
    return close;
  }
  http::Request request;
  std::string spoken_for;
  request.method = asked.method;
  request.path = target.path;
  request.params = std::move(match.params);
  request.query = std::move(target.query);
  request.body = asked.body;
  request.range = asked.range;
  request.authorization = asked.authorization;
  request.host = "server";
  request.user_agent = asked.user_agent;
  request.connection = asked.connection;
  request.peer = asked.peer;
  request.spoken_for = &spoken_for;
  if (match.route->check_head) {
    if (auto refused = match.route->check_head(request)) {
      respond(std::move(*refused));
      return close;
    }
  }
  match.route->handler(request, respond);
  return close;
}

std::string Server::directors_word(const std::string& device, const fleet::Command& command) const {
  return life_ ? life_->directive(device, command, clock_.wall()) : std::string();
}

void Server::apply_settings(std::shared_ptr<const model::Settings> settings) {
  options_.settings = std::move(settings);
  if (life_) life_->fleet->apply_settings(options_.settings);
}

Result<model::Release> Server::publish(const std::string& bytes, model::Release release,
                                       std::optional<model::Version> floor) {
  if (!life_) return fail(Errc::kUnavailable, "the server is down");
  const fs::path image = options_.root / ("firmware-" + release.version.text() + ".img");
  if (auto written = write_file_durably(image, bytes); !written) return written.error();
  return life_->repository->add(image, std::move(release), std::move(floor));
}

Result<void> Server::unpublish(const model::Version& version) {
  if (!life_) return fail(Errc::kUnavailable, "the server is down");
  return life_->repository->remove(version);
}

}  // namespace ota::world

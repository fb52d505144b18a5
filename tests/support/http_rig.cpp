#include "tests/support/http_rig.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "base/file.h"
#include "pki/device_key.h"

namespace ota::test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

Identity issue(const pki::Authority& authority, const std::filesystem::path& folder,
               const std::string& name, seconds lifetime) {
  const auto key = folder / (name + ".key");
  const std::string request = must(pki::DeviceKey::make_csr(key, name));
  return {must(authority.issue_device(name, request, lifetime)).pem, must(read_file(key, 10'000))};
}

http::Route route(http::Method method, std::string pattern, http::Access access,
                  http::Handler handler) {
  http::Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  made.access = access;
  made.handler = std::move(handler);
  return made;
}

// Made three days ago, so that certificates of it may have ended.
Result<pki::Authority> aged_authority(const std::filesystem::path& state, const Clock& clock) {
  const ManualClock past(clock.wall() - std::chrono::hours(72));
  if (auto made = pki::Authority::open_or_create(state, {}, past); !made) return made.error();
  return pki::Authority::open_or_create(state, {}, clock);
}

}  // namespace

HttpRig::HttpRig(http::ServerOptions options)
    : authority_(std::make_unique<pki::Authority>(
          must(aged_authority(folder_.path() / "state", clock_)))) {
  auto router = std::make_shared<http::Router>();
  add_routes(*router);
  http::ServerHooks hooks;
  hooks.admit_device = [this](const std::string& name, const std::string&) -> Result<void> {
    const std::lock_guard lock(mutex_);
    if (std::count(revoked_.begin(), revoked_.end(), name) == 0) return {};
    return fail(Errc::kDenied, name + " was revoked");
  };
  hooks.handshake_refused = [this](const std::string&, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    reasons_.push_back(reason);
    changed_.notify_all();
  };
  hooks.crowded = [this](const std::string& address, const std::string& what) {
    const std::lock_guard lock(mutex_);
    reasons_.push_back(address + ": " + what);
    changed_.notify_all();
  };
  server_ = std::make_unique<http::Server>(std::move(options), authority_->server_identity(),
                                           std::move(router), std::move(hooks));
  if (auto started = server_->start(); !started) throw std::runtime_error(started.error().text());
}

HttpRig::~HttpRig() {
  // Outside of the lock: a responder that goes says so to on_close().
  std::vector<http::Responder> parked;
  const std::lock_guard lock(mutex_);
  parked.swap(parked_);
}

void HttpRig::add_routes(http::Router& router) {
  using http::Access;
  using http::Method;
  using http::Request;
  using http::Responder;
  using http::Response;
  const auto echo = [](const Request& request, Responder respond) {
    respond(Response::json({{"length", request.body.size()},
                            {"name", request.peer.name},
                            {"body", request.body.substr(0, 100)}}));
  };
  router.add(route(Method::kGet, "/hello", Access::kAnyone, echo));
  router.add(route(Method::kPost, "/open", Access::kAnyone, echo));
  router.add(route(Method::kPost, "/v1/telemetry", Access::kDevice,
                   [](const Request&, Responder respond) { respond(Response::no_content()); }));
  router.add(route(Method::kGet, "/v1/device", Access::kDevice, echo));
  router.add(route(Method::kGet, "/v1/admin", Access::kOperator, echo));
  http::Route import = route(Method::kPost, "/v1/import", Access::kOperator, echo);
  import.large_body = true;
  router.add(std::move(import));
  router.add(route(Method::kGet, "/v1/throw", Access::kAnyone, [](const Request&, Responder) {
    throw std::runtime_error("the handler failed");
  }));
  router.add(route(Method::kGet, "/v1/forget", Access::kAnyone, [](const Request&, Responder) {}));
  router.add(route(Method::kGet, "/v1/big", Access::kAnyone, [](const Request&, Responder respond) {
    Response response;
    response.body = std::string(3'000'000, 'x');
    respond(std::move(response));
  }));
  const auto park = [this](const Request&, Responder respond) {
    respond.on_close([this] {
      const std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    });
    const std::lock_guard lock(mutex_);
    parked_.push_back(std::move(respond));
    changed_.notify_all();
  };
  router.add(route(Method::kGet, "/v1/wait", Access::kAnyone, park));
  router.add(route(Method::kPost, "/v1/wait", Access::kAnyone, park));
  router.add(route(Method::kGet, "/files/{rest...}", Access::kAnyone,
                   [this](const Request& request, Responder respond) {
                     Response response;
                     http::FileBody file;
                     file.folder = folder_.path().string();
                     file.path = std::string(request.params[0]);
                     file.etag = "\"v1\"";
                     response.file = std::move(file);
                     respond(std::move(response));
                   }));
}

Identity HttpRig::device(const std::string& name) {
  return issue(*authority_, folder_.path() / "devices", name, std::chrono::hours(24));
}

Identity HttpRig::expired_device(const std::string& name) {
  const ManualClock past(clock_.wall() - std::chrono::hours(48));
  const auto then = must(pki::Authority::open_or_create(folder_.path() / "state", {}, past));
  return issue(then, folder_.path() / "devices", name, std::chrono::hours(1));
}

Identity HttpRig::foreign_device(const std::string& name) {
  const auto foreign = must(pki::Authority::open_or_create(folder_.path() / "foreign", {}, clock_));
  return issue(foreign, folder_.path() / "devices", name, std::chrono::hours(24));
}

Identity HttpRig::by_operator() const {
  const auto pki = folder_.path() / "state" / "pki";
  return {must(read_file(pki / "operator.crt", 10'000)),
          must(read_file(pki / "operator.key", 10'000))};
}

Identity HttpRig::server_as_client() const {
  const auto identity = authority_->server_identity();
  return {identity.certificate, std::string(identity.key.view())};
}

void HttpRig::revoke(const std::string& name) {
  const std::lock_guard lock(mutex_);
  revoked_.push_back(name);
}

std::vector<http::Responder> HttpRig::take_parked(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return parked_.size() >= count; });
  return std::exchange(parked_, {});
}

bool HttpRig::refused_for(const std::string& reason) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(
      lock, kPatience, [&] { return std::count(reasons_.begin(), reasons_.end(), reason) > 0; });
}

std::size_t HttpRig::closed_while_parked() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool HttpRig::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

}  // namespace ota::test

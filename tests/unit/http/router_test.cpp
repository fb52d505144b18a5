#include "http/router.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;

namespace {

Route route(Method method, std::string pattern) {
  Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  return made;
}

Router sample() {
  Router router;
  router.add(route(Method::kGet, "/v1/devices"));
  router.add(route(Method::kGet, "/v1/devices/{id}"));
  router.add(route(Method::kGet, "/v1/devices/self"));
  router.add(route(Method::kPost, "/v1/jobs/{id}/report"));
  router.add(route(Method::kGet, "/tuf/{rest...}"));
  return router;
}

std::string found(const Router& router, Method method, std::string_view path) {
  const Match match = router.match(method, path);
  return match.route == nullptr ? (match.path_known ? "other method" : "none")
                                : match.route->pattern;
}

}  // namespace

TEST_CASE("a path finds its route, literals before parameters", "[http]") {
  const Router router = sample();
  CHECK(found(router, Method::kGet, "/v1/devices") == "/v1/devices");
  CHECK(found(router, Method::kHead, "/v1/devices") == "/v1/devices");
  CHECK(found(router, Method::kGet, "/v1/devices/iot-001") == "/v1/devices/{id}");
  CHECK(found(router, Method::kGet, "/v1/devices/self") == "/v1/devices/self");
  CHECK(found(router, Method::kPost, "/v1/jobs/job-7/report") == "/v1/jobs/{id}/report");
  CHECK(found(router, Method::kGet, "/tuf/metadata/root.json") == "/tuf/{rest...}");
}

TEST_CASE("a path that fits no route is told from one with another method", "[http]") {
  const Router router = sample();
  for (const char* path : {"", "/", "v1/devices", "/v1/devices/", "/v1/devices/a/b", "/v1//devices",
                           "/v1/jobs//report", "/tuf/", "/tuf", "/v1/devicesX"}) {
    INFO(path);
    CHECK(found(router, Method::kGet, path) == "none");
  }
  CHECK(found(router, Method::kPost, "/v1/devices") == "other method");
  CHECK(found(router, Method::kGet, "/v1/jobs/job-7/report") == "other method");
  CHECK(router.allowed_methods("/v1/devices") == "GET, HEAD");
  CHECK(router.allowed_methods("/v1/jobs/7/report") == "POST");
}

TEST_CASE("parameters are what the braces matched, in order", "[http]") {
  const Router router = sample();
  const std::string path = "/tuf/targets/a/b.img";
  const Match match = router.match(Method::kGet, path);
  REQUIRE(match.params.size() == 1);
  CHECK(match.params[0] == "targets/a/b.img");
  CHECK(router.match(Method::kPost, "/v1/jobs/job-7/report").params[0] == "job-7");
  CHECK(router.match(Method::kPost, "/v1/devices").params.empty());
}

TEST_CASE("who may call a route is decided by the certificate's role", "[http]") {
  const auto peer = [](Role role, bool loopback = false) {
    Peer made;
    made.role = role;
    made.loopback = loopback;
    return made;
  };
  const struct {
    Access access;
    bool nobody, device, by_operator;
  } table[] = {
      {Access::kAnyone, true, true, true},
      {Access::kDevice, false, true, false},
      {Access::kOperator, false, false, true},
      {Access::kDeviceOrOperator, false, true, true},
      {Access::kLoopbackOrOperator, false, false, true},
  };
  for (const auto& row : table) {
    INFO(static_cast<int>(row.access));
    CHECK(authorize(row.access, peer(Role::kNone)).has_value() == row.nobody);
    CHECK(authorize(row.access, peer(Role::kDevice)).has_value() == row.device);
    CHECK(authorize(row.access, peer(Role::kOperator)).has_value() == row.by_operator);
  }
  CHECK(authorize(Access::kLoopbackOrOperator, peer(Role::kNone, true)).has_value());
}

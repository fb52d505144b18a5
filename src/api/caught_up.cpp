#include "api/caught_up.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/context.h"
#include "fleet/fleet.h"

namespace ota::api {
namespace {

// A request that outlives the connection's buffers.
class KeptRequest {
 public:
  explicit KeptRequest(const http::Request& request) : request_(request) {
    keep(request_.path);
    for (std::string_view& param : request_.params)
      keep(param);
    for (std::string_view* view : {&request_.body, &request_.if_none_match, &request_.range,
                                   &request_.authorization, &request_.host, &request_.user_agent})
      keep(*view);
    request_.spoken_for = nullptr;  // of the connection
  }
  const http::Request& request() const { return request_; }

 private:
  void keep(std::string_view& view) {
    texts_.push_back(std::make_unique<const std::string>(view));
    view = *texts_.back();
  }

  http::Request request_;
  std::vector<std::unique_ptr<const std::string>> texts_;
};

}  // namespace

http::Route caught_up(http::Route route, Context& context) {
  route.handler = [&context, handler = std::move(route.handler)](const http::Request& request,
                                                                 const http::Responder& respond) {
    const auto handle = [&context, handler, respond](const http::Request& asked) {
      if (asked.method == http::Method::kGet) context.ports.fleet.catch_up();
      handler(asked, respond);
    };
    if (!context.ports.behind || !context.ports.behind()) return handle(request);
    context.on_worker(respond, [&context, handle, kept = std::make_shared<KeptRequest>(request)] {
      context.ports.catch_up();
      handle(kept->request());
    });
  };
  return route;
}

}  // namespace ota::api

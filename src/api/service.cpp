#include "api/service.h"

#include <utility>

#include "api/caught_up.h"
#include "api/context.h"
#include "api/routes.h"

namespace ota::api {

struct Service::Impl {
  explicit Impl(Ports ports) : context(std::move(ports)) {
    http::Router all;
    add_public_routes(all, context);
    add_enrolment_routes(all, context);
    add_device_routes(all, context);
    add_tuf_routes(all, context);
    add_fleet_routes(all, context);
    add_ddi_routes(all, context);
    add_operator_routes(all, context);
    add_system_routes(all, context);
    add_audit_routes(all, context);
    auto table = std::make_shared<http::Router>();
    for (const http::Route& route : all.routes()) {
      const bool operators = route.access == http::Access::kOperator && !route.large_body;
      table->add(operators ? caught_up(route, context) : route);
    }
    router = std::move(table);
  }

  Context context;
  std::shared_ptr<const http::Router> router;
};

Service::Service(Ports ports) : impl_(std::make_unique<Impl>(std::move(ports))) {}
Service::~Service() = default;

std::shared_ptr<const http::Router> Service::router() const {
  return impl_->router;
}

void Service::wake_device(const std::string& device) {
  impl_->context.commands.wake(device);
}

void Service::tick() {
  impl_->context.commands.end_overdue();
  impl_->context.followers.tick();
}

void Service::close() {
  impl_->context.commands.close();
  impl_->context.followers.close();
}

}  // namespace ota::api

#include "main/ddi_listener.h"

#include "ddi/service.h"
#include "fleet/fleet.h"
#include "pki/authority.h"

namespace ota::main {

DdiListener::DdiListener(fleet::Fleet& fleet, const Clock& clock,
                         const std::filesystem::path& firmware)
    : service_(std::make_unique<ddi::Service>(fleet, clock, firmware)) {}
DdiListener::~DdiListener() = default;

std::unique_ptr<DdiListener> DdiListener::make(const model::ConsoleSettings& console,
                                               fleet::Fleet& fleet, const pki::Authority& authority,
                                               const std::filesystem::path& firmware,
                                               const Clock& clock, http::ServerHooks hooks) {
  if (!console.ddi.on) return nullptr;
  std::unique_ptr<DdiListener> listener(new DdiListener(fleet, clock, firmware));
  hooks.connection_closed = [service = listener->service_.get()](std::uint64_t connection) {
    service->connection_closed(connection);
  };
  hooks.knows_device = [&fleet](const std::string& name, const std::string& serial) {
    return fleet.admit(name, serial);
  };
  listener->server_ = std::make_unique<http::Server>(
      ddi::Service::server_options(console), authority.server_identity(),
      listener->service_->router(), std::move(hooks));
  return listener;
}

Result<void> DdiListener::start() {
  auto started = server_->start();
  return started ? started : started.error().within("ddi.listen");
}

std::uint16_t DdiListener::port() const {
  return server_->port();
}

http::ServerStats DdiListener::stats() const {
  return server_->stats();
}

void DdiListener::disconnect(const std::string& device) {
  server_->disconnect(device);
}

void DdiListener::apply(const model::ConsoleSettings& console) {
  server_->apply_limits(ddi::Service::server_options(console).limits);
}

Result<void> DdiListener::set_identity(const pki::ServerIdentity& identity) {
  return server_->set_identity(identity);
}

void DdiListener::drain(milliseconds patience) {
  service_->close();
  server_->drain(patience);
}

}  // namespace ota::main

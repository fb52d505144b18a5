// Who puts an old state back stands in the log, with what came, and cannot take that out again.
#include "store/log_import.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class ImportIsTold final : public Invariant {
  void answered(World&, const Device*, const Request& asked,
                const http::Response& answer) override {
    if (asked.target == "/v1/state/import" && answer.status == 204) ++imports_;
  }

  void server_started(World& world) override { check(world); }
  void settled(World& world) override { check(world); }

  void check(World& world) {
    const auto told = store::imports_of(*world.server().store());
    if (told && told->size() < imports_)
      breaks(std::to_string(imports_) + " states were put back, and the log tells " +
             std::to_string(told->size()));
  }

  std::size_t imports_ = 0;
};

}  // namespace

std::unique_ptr<Invariant> import_is_told() {
  return std::make_unique<ImportIsTold>();
}

}  // namespace ota::world

#include "main/rate_meter.h"

#include <utility>

namespace ota::main {
namespace {

constexpr milliseconds kWindow{1000};

}  // namespace

bool RateMeter::due() {
  const MonoTime now = clock_.mono();
  if (now < next_) return false;
  next_ = now + kWindow;
  return true;
}

void RateMeter::measure(const http::ServerStats& all, model::ServerStatus& status) {
  const std::uint64_t before = std::exchange(requests_before_, all.requests);
  // A server that started anew counts from nothing.
  const std::uint64_t requests = all.requests < before ? all.requests : all.requests - before;
  // By the time that went by: a busy host comes late.
  const MonoTime now = clock_.mono();
  const double took = std::chrono::duration<double>(now - measured_at_).count();
  measured_at_ = now;
  status.requests_per_second = took > 0 ? static_cast<double>(requests) / took : 0;
  status.connections = all.connections;
  status.errors_4xx = all.errors_4xx;
  status.errors_5xx = all.errors_5xx;
  status.refused_handshakes = all.refused_handshakes;
}

}  // namespace ota::main

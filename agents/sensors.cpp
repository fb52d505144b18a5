#include "agents/sensors.h"

#include "agents/image_markers.h"

namespace ota::agent {
namespace {

std::variant<HostMetrics, sim::SimulatedSensors> source_for(const std::string& profile,
                                                            std::uint64_t seed,
                                                            const std::filesystem::path& image) {
  const auto simulated = sim::parse_profile(profile);
  if (!simulated) return HostMetrics();
  return sim::SimulatedSensors(read_markers(image).profile.value_or(*simulated), seed);
}

}  // namespace

Sensors::Sensors(const std::string& profile, std::uint64_t seed, const std::filesystem::path& image,
                 const Clock& clock)
    : clock_(clock), start_(clock.mono()), source_(source_for(profile, seed, image)) {}

sim::Readings Sensors::read() {
  if (auto* host = std::get_if<HostMetrics>(&source_)) return host->read();
  const std::chrono::duration<double> uptime = clock_.mono() - start_;
  return std::get<sim::SimulatedSensors>(source_).read(uptime.count());
}

}  // namespace ota::agent

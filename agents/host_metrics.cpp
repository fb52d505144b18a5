#include "agents/host_metrics.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/file.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kProcBytes = 1U << 20;  // /proc/stat grows with the number of interrupts

std::string_view next_word(std::string_view& rest) {
  const auto start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  const auto end = std::min(rest.find_first_of(" \t\n", start), rest.size());
  const auto word = rest.substr(start, end - start);
  rest.remove_prefix(end);
  return word;
}

template <class Number>
std::optional<Number> number(std::string_view word) {
  Number value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> meminfo_field(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + name.size());
  return number<std::uint64_t>(next_word(rest));
}

double rounded(double value) {
  return std::round(value * 10) / 10;
}

}  // namespace

std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat) {
  // "cpu  user nice system idle iowait irq softirq steal guest guest_nice" (proc(5)); guest is part
  // of user.
  constexpr std::size_t kFields = 8;
  constexpr std::size_t kIdle = 3;
  constexpr std::size_t kIoWait = 4;
  if (!proc_stat.starts_with("cpu ")) return std::nullopt;
  std::string_view rest = proc_stat.substr(4, proc_stat.find('\n') == std::string_view::npos
                                                  ? std::string_view::npos
                                                  : proc_stat.find('\n') - 4);
  CpuTicks ticks;
  for (std::size_t i = 0; i < kFields; ++i) {
    const auto field = number<std::uint64_t>(next_word(rest));
    if (!field && i <= kIdle) return std::nullopt;
    ticks.all += field.value_or(0);
    if (i != kIdle && i != kIoWait) ticks.busy += field.value_or(0);
  }
  return ticks;
}

std::optional<double> parse_memory_percent(std::string_view proc_meminfo) {
  const auto total = meminfo_field(proc_meminfo, "MemTotal:");
  const auto available = meminfo_field(proc_meminfo, "MemAvailable:");
  if (!total || !available || *total == 0 || *available > *total) return std::nullopt;
  return rounded(100.0 * static_cast<double>(*total - *available) / static_cast<double>(*total));
}

HostMetrics::HostMetrics(fs::path root) : root_(std::move(root)) {
  find_sensors();
  cpu();
}

void HostMetrics::find_sensors() {
  constexpr std::size_t kMostSensors = 16;
  std::error_code error;
  for (fs::directory_iterator zone(root_ / "sys/class/thermal", error), end; !error && zone != end;
       zone.increment(error)) {
    if (zone->path().filename().string().starts_with("thermal_zone"))
      sensors_.push_back(zone->path() / "temp");
  }
  if (sensors_.empty()) {
    error.clear();
    for (fs::directory_iterator chip(root_ / "sys/class/hwmon", error), end; !error && chip != end;
         chip.increment(error)) {
      sensors_.push_back(chip->path() / "temp1_input");
    }
  }
  std::sort(sensors_.begin(), sensors_.end());
  if (sensors_.size() > kMostSensors) sensors_.resize(kMostSensors);
}

std::optional<double> HostMetrics::cpu() {
  const auto text = read_file(root_ / "proc/stat", kProcBytes);
  const auto now = text ? parse_cpu_ticks(*text) : std::nullopt;
  const auto before = std::exchange(last_, now);
  if (!now || !before || now->all <= before->all || now->busy < before->busy) return std::nullopt;
  const double share =
      static_cast<double>(now->busy - before->busy) / static_cast<double>(now->all - before->all);
  return rounded(std::clamp(100.0 * share, 0.0, 100.0));
}

std::optional<double> HostMetrics::disk() const {
  struct statvfs info {};
  if (::statvfs(root_.c_str(), &info) != 0 || info.f_blocks == 0) return std::nullopt;
  const auto used = static_cast<double>(info.f_blocks - info.f_bfree);
  const double usable = used + static_cast<double>(info.f_bavail);  // as df has it
  if (usable <= 0) return std::nullopt;
  return rounded(100.0 * used / usable);
}

std::optional<double> HostMetrics::temperature() const {
  std::optional<double> hottest;
  for (const fs::path& sensor : sensors_) {
    const auto text = read_file(sensor, 64);
    if (!text) continue;
    const auto thousandths = number<long>(std::string_view(*text).substr(0, text->find('\n')));
    if (!thousandths) continue;
    const double degrees = rounded(static_cast<double>(*thousandths) / 1000);
    if (degrees < -60 || degrees > 150) continue;  // a sensor that is not there says such things
    hottest = std::max(hottest.value_or(degrees), degrees);
  }
  return hottest;
}

sim::Readings HostMetrics::read() {
  sim::Readings readings;
  const auto at = [&](model::Metric metric) -> std::optional<double>& {
    return readings[static_cast<std::size_t>(metric)];
  };
  at(model::Metric::kCpu) = cpu();
  const auto memory = read_file(root_ / "proc/meminfo", kProcBytes);
  if (memory) at(model::Metric::kMem) = parse_memory_percent(*memory);
  at(model::Metric::kDisk) = disk();
  at(model::Metric::kTemp) = temperature();
  return readings;
}

}  // namespace ota::agent

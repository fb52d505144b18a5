#include "tests/bench/measure.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

namespace ota::bench {

namespace fs = std::filesystem;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

namespace {

double middle_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

double Series::median() const {
  return middle_of(values_);
}

double Series::low() const {
  return values_.empty() ? 0 : *std::min_element(values_.begin(), values_.end());
}

double Series::high() const {
  return values_.empty() ? 0 : *std::max_element(values_.begin(), values_.end());
}

double Series::ratio_to(const Series& other) const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(values_.size(), other.values_.size()); ++i) {
    if (other.values_[i] > 0) ratios.push_back(values_[i] / other.values_[i]);
  }
  return middle_of(std::move(ratios));
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string Series::text(int decimals) const {
  if (values_.size() < 2) return fixed(median(), decimals);
  return fixed(median(), decimals) + " (" + fixed(low(), decimals) + " to " +
         fixed(high(), decimals) + ")";
}

double cpu_of(pid_t pid) {
  double total = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    total += nanoseconds / 1e9;
  }
  return total;
}

double own_thread_cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double rss_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "VmRSS:" && file >> value) return value;
  }
  return 0;
}

void pin_self(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  for (int i = 0; i < cores; ++i) {
    if (core == kAnyCore || i == core % cores) CPU_SET(static_cast<unsigned>(i), &set);
  }
  // A container may forbid it: then nothing is pinned, for nobody.
  static_cast<void>(::sched_setaffinity(0, sizeof set, &set));
}

BeforeOthers::BeforeOthers() {
  const sched_param least{.sched_priority = ::sched_get_priority_min(SCHED_FIFO)};
  static_cast<void>(::sched_setscheduler(0, SCHED_FIFO, &least));
}

BeforeOthers::~BeforeOthers() {
  const sched_param none{.sched_priority = 0};
  static_cast<void>(::sched_setscheduler(0, SCHED_OTHER, &none));
}

Met met_if(bool holds) {
  return holds ? Met::kYes : Met::kNo;
}

}  // namespace ota::bench

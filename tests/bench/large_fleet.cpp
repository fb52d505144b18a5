#include "tests/bench/large_fleet.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "api/telemetry_decode.h"
#include "base/file.h"
#include "base/json.h"
#include "model/device.h"
#include "tests/bench/measure.h"
#include "tests/bench/noise.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDigest = "5d2f9bd4a9a8f4cb2cbb8c9ddbd8b1a7a1a4ed1f9c5a3a3e8c4a6a1e1f0b2c3d";

WallTime start_time() {
  const WallTime minute = std::chrono::floor<std::chrono::minutes>(SystemClock().wall());
  return minute + std::chrono::seconds(1);
}

model::DeviceRecord record_of(std::size_t number) {
  model::DeviceRecord record;
  record.id = device_name(number);
  record.enrolled = true;
  record.hardware = "sim-a";
  record.agent = "ota-sim 1.0.0";
  record.slot = "A";
  record.certificate_serial = "01";
  record.key_fingerprint = std::string(64, 'a');
  record.facts.confirmed = model::Image{model::Version(2, 1, 4), kDigest};
  record.facts.booted = record.facts.confirmed;
  record.trusted.push_back(*record.facts.confirmed);
  return record;
}

void write_records(store::Store& store, std::size_t devices) {
  store::Batch batch;
  for (std::size_t i = 0; i < devices; ++i) {
    batch.puts.push_back({"devices", device_name(i), dump_json(Json(record_of(i)))});
    if (batch.puts.size() < 1000 && i + 1 < devices) continue;
    store.commit(std::move(batch), {});
    batch = {};
  }
  if (!store.flush()) throw std::runtime_error("the store takes no devices");
}

std::unique_ptr<store::Store> open_store_of(const fs::path& root, const Clock& clock) {
  fs::create_directories(root / "state");
  auto opened = store::open_store("sqlite:state/ota.db", root.string(), clock);
  if (!opened) throw std::runtime_error(opened.error().text());
  return std::move(*opened);
}

std::shared_ptr<const model::Settings> settings_of(std::size_t devices, std::uint32_t history) {
  auto settings = std::make_shared<model::Settings>();
  settings->console.history_samples = history;
  for (std::size_t i = 0; i < devices; ++i) {
    model::DeviceSpec spec;
    spec.id = device_name(i);
    spec.hardware = "sim-a";
    spec.group = "fleet";
    settings->whitelist.devices.push_back(std::move(spec));
  }
  return settings;
}

}  // namespace

std::string device_name(std::size_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "d-%06zu", number);
  return text.data();
}

void write_large_root(const fs::path& root, std::size_t devices, const Clock& clock) {
  fs::create_directories(root / "config");
  Json list = Json::array();
  for (std::size_t i = 0; i < devices; ++i) {
    list.push_back(
        {{"id", device_name(i)}, {"hardware", "sim-a"}, {"group", "fleet"}, {"notes", ""}});
  }
  const auto write = [&](const char* name, const Json& document) {
    if (!write_file_durably(root / "config" / name, document.dump())) {
      throw std::runtime_error(std::string("cannot write ") + name);
    }
  };
  write("devices.json", Json{{"devices", std::move(list)}});
  write("console.json",
        Json{{"listen", {{"address", "127.0.0.1"}, {"port", 0}}}, {"agents", Json::array()}});
  write_records(*open_store_of(root, clock), devices);
}

LargeFleet::LargeFleet(const fs::path& root, std::size_t devices, std::uint32_t history)
    : clock_(start_time()), devices_(devices), store_(open_store_of(root, clock_)) {
  write_records(*store_, devices);
  fleet_ = std::make_unique<fleet::Fleet>(*store_, clock_, strand_, settings_of(devices, history));
  if (auto loaded = fleet_->load(); !loaded) throw std::runtime_error(loaded.error().text());
}

// CPU of the thread and not time: what else the machine does is not the task's.
void TimedExecutor::post(Task task) {
  thread_.post([this, task = std::move(task)] {
    const double before = own_thread_cpu();
    task();
    const auto took = static_cast<std::int64_t>((own_thread_cpu() - before) * 1e9);
    if (took > longest_ns_) longest_ns_ = took;
  });
}

double TimedExecutor::take_longest_ms() {
  return static_cast<double>(longest_ns_.exchange(0)) / 1e6;
}

void LargeFleet::post(std::size_t device) {
  static thread_local std::vector<model::Sample> samples;
  std::array<char, 320> body;
  const std::uint64_t number = seq_ * devices_ + device;
  const int length =
      std::snprintf(body.data(), body.size(),
                    "{\"seq\":%" PRIu64
                    ",\"boot_id\":\"%032zx\",\"time\":\"%s\",\"cpu\":%.2f,"
                    "\"mem\":%.2f,\"disk\":%.2f,\"temp\":%.2f}",
                    seq_, device + 1, format_rfc3339(clock_.wall()).c_str(), 12 + noise(number, 0),
                    35 + noise(number, 1), 40 + noise(number, 2), 44 + noise(number, 3));
  const std::string name = device_name(device);
  if (!api::decode_telemetry({body.data(), static_cast<std::size_t>(length)}, {10, 16}, samples) ||
      !fleet_->admit(name, "01") || !fleet_->ingest(name, samples).refused.empty()) {
    throw std::runtime_error("a sample was refused");
  }
}

void LargeFleet::tick() {
  fleet_->tick();
  strand_.drain();
}

void LargeFleet::settle() {
  fleet_->drain();
}

void LargeFleet::second() {
  constexpr std::size_t kTicks = 4;
  ++seq_;
  for (std::size_t tick = 0; tick < kTicks; ++tick) {
    const std::size_t end = devices_ * (tick + 1) / kTicks;
    for (std::size_t i = devices_ * tick / kTicks; i < end; ++i)
      post(i);
    fleet_->tick();
    clock_.advance(std::chrono::milliseconds(1000 / kTicks));
  }
}

}  // namespace ota::bench

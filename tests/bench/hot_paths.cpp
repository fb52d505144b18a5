// The hot paths by themselves, some rounds of one: `hot-paths NAME ROUNDS`. `make bench-check`
// counts the instructions of two runs under callgrind; their difference is the cost of the rounds
// between.
//
// Everything is made in memory with a clock that stands still, so that each run executes the same
// instructions.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>

#include "anomaly/detector.h"
#include "api/telemetry_decode.h"
#include "audit/merkle.h"
#include "console/model.h"
#include "console/views/scene.h"
#include "fleet/fleet.h"
#include "gate/gate.h"
#include "store/event_document.h"
#include "tests/bench/noise.h"
#include "tests/support/hand_executor.h"
#include "tests/support/memory_store.h"

namespace {

using namespace ota;
using Round = std::function<void(std::uint64_t number)>;

const WallTime kStart = WallTime(seconds(1'800'000'000));

model::Sample sample_at(std::uint64_t number, WallTime at) {
  model::Sample sample;
  sample.seq = number + 1;
  sample.boot = {1, 1};
  sample.at = at;
  sample.values = {12 + bench::noise(number, 0), 35 + bench::noise(number, 1),
                   40 + bench::noise(number, 2), 44 + bench::noise(number, 3)};
  return sample;
}

std::string id_of(std::size_t number) {
  std::string digits = std::to_string(number);
  return "d-" + std::string(6 - digits.size(), '0') + digits;
}

// Some devices that are enrolled and run v2.1.4.
class Devices {
 public:
  explicit Devices(std::size_t count) {
    auto settings = std::make_shared<model::Settings>();
    for (std::size_t i = 0; i < count; ++i) {
      ids_.push_back(id_of(i));
      settings->whitelist.devices.push_back({ids_.back(), "sim-a", "line-1", ""});
      model::DeviceRecord record;
      record.id = ids_.back();
      record.enrolled = true;
      record.certificate_serial = "01";
      record.facts.confirmed = model::Image{model::Version(2, 1, 4), std::string(64, 'a')};
      store_.documents["devices"][ids_.back()] = dump_json(Json(record));
    }
    fleet_ = std::make_unique<fleet::Fleet>(store_, clock_, strand_, settings);
    if (!fleet_->load()) throw std::runtime_error("no devices");
    for (int i = 0; i < 8; ++i) {
      for (std::size_t device = 0; device < count; ++device)
        post(device);
      settle();
    }
  }

  void post(std::size_t device) {
    const std::string& id = ids_[device];
    const model::Sample sample = sample_at(seq_++, clock_.wall());
    if (!fleet_->admit(id, "01") || fleet_->ingest(id, {&sample, 1}).accepted != 1) {
      throw std::runtime_error("a sample was refused");
    }
  }
  void settle() {
    clock_.advance(milliseconds(250));
    fleet_->tick();
    if (!store_.flush()) throw std::runtime_error("flush");
  }
  void advance() { clock_.advance(milliseconds(1)); }
  std::size_t count() const { return ids_.size(); }
  fleet::Fleet& fleet() { return *fleet_; }
  WallTime now() const { return clock_.wall(); }

 private:
  ManualClock clock_{kStart};
  test::MemoryStore store_;
  test::ImmediateExecutor strand_;
  std::vector<std::string> ids_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::uint64_t seq_ = 0;
};

Round decode_path() {
  return [samples = std::vector<model::Sample>()](std::uint64_t) mutable {
    constexpr std::string_view kBody =
        R"({"seq":4711,"boot_id":"00112233445566778899aabbccddeeff","time":"2026-08-20T14:03:22.123Z",)"
        R"("cpu":12.34,"mem":35.1,"disk":40.02,"temp":44.25,"note":"a member of a newer agent"})";
    if (!api::decode_telemetry(kBody, {10, 16}, samples)) throw std::runtime_error("decode");
  };
}

Round detector_path() {
  const auto detector = std::make_shared<anomaly::DeviceDetector>(model::Thresholds{});
  return [detector](std::uint64_t number) {
    const WallTime at = kStart + seconds(static_cast<std::int64_t>(number));
    detector->observe(sample_at(number, at), at);
    if (number > 10 && detector->level(at) != model::Level::kStable) {
      throw std::runtime_error("not stable");
    }
  };
}

Round gate_path() {
  gate::Input input;
  input.now = kStart;
  input.device = "d-000001";
  input.spec = model::DeviceSpec{"d-000001", "sim-a", "line-1", ""};
  model::DeviceRecord record;
  record.id = input.device;
  record.enrolled = true;
  record.certificate_expires = kStart + seconds(3600);
  record.facts.confirmed = model::Image{model::Version(2, 1, 4), std::string(64, 'a')};
  record.facts.booted = record.facts.confirmed;
  input.record = record;
  input.online = true;
  input.silent_for = milliseconds(800);
  input.verdict.level = model::Level::kStable;
  input.verdict.label = "Stable";
  input.release.version = model::Version(2, 1, 5);
  input.release.hardware = {"sim-a"};
  input.release.sha256 = std::string(64, 'b');
  input.confirmed_published_sha256 = std::string(64, 'a');
  return [input](std::uint64_t) {
    if (gate::evaluate(input).answer != model::Answer::kAllow) throw std::runtime_error("gate");
  };
}

Round ingest_path() {
  const auto devices = std::make_shared<Devices>(64);
  return [devices](std::uint64_t number) {
    devices->advance();
    devices->post(number % devices->count());
  };
}

Round snapshot_path() {
  const auto devices = std::make_shared<Devices>(1000);
  return [devices](std::uint64_t number) {
    for (std::uint64_t i = 0; i < 100; ++i)
      devices->post((number * 100 + i) % devices->count());
    devices->settle();
  };
}

Round frame_path() {
  const auto devices = std::make_shared<Devices>(200);
  struct Picture {
    console::Model model;
    console::UiState state;
  };
  const auto picture = std::make_shared<Picture>();
  picture->model.agents = std::make_shared<const console::Agents>();
  picture->model.server.phase = model::ServerStatus::Phase::kUp;
  picture->state.device = id_of(3);
  return [devices, picture](std::uint64_t number) {
    devices->post(number % devices->count());
    devices->settle();
    picture->model.now = devices->now();
    picture->model.fleet = devices->fleet().snapshot();
    picture->model.detail = devices->fleet().detail(picture->state.device);
    console::arrange(picture->model, picture->state);
    const console::Canvas canvas =
        console::draw_screen(picture->model, picture->state, {120, 40}, {});
    if (canvas.size().rows != 40) throw std::runtime_error("frame");
  };
}

Round event_path() {
  model::Event event;
  event.at = kStart;
  event.kind = "verdict.stable";
  event.source = "d-000001";
  event.message = "d-000001 is stable";
  return [event](std::uint64_t number) mutable {
    event.id = "1.7." + std::to_string(number) + ".1";
    if (audit::leaf_hash(store::event_document(event)) == audit::Hash{})
      throw std::runtime_error("event");
  };
}

struct Path {
  const char* name;
  Round (*make)();
};

constexpr Path kPaths[] = {
    {"decode", &decode_path}, {"detector", &detector_path}, {"ingest", &ingest_path},
    {"gate", &gate_path},     {"event", &event_path},       {"snapshot", &snapshot_path},
    {"frame", &frame_path},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Path& path : kPaths) {
    if (argc != 3 || std::string_view(argv[1]) != path.name) continue;
    const Round round = path.make();
    const std::uint64_t rounds = std::strtoull(argv[2], nullptr, 10);
    for (std::uint64_t i = 0; i < rounds; ++i)
      round(i);
    return 0;
  }
  std::cerr << "usage: hot-paths NAME ROUNDS\n";
  return 2;
}

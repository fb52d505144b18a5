#include "sim/liar.h"

namespace ota::sim {
namespace {

constexpr std::uint64_t kBeginning = 30;  // samples of a lie that needs a past to lie about
constexpr std::size_t kRecording = 20;
constexpr std::size_t kCpu = static_cast<std::size_t>(model::Metric::kCpu);
constexpr std::size_t kMem = static_cast<std::size_t>(model::Metric::kMem);
constexpr std::size_t kTemp = static_cast<std::size_t>(model::Metric::kTemp);

}  // namespace

Liar::Liar(Lie lie, std::uint64_t seed)
    : lie_(lie),
      sensors_(Profile::kStable, seed),
      boot_{seed, static_cast<std::uint64_t>(lie) << 32} {}

bool Liar::mines() const {
  constexpr std::uint64_t kDay = 288;  // samples
  constexpr std::uint64_t kHonestDays = 2;
  constexpr std::uint64_t kNight = 9;
  if (lie_ == Lie::kNightly) return sent_ >= kHonestDays * kDay && sent_ % kDay < kNight;
  return lie_ == Lie::kMining;
}

Readings Liar::readings() {
  const bool records = lie_ == Lie::kReplayed;
  const bool frozen = lie_ == Lie::kPerfect && !recorded_.empty();
  if (records && recorded_.size() == kRecording) return recorded_[sent_ % kRecording];
  if (frozen) return recorded_.front();
  Readings now = sensors_.read(static_cast<double>(sent_));
  if (lie_ == Lie::kStuck && sent_ > kBeginning) now[kCpu] = recorded_.front()[kCpu];
  if (lie_ == Lie::kMissing && sent_ > kBeginning) now[kCpu].reset();
  if (lie_ == Lie::kImpossible && sent_ % 2 == 1) now[kCpu] = 250;
  if (lie_ == Lie::kDrifting) *now[kMem] += static_cast<double>(sent_) / 80;
  if (lie_ == Lie::kHot) *now[kTemp] += 25;
  if (lie_ == Lie::kDropping) *now[kTemp] += static_cast<double>(sent_) / 2;
  if (lie_ == Lie::kDropping && sent_ > kBeginning) now[kTemp].reset();
  if (mines()) {
    *now[kCpu] += 50;
    *now[kTemp] += 12;
  }
  if (lie_ == Lie::kJustUnder) now[kCpu] = 89.2 + 0.1 * static_cast<double>(sent_ * 7 % 8);
  if (recorded_.size() < kRecording) recorded_.push_back(now);
  return now;
}

Json Liar::next(WallTime now) {
  constexpr std::chrono::hours kAside{1};
  constexpr std::uint64_t kHigh = 1'000'000;
  if (lie_ == Lie::kRestarting && sent_ % 3 == 0) ++boot_.low;
  std::uint64_t seq = sent_ + 1;
  if (lie_ == Lie::kRepeated) seq = sent_ / 3 + 1;
  if (lie_ == Lie::kBackwards) seq = kHigh - sent_;
  if (lie_ == Lie::kFuture) now += kAside;
  if (lie_ == Lie::kOld) now -= kAside;
  Json sample{{"seq", seq}, {"boot_id", boot_.text()}, {"time", format_rfc3339(now)}};
  const Readings values = readings();
  for (const auto& [metric, word] : model::kMetricWords) {
    const auto& value = values[static_cast<std::size_t>(metric)];
    if (value) sample[std::string(word)] = *value;
  }
  ++sent_;
  return sample;
}

}  // namespace ota::sim

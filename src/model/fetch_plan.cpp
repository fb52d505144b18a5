#include "model/fetch_plan.h"

#include <algorithm>

#include "base/json_numbers.h"
#include "base/text.h"

namespace ota::model {
namespace {

std::string instead(std::uint64_t bytes, std::uint64_t image_bytes) {
  const std::string own = format_bytes(bytes);
  return bytes == image_bytes ? own : own + " instead of " + format_bytes(image_bytes);
}

}  // namespace

FetchPlan plan_fetch(const Release& release, std::string_view running, Shorter files) {
  FetchPlan plan{FetchWay::kWhole, release.length, release.length};
  if (files == Shorter::kNotTaken) return plan;
  for (const ShorterFile& file : release.shorter) {
    const FetchWay way = way_of(file.from, file.length, running, release.length);
    if (way >= plan.way) continue;  // of two alike the first is taken
    plan.way = way;
    plan.bytes = file.length;
    plan.from = file.from_version;
  }
  return plan;
}

void FetchSum::add(const FetchPlan& plan) {
  Part& part = parts.at(static_cast<std::size_t>(plan.way));
  ++part.devices;
  part.bytes += plan.bytes;
  image_bytes += plan.image_bytes;
}

std::uint64_t FetchSum::devices() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts)
    sum += part.devices;
  return sum;
}

std::uint64_t FetchSum::bytes() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts)
    sum += part.bytes;
  return sum;
}

std::string describe(const FetchPlan& plan) {
  std::string words;
  if (plan.way == FetchWay::kPatch) words = "patch from " + plan.from.label() + ": ";
  if (plan.way == FetchWay::kPacked) words = "packed: ";
  return words + instead(plan.bytes, plan.image_bytes);
}

std::string describe(const FetchSum& sum) {
  const std::uint64_t devices = sum.devices();
  if (devices == 0) return {};
  const bool alike = std::ranges::any_of(
      sum.parts, [&](const FetchSum::Part& part) { return part.devices == devices; });
  // Images of several models are not of one length: then no device's share is said.
  const bool even = sum.bytes() % devices == 0 && sum.image_bytes % devices == 0;
  if (alike && even) {
    const std::string each = instead(sum.bytes() / devices, sum.image_bytes / devices);
    return devices == 1 ? each : std::to_string(devices) + " devices × " + each;
  }
  std::string words = instead(sum.bytes(), sum.image_bytes);
  constexpr std::array<std::string_view, kFetchWays> kWords{" by patch ", " packed ", " whole "};
  for (std::size_t i = 0; i < kFetchWays; ++i) {
    const FetchSum::Part& part = sum.parts.at(i);
    if (part.devices == 0) continue;
    words += (words.find(':') == std::string::npos ? ": " : ", ") + std::to_string(part.devices) +
             std::string(kWords.at(i)) + format_bytes(part.bytes);
  }
  return words;
}

void to_json(nlohmann::json& out, const FetchPlan& plan) {
  out = nlohmann::json{{"way", plan.way}, {"bytes", plan.bytes}, {"image_bytes", plan.image_bytes}};
  if (plan.way == FetchWay::kPatch) out["from"] = plan.from;
}
void from_json(const nlohmann::json& in, FetchPlan& plan) {
  in.at("way").get_to(plan.way);
  in.at("bytes").get_to(plan.bytes);
  in.at("image_bytes").get_to(plan.image_bytes);
  if (in.contains("from")) in.at("from").get_to(plan.from);
}

void to_json(nlohmann::json& out, const FetchSum& sum) {
  out = nlohmann::json{{"devices", sum.devices()},
                       {"bytes", sum.bytes()},
                       {"image_bytes", sum.image_bytes},
                       {"words", describe(sum)}};
  for (const auto& [way, word] : kFetchWayWords) {
    const FetchSum::Part& part = sum.parts.at(static_cast<std::size_t>(way));
    out[std::string(word)] = {{"devices", part.devices}, {"bytes", part.bytes}};
  }
}

}  // namespace ota::model

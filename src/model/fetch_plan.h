// What an update makes its device fetch: a patch of the image that runs there, the packed image, or
// the image as such; and the sum of that over the devices of one push.
//
// The agent takes its ways in the same order (agents/update_ways.cpp), by way_of(). A plan is of what
// is known before: a patch that does not lead to the image is followed by the packed image.
//
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "model/enum_text.h"
#include "model/release.h"

namespace ota::model {

// The best one first.
enum class FetchWay : std::uint8_t { kPatch, kPacked, kWhole };
inline constexpr std::size_t kFetchWays = 3;
inline constexpr EnumTable<FetchWay, kFetchWays> kFetchWayWords{
    {{FetchWay::kPatch, "patch"}, {FetchWay::kPacked, "packed"}, {FetchWay::kWhole, "whole"}}};
OTA_ENUM_TEXT(FetchWay, parse_fetch_way, kFetchWayWords)

// What a file of `length` bytes, made of the image `from` (empty: of nothing), is to a device that
// runs the image `running` and is to have one of `image_length` bytes; kWhole: no shorter way.
constexpr FetchWay way_of(std::string_view from, std::uint64_t length, std::string_view running,
                          std::uint64_t image_length) {
  if (length >= image_length) return FetchWay::kWhole;
  if (from.empty()) return FetchWay::kPacked;
  return from == running ? FetchWay::kPatch : FetchWay::kWhole;
}

// Of one device.
struct FetchPlan {
  FetchWay way = FetchWay::kWhole;
  std::uint64_t bytes = 0;        // to be fetched
  std::uint64_t image_bytes = 0;  // of the image
  Version from{};                 // that a patch is made from
  bool operator==(const FetchPlan&) const = default;
};

// Whether the device's update client makes images of other files.
enum class Shorter : std::uint8_t { kNotTaken, kTaken };
// `running`: sha256 of the image that it has confirmed; empty where that is not known.
FetchPlan plan_fetch(const Release& release, std::string_view running, Shorter files);

// Of the devices of a push.
struct FetchSum {
  struct Part {
    std::uint64_t devices = 0;
    std::uint64_t bytes = 0;
  };
  std::array<Part, kFetchWays> parts{};  // by FetchWay
  std::uint64_t image_bytes = 0;         // what whole images would be

  void add(const FetchPlan& plan);
  std::uint64_t devices() const;
  std::uint64_t bytes() const;
};

// "patch from v2.1.4: 1.6 MiB instead of 64.0 MiB", "packed: 11.5 MiB instead of 64.0 MiB",
// "64.0 MiB".
std::string describe(const FetchPlan& plan);
// "12 devices × 1.6 MiB instead of 64.0 MiB" where all fetch the same, else "20.8 MiB instead of
// 192.0 MiB: 1 by patch 1.6 MiB, 2 packed 19.2 MiB"; empty for no device.
std::string describe(const FetchSum& sum);

void to_json(nlohmann::json& out, const FetchPlan& plan);
void from_json(const nlohmann::json& in, FetchPlan& plan);
void to_json(nlohmann::json& out, const FetchSum& sum);

}  // namespace ota::model

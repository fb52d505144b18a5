#include "model/fetch_plan.h"

#include "base/json.h"
#include "tests/support/catch.h"

using namespace ota;
using model::FetchPlan;
using model::FetchSum;
using model::FetchWay;
using model::Shorter;
using model::Version;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

model::Release release() {
  model::Release out;
  out.length = 64 * kMiB;
  out.shorter = {
      {"", {}, 12 * kMiB}, {"a", Version(2, 1, 4), 2 * kMiB}, {"b", Version(2, 1, 3), 64 * kMiB}};
  return out;
}

}  // namespace

TEST_CASE("a device fetches the patch from what it runs, else the packed image, else the image",
          "[model]") {
  const auto plan = model::plan_fetch(release(), "a", Shorter::kTaken);
  CHECK(plan == FetchPlan{FetchWay::kPatch, 2 * kMiB, 64 * kMiB, Version(2, 1, 4)});
  CHECK(describe(plan) == "patch from v2.1.4: 2.0 MiB instead of 64.0 MiB");
  // A patch that is no shorter than the image is none; an image that is not known has none.
  for (const char* running : {"b", "c", ""}) {
    const auto packed = model::plan_fetch(release(), running, Shorter::kTaken);
    CHECK(packed.way == FetchWay::kPacked);
    CHECK(describe(packed) == "packed: 12.0 MiB instead of 64.0 MiB");
  }
  // An agent of an earlier release, and a DDI client.
  const auto whole = model::plan_fetch(release(), "a", Shorter::kNotTaken);
  CHECK(whole == FetchPlan{FetchWay::kWhole, 64 * kMiB, 64 * kMiB, {}});
  CHECK(describe(whole) == "64.0 MiB");
}

TEST_CASE("the plan of a push says how many devices fetch what, and what they fetch together",
          "[model]") {
  const FetchPlan patch{FetchWay::kPatch, 2 * kMiB, 64 * kMiB, Version(2, 1, 4)};
  const FetchPlan packed{FetchWay::kPacked, 12 * kMiB, 64 * kMiB, {}};
  const FetchPlan whole{FetchWay::kWhole, 64 * kMiB, 64 * kMiB, {}};
  FetchSum sum;
  CHECK(describe(sum).empty());
  sum.add(patch);
  CHECK(describe(sum) == "2.0 MiB instead of 64.0 MiB");
  for (int i = 0; i < 11; ++i)
    sum.add(patch);
  CHECK(describe(sum) == "12 devices × 2.0 MiB instead of 64.0 MiB");
  sum.add(packed);
  sum.add(whole);
  CHECK(describe(sum) ==
        "100.0 MiB instead of 896.0 MiB: 12 by patch 24.0 MiB, 1 packed 12.0 MiB, 1 whole "
        "64.0 MiB");
  const Json json = sum;
  CHECK(json["devices"] == 14);
  CHECK(json["bytes"] == 100 * kMiB);
  CHECK(json["image_bytes"] == 896 * kMiB);
  CHECK(json["patch"] == Json{{"devices", 12}, {"bytes", 24 * kMiB}});
  CHECK(json["words"] == describe(sum));

  FetchSum wholes;
  wholes.add(whole);
  wholes.add(whole);
  CHECK(describe(wholes) == "2 devices × 64.0 MiB");
  // Of images of two lengths no device's share is said.
  FetchSum two;
  two.add({FetchWay::kPatch, 2 * kMiB, 64 * kMiB, {}});
  two.add({FetchWay::kPatch, kMiB + 1, 32 * kMiB, {}});
  CHECK(describe(two) == "3.0 MiB instead of 96.0 MiB: 2 by patch 3.0 MiB");
}

// What a device does or does not do, counted: an exact test beside the controls, and evidence that
// may be asked at any time where no control exists.
//
// Pure; any thread.
#pragma once

#include <cstdint>

namespace ota::rollout {

// P(X >= k) of the bad ones among `drawn` devices out of `total`, `bad` of which are bad in all
// (the hypergeometric tail of Fisher's exact test). `drawn` and `bad` are at most `total`.
double hyper_sf(std::uint64_t k, std::uint64_t drawn, std::uint64_t bad, std::uint64_t total);

// The evidence of `failed` of `ended` updates against every failure rate up to `acceptable`
// (between 0 and 1, both left out): a mixture of likelihood ratios over the rates above it. Without
// an effect it ever reaches 1/a with a chance of at most a, however often it is asked (Ville 1939;
// Robbins 1970; Howard et al. 2021).
double failure_evidence(std::uint64_t failed, std::uint64_t ended, double acceptable);

// The fewest failures of `ended` updates whose evidence is at least `least`; ended + 1 where all of
// them would not be enough.
std::uint64_t failures_that_halt(std::uint64_t ended, double acceptable, double least);

}  // namespace ota::rollout

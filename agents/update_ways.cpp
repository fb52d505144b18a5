// How the image comes: by a patch from what runs here, packed, or as such.
//
// Each way makes the same image from its beginning, so the next one goes on where the last one
// stopped. Never more is fetched than the patch and the packed image together (with a base that was
// mended: 1.6 times the packed image), and the image only where neither led to it.
#include <algorithm>

#include "agents/update_machine.h"
#include "base/text.h"
#include "delta/error.h"
#include "model/failure_code.h"

namespace ota::agent {

using model::FetchWay;
using model::JobState;

void UpdateMachine::patches(std::uint64_t ticket, const std::vector<tuf::Patch>& known) {
  if (ticket != ticket_ || step_ != Step::kCheck) return;
  ways_.clear();
  for (const FetchWay wanted : {FetchWay::kPatch, FetchWay::kPacked}) {
    for (const tuf::Patch& patch : known) {
      const FetchWay way = model::way_of(patch.from, patch.length, state_.confirmed.sha256,
                                         state_.job->release.length);
      if (way == wanted) ways_.push_back(patch);
    }
  }
}

// By the best way that was not given up.
void UpdateMachine::fetch() {
  const std::vector<RefusedPatch>& refused = state_.job->without_patch;
  const auto way = std::ranges::find_if(ways_, [&](const tuf::Patch& patch) {
    return std::ranges::find(refused, patch.sha256, &RefusedPatch::sha256) == refused.end();
  });
  dirty_ = true;
  if (way == ways_.end()) {
    state_.job->patch.clear();
    return enter(Step::kDownload);
  }
  way_ = *way;
  state_.job->patch = way_.sha256;
  queue(state_.job->id, way_report());
  notice(describe(present_way()));
  enter(Step::kPatch);
}

// False where the failure is none of the way that was taken.
bool UpdateMachine::another_way(const Failure& failure) {
  if (state_.job->patch.empty() || step_ == Step::kCheck) return false;
  std::string code = failure.code;
  if (step_ == Step::kVerify) {
    const bool other =
        code == model::failure_code::kImageHash || code == model::failure_code::kImageLength;
    if (!other) return false;
    code = delta::word_of(make_error_code(delta::Errc::kResult));
  } else if (failure.again == Failure::Again::kLater || code == model::failure_code::kNoSpace ||
             code == model::failure_code::kIo) {
    return false;
  }
  state_.job->without_patch.push_back({state_.job->patch, code});
  notice("without " + std::string(way_.from.empty() ? "the packed image" : "the patch") + " (" +
         code + "): " + printable(failure.detail, 200));
  report(state_.job->id, JobState::kDownloading,
         (way_.from.empty() ? "not packed (" : "not by the patch (") + code + ")", code);
  fetch();
  return true;
}

// What is left for the base of what a patch may cost.
std::uint64_t UpdateMachine::may_mend() const {
  if (way_.from.empty()) return 0;
  const auto packed =
      std::ranges::find_if(ways_, [](const tuf::Patch& way) { return way.from.empty(); });
  const std::uint64_t without = packed == ways_.end() ? state_.job->release.length : packed->length;
  const auto most = static_cast<std::uint64_t>(static_cast<double>(without) * tuf::kWorthPatching);
  return most - std::min(most, way_.length);
}

model::FetchPlan UpdateMachine::present_way() const {
  return {way_.from.empty() ? FetchWay::kPacked : FetchWay::kPatch, way_.length,
          state_.job->release.length, way_.from_version};
}

model::JobReport UpdateMachine::way_report() {
  model::JobReport entry = new_report(JobState::kDownloading, describe(present_way()));
  entry.fetch = present_way();
  return entry;
}

}  // namespace ota::agent

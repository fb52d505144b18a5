// Answers that take several calls to get. Block; thread: one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/api.h"
#include "cli/context.h"

namespace ota::cli {

// Every device's row that the filter (fleet/device_filter.h) leaves, page after page, in id order;
// empty: all. A server that knows no filters would send all: kConflict where it does not say that it
// took this one.
Result<Json> fetch_devices(Api& api, const std::string& filter = "");

// Follows a job until it is final: `step` is called at each change of state or percentage. kTimeout
// after `patience`; kUnavailable only once the server was away for longer than `away`, since a
// console that restarts resumes its jobs.
struct Patience {
  milliseconds patience{3600000};
  milliseconds away{60000};
  milliseconds poll{250};
};
Result<Json> wait_for_job(Context& context, const std::string& job,
                          const std::function<void(const Json&)>& step, Patience patience = {});

}  // namespace ota::cli

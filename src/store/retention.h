// How old summaries leave the store. Pure: builds the batch, and who has the store commits it.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace ota::store {

// Takes out the one-minute summaries (collection "minutes", key "DEVICE/2026-08-20T14:03") of these
// devices that are older than `before`. One range a device: cheap to call often, and a fleet may be
// cut into several batches, so that the writer is never held up.
Batch expired_minutes(const std::vector<std::string>& devices, WallTime before);

}  // namespace ota::store

// How old summaries leave the store. Pure: builds the batch, and who has the store commits it.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace ota::store {

// Takes out the one-minute summaries (collection "minutes", key "OWNER/2026-08-20T14:03", where an
// owner is a block of devices, or one device; fleet/minutes.h) of these owners that are older than
// `before`. One range an owner: cheap to call often, and many may be cut into several batches, so
// that the writer is never held up.
Batch expired_minutes(const std::vector<std::string>& owners, WallTime before);

}  // namespace ota::store

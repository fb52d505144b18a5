// What a store holds of a fleet, read and decoded: at start, and after an import replaced it.
//
// Reading needs neither settings nor a fleet, and takes nearly all of a start with many devices: a
// start reads it while it reads other things. Blocks on the store. Thread: any.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "model/device.h"
#include "model/event.h"
#include "model/job.h"
#include "store/store.h"

namespace ota::fleet {

struct StoredState {
  std::vector<std::shared_ptr<model::DeviceRecord>> devices;  // by id
  std::vector<std::shared_ptr<model::Job>> jobs;  // open ones, and the newest that have ended
  std::vector<store::Document> fleet;             // job_archive.h
  std::vector<store::Document> enrolments;
  std::vector<store::Document> ddi;
  std::vector<model::Event> events;  // the newest, oldest of them first
};

// Errors: the store's; kInvalid where a document is not of its collection's form.
Result<StoredState> read_state(store::Store& store);

}  // namespace ota::fleet

// Snapshots and details as JSON, as the admin API shows them. Pure; any thread.
#pragma once

#include "base/json.h"
#include "fleet/snapshot.h"
#include "model/agent_status.h"
#include "model/server_status.h"

namespace ota::api {

Json row_json(const fleet::DeviceRow& row);
Json detail_json(const fleet::DeviceDetail& detail);
Json counts_json(const fleet::Counts& counts);
Json server_json(const model::ServerStatus& status);
// null where updates are not stopped.
Json stop_json(const model::Stop* stop);
Json agents_json(const std::vector<model::AgentStatus>& agents);
Json problems_json(const std::vector<fleet::ConfigProblem>& problems);

}  // namespace ota::api

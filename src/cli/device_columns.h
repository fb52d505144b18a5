// The columns of a table of devices: how each reads, and in which order it puts them.
//
// Text goes from A to Z, versions from the lowest, what is measured from the highest, ages from the
// longest; states and verdicts from the worst. What a row does not have comes last (one that was
// never seen first), and what is the same stays in the order that it had. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/table.h"

namespace ota::cli {

// The words of a device's state, worst first.
std::vector<std::string_view> device_states();

// The columns' names as they are typed: "device", "gate", "seen".
std::vector<std::string_view> device_column_names();

// "device,version,gate": a usage error that names them all where one is none of these.
Result<std::vector<std::string_view>> parse_device_columns(const std::string& list);

// These columns, all where there is none.
Table device_table(const Json& rows, WallTime now,
                   const std::vector<std::string_view>& columns = {});

// `by`: a column; a usage error where it is none.
enum class Order { kForward, kReverse };
Result<void> sort_devices(Json& rows, std::string_view by, Order order);

}  // namespace ota::cli

// The tables of a state database, and the steps that bring an older one up to date.
//
// PRAGMA application_id tells our databases from others, PRAGMA user_version counts the migrations
// that were applied. src/store/README.md describes the format.
#pragma once

#include <cstdint>
#include <span>

#include "store/sqlite/database.h"

namespace ota::store {

// "OTA1" in ASCII.
inline constexpr std::int64_t kApplicationId = 0x4f544131;

// From this version on the log has a tree.
inline constexpr std::int64_t kTreeVersion = 4;

// Migration n (from 1) takes a database from version n - 1 to n. A released one never changes:
// what must be different comes as the next one.
std::span<const char* const> migrations();

// Refuses what is not ours or newer than us (kInvalid), locked (kConflict), damaged (kInvalid);
// then applies what is missing, all of it or nothing. Where nothing is missing, nothing is written.
Result<void> prepare_schema(Database& database, std::span<const char* const> steps);

// For a database that cannot be written: refuses what is not ours, newer than us or still without
// any table (kInvalid). An older schema can be read: this connection sees it as it would be.
Result<void> prepare_reading(Database& database, std::span<const char* const> steps);

}  // namespace ota::store

// The database of this root, for commands that work without the server.
#pragma once

#include <memory>

#include "cli/context.h"
#include "store/store.h"

namespace ota::cli {

// Opens the store that ROOT/config/console.json names. kConflict while a console has it open;
// kNotFound where there is no database yet: asking never makes one.
Result<std::unique_ptr<store::Store>> open_local_store(const Context& context);

}  // namespace ota::cli

// The stored minutes of a device, from the server or (with --offline) from the database itself, and
// the options that say which. Block; thread: one.
#pragma once

#include <vector>

#include "cli/context.h"
#include "fleet/minutes.h"
#include "store/store.h"

namespace ota::cli {

struct Span {
  WallTime from;
  WallTime to;
};

// --from and --to: a time, or how long ago ("24h"). All there is where neither is given.
Result<Span> span_of(const Context& context);

// Where the history is read: open once, for a database is locked while it is.
class History {
 public:
  static Result<History> open(Context& context);
  Result<std::vector<fleet::Minute>> minutes(const std::string& device, const Span& span);
  // Events of this kind (a prefix), oldest first, in the span.
  Result<std::vector<Json>> events(const std::string& kind, const Span& span);
  // Every device that the server or the database knows.
  Result<std::vector<std::string>> devices();

 private:
  explicit History(Context& context) : context_(&context) {}
  Context* context_;
  std::shared_ptr<store::Store> store_;  // none: the server is asked
};

}  // namespace ota::cli

// What a program was told is true for its next call: before an operator's request is handled, what
// was published and what was acknowledged until then is taken over.
#pragma once

#include "http/router.h"

namespace ota::api {

struct Context;

// The route of an operator, so guarded. The stat that it costs runs on the io thread; where
// something was published, that is read on the worker and the request handled there.
http::Route caught_up(http::Route route, Context& context);

}  // namespace ota::api

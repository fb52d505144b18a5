#include "base/allocator.h"

#include <malloc.h>

namespace ota {

void merge_freed_memory_early() {
  ::mallopt(M_MXFAST, 0);
}

}  // namespace ota

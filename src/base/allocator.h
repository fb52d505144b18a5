// How this process uses the C library's allocator.
#pragma once

namespace ota {

// Gives up glibc's fast bins: chunks that are freed into them are merged all at once, by whichever
// thread next frees or asks for a large piece, and over a large fleet that holds a task of the
// strand for 20 ms. Without them merging is paid for a piece at a time; small pieces of a thread's
// own still come from its cache. Call it before threads start.
void merge_freed_memory_early();

}  // namespace ota

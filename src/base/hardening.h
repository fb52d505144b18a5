// What a program that holds private keys asks of the kernel before it reads one: no core file, no
// debugger of the same user, and locked memory for keys, which is wiped when it is given back.
//
// In sanitizer builds the process stays dumpable: LeakSanitizer attaches to it.
#pragma once

#include <cstddef>

namespace ota {

// At the start of main, before any thread. `secret_bytes`: room for keys, a power of two; OpenSSL
// takes private keys' numbers from it, also each handshake's. Where the system locks no memory the
// room is there all the same.
void harden_process(std::size_t secret_bytes);

}  // namespace ota

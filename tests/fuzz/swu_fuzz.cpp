#include "tests/fuzz/trust_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ota::fuzz::swu({reinterpret_cast<const char*>(data), size});
  return 0;
}

// libconfig leaks what it has read of a malformed description: at most 512 KiB, which otactl takes
// with it when it ends. That is no finding of ours.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}

#include "tests/fuzz/delta_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ota::fuzz::delta_head({reinterpret_cast<const char*>(data), size});
  return 0;
}

#include "tests/fuzz/server_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ota::fuzz::rollout_recording({reinterpret_cast<const char*>(data), size});
  return 0;
}

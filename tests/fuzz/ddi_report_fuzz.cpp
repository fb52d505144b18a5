// What a DDI client sends, as any bytes: nothing is thrown, and what is kept of it is bounded.
#include "api/ddi_wire.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto feedback = ota::api::parse_ddi_feedback(text)) {
    std::vector<std::string> log;
    ota::fleet::append_ddi_log(log, feedback->details);
    OTA_ASSERT(log.size() <= 50);
    for (const std::string& line : log)
      OTA_ASSERT(line.size() <= 512 && line.find('\x1b') == std::string::npos);
  }
  static_cast<void>(ota::api::parse_ddi_attributes(text).has_value());
  OTA_ASSERT(ota::api::ddi_client_name(text).size() <= 64);
  const auto authorization = ota::api::parse_ddi_authorization(text);
  OTA_ASSERT(authorization.malformed == false || authorization.token_hash.empty());
  static_cast<void>(ota::api::check_ddi_file_name(text).has_value());
  return 0;
}

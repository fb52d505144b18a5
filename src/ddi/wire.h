// hawkBit's DDI as text: what clients send, read leniently where they are known to be broken, and
// the documents that they are given, exactly in the form that they check.
//
// SWUpdate's failure report may hold raw line ends and unescaped quotes within strings. A report
// that were refused for that would be sent again for ever, so it is repaired: first control bytes
// within strings, at worst the two words that matter are found by their pattern.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "fleet/ddi.h"
#include "fleet/ddi_machine.h"
#include "model/release.h"

namespace ota::ddi {

// More of a body is not looked at; it is never refused for its length alone.
inline constexpr std::size_t kBodyBytes = 256 * 1024;

// kInvalid where not even the pattern is there.
Result<fleet::DdiFeedback> parse_feedback(std::string_view body);
Result<fleet::DdiAttributes> parse_attributes(std::string_view body);

// "SWUpdate", "rauc-hawkbit-updater", another client's own name, or "DDI client" without any.
std::string client_name(std::string_view user_agent);

// "TargetToken x": kind and hash of the token. Anything else is kNone with an empty hash and
// `malformed` set.
struct Authorization {
  fleet::DdiCredentials::Kind kind = fleet::DdiCredentials::Kind::kNone;
  std::string token_hash;
  bool malformed = false;
};
Authorization parse_authorization(std::string_view header);

// A Host header that may stand in links: a name or an address, perhaps with a port.
bool valid_host(std::string_view host);

// 32 letters and digits.
std::string make_token();

// "00:05:00", within 00:00:01 and 23:59:59.
std::string sleep_text(seconds interval);
// `interval` with up to a tenth more or less, always the same for one device: clients keep exact
// intervals and would otherwise all come at once.
seconds spread(seconds interval, std::string_view device);

// The digests that clients compare, lower-case hex.
struct Digests {
  std::string sha1;
  std::string md5;
  std::string sha256;
};

// Whether every client can fetch a file of this name: plain ASCII without blanks, '?', '#', '%' and
// '/'. The error says what is wrong.
Result<void> check_file_name(std::string_view name);

// `base`: "https://host/TENANT/controller/v1/ID", as the device spelled it.
Json root_json(const std::string& base, const fleet::DdiOffer& offer, seconds sleep);
Json deployment_json(const std::string& base, std::uint64_t action, const model::Release& release,
                     const Digests& digests);
Json cancel_json(std::uint64_t action);

}  // namespace ota::ddi

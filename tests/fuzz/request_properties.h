// What must hold for any bytes that come before the sender is anybody, or that a DDI client sends:
// the bodies of the fuzz targets, which the unit tests replay over the committed corpus in a plain
// build.
//
// Each takes one input, returns normally, and asserts (OTA_ASSERT) what must never happen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "ddi/wire.h"
#include "http/range.h"
#include "http/request_parser.h"
#include "http/target.h"
#include "pki/join_code.h"
#include "pki/x509.h"

namespace ota::fuzz {

inline constexpr std::uint32_t kRequestHeaderBytes = 1024;
inline constexpr std::uint64_t kRequestBodyBytes = 4096;

struct RequestOutcome {
  http::RequestParser::Progress progress = http::RequestParser::Progress::kMore;
  std::size_t used = 0;
  std::string body;
};

inline RequestOutcome parse_in_steps(std::string_view text, std::size_t step) {
  http::RequestParser parser;
  parser.start(kRequestHeaderBytes);
  RequestOutcome outcome;
  for (std::size_t shown = 0;
       outcome.progress == http::RequestParser::Progress::kMore && shown < text.size();) {
    shown = std::min(text.size(), shown + step);
    do {
      const std::string_view rest = text.substr(outcome.used, shown - outcome.used);
      std::size_t used = 0;
      outcome.progress = parser.feed(rest, used);
      OTA_ASSERT(used <= rest.size());
      outcome.used += used;
      if (outcome.progress == http::RequestParser::Progress::kHead &&
          parser.head().content_length > kRequestBodyBytes) {
        return outcome;  // 413
      }
    } while (outcome.progress == http::RequestParser::Progress::kHead);
  }
  if (outcome.progress == http::RequestParser::Progress::kFailed)
    OTA_ASSERT(parser.failure() >= 400);
  if (outcome.progress != http::RequestParser::Progress::kDone) return outcome;
  outcome.body = parser.body();
  OTA_ASSERT(outcome.body.size() == parser.head().content_length);
  http::Target target;
  if (target.parse(parser.head().target)) {
    OTA_ASSERT(target.path.starts_with('/'));
    OTA_ASSERT(("/" + std::string(target.path) + "/").find("/../") == std::string::npos);
    for (const char sign : target.path)
      OTA_ASSERT(static_cast<unsigned char>(sign) >= 0x20);
  }
  const auto choice = http::choose_range(parser.head().range, 1000);
  OTA_ASSERT(choice.first + choice.length <= 1000);
  return outcome;
}

// A request in pieces of any size; the first byte chooses it. Whatever comes: the parser never
// takes more than it was shown, ends in the same state however the bytes were cut, keeps to its
// header limit, and what it lets through has a path without dot segments or controls.
inline void http_request(std::string_view input) {
  if (input.size() < 2 || input.size() > 8192) return;
  const std::string_view text = input.substr(1);
  const RequestOutcome whole = parse_in_steps(text, text.size());
  const RequestOutcome pieces =
      parse_in_steps(text, static_cast<unsigned char>(input.front()) + std::size_t{1});
  // Beast may find a fault early or go on waiting for the header's end; both come to an answer of
  // 4xx.
  using Progress = http::RequestParser::Progress;
  OTA_ASSERT((whole.progress == Progress::kDone) == (pieces.progress == Progress::kDone));
  if (whole.progress == Progress::kDone) {
    OTA_ASSERT(whole.used == pieces.used);
    OTA_ASSERT(whole.body == pieces.body);
  }
}

// A certificate request, a certificate, a join code. A request that is taken has a P-256 key whose
// fingerprint can be told; a code that is taken survives its text form.
inline void pki_request(std::string_view input) {
  if (const auto request = pki::parse_request(input)) {
    EVP_PKEY* key = X509_REQ_get0_pubkey(request->get());
    OTA_ASSERT(pki::is_p256(key) && pki::key_fingerprint(key).size() == 64);
  }
  if (const auto certificate = pki::parse_certificate(input)) {
    static_cast<void>(pki::subject_field(certificate->get(), NID_commonName));
    static_cast<void>(pki::serial_hex(certificate->get()));
    static_cast<void>(pki::alternative_names(certificate->get()));
    static_cast<void>(pki::not_after(certificate->get()));
  }
  if (const auto code = pki::JoinCode::parse(input)) {
    const auto again = pki::JoinCode::parse(code->text());
    OTA_ASSERT(again && again->token == code->token && again->fingerprint == code->fingerprint);
  }
}

// What a DDI client sends: what is kept of it is bounded.
inline void ddi_report(std::string_view input) {
  if (const auto feedback = ddi::parse_feedback(input)) {
    std::vector<std::string> log;
    fleet::append_ddi_log(log, feedback->details);
    OTA_ASSERT(log.size() <= 50);
    for (const std::string& line : log)
      OTA_ASSERT(line.size() <= 512 && line.find('\x1b') == std::string::npos);
  }
  static_cast<void>(ddi::parse_attributes(input).has_value());
  OTA_ASSERT(ddi::client_name(input).size() <= 64);
  const auto authorization = ddi::parse_authorization(input);
  OTA_ASSERT(!authorization.malformed || authorization.token_hash.empty());
  static_cast<void>(ddi::check_file_name(input).has_value());
}

}  // namespace ota::fuzz

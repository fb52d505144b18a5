#include "pki/join_code.h"

#include "base/bytes.h"
#include "base/json.h"
#include "pki/x509.h"

namespace ota::pki {
namespace {

constexpr std::string_view kPrefix = "ota1.";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::size_t kMaxBytes = 1024;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string JoinCode::text() const {
  return std::string(kPrefix) +
         to_base64url(as_bytes(dump_json({{"token", token}, {"fingerprint", fingerprint}})));
}

Result<JoinCode> JoinCode::parse(std::string_view text) {
  const std::string_view code = trimmed(text);
  if (code.size() > kMaxBytes) return fail(Errc::kInvalid, "a join code has at most 1024 signs");
  if (!code.starts_with(kPrefix)) {
    return fail(Errc::kInvalid, "a join code starts with \"ota1.\"; this one does not");
  }
  const auto broken = [] {
    return fail(Errc::kInvalid, "the join code is damaged or not complete; copy all of it");
  };
  const auto bytes = from_base64url(code.substr(kPrefix.size()));
  if (!bytes) return broken();
  const auto document = parse_json(as_text(*bytes), {.max_bytes = kMaxBytes, .max_depth = 2});
  if (!document || !document->is_object()) return broken();
  const auto member = [&](const char* name) -> std::string {
    const auto found = document->find(name);
    return found != document->end() && found->is_string() ? found->get<std::string>() : "";
  };
  JoinCode parsed{member("token"), member("fingerprint")};
  const auto digest = from_hex(parsed.fingerprint);
  if (parsed.token.empty() || !digest || digest->size() != 32) return broken();
  parsed.fingerprint = to_hex(*digest);
  return parsed;
}

Result<std::string> certificate_fingerprint(std::string_view pem) {
  const auto certificate = parse_certificate(pem);
  if (!certificate) return certificate.error();
  return der_fingerprint(certificate->get());
}

}  // namespace ota::pki

#include "fleet/enrolment_tokens.h"

#include "base/digest.h"
#include "base/host_port.h"
#include "base/json.h"
#include "model/time_json.h"

namespace ota::fleet {

std::string OpenEnrolment::document() const {
  return dump_json({{"device", device}, {"expires", model::time_json(expires)}, {"actor", actor}});
}

Result<OpenEnrolment> OpenEnrolment::parse(std::string_view document) {
  auto json = parse_json(document);
  if (!json) return json.error();
  try {
    OpenEnrolment out;
    json->at("device").get_to(out.device);
    out.expires = model::time_at(*json, "expires");
    out.actor = json->value("actor", "");
    return out;
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("enrolment: ") + misfit(error));
  }
}

Result<void> EnrolmentTokens::open(const std::string& token_hash, OpenEnrolment enrolment) {
  if (open_.size() >= kMaxOpen) {
    return fail(Errc::kLimit, "too many enrolments are open; wait for their end");
  }
  open_.insert_or_assign(token_hash, std::move(enrolment));
  return {};
}

bool EnrolmentTokens::knows(const std::string& token_hash) const {
  bool known = false;
  for (const auto& [hash, enrolment] : open_)
    known = equal_constant_time(as_bytes(hash), as_bytes(token_hash)) || known;
  return known;
}

std::optional<seconds> EnrolmentTokens::attempt(const std::string& address,
                                                std::uint32_t attempts_per_minute, WallTime now) {
  constexpr seconds kWindow(60);
  if (attempts_.size() >= kMaxAddresses) {
    std::erase_if(attempts_, [&](const auto& entry) { return now - entry.second.since > kWindow; });
    if (attempts_.size() >= kMaxAddresses) return kWindow;
  }
  Attempts& attempts = attempts_[address_key(address)];
  if (now - attempts.since > kWindow || attempts.since > now) attempts = {now, 0};
  if (++attempts.count <= attempts_per_minute) return std::nullopt;
  return std::chrono::floor<seconds>(attempts.since + kWindow - now) + seconds(1);
}

Result<OpenEnrolment> EnrolmentTokens::redeem(const std::string& token_hash, WallTime now) {
  auto match = open_.end();
  for (auto entry = open_.begin(); entry != open_.end(); ++entry) {
    if (equal_constant_time(as_bytes(entry->first), as_bytes(token_hash))) match = entry;
  }
  if (match == open_.end()) return fail(Errc::kDenied, "no such token, or it was used");
  const OpenEnrolment found = std::move(match->second);
  open_.erase(match);
  if (found.expires <= now) {
    return fail(Errc::kDenied, "the token ended " + format_rfc3339(found.expires));
  }
  return found;
}

std::vector<std::string> EnrolmentTokens::expire(WallTime now) {
  std::vector<std::string> over;
  for (auto entry = open_.begin(); entry != open_.end();) {
    if (entry->second.expires > now) {
      ++entry;
      continue;
    }
    over.push_back(entry->first);
    entry = open_.erase(entry);
  }
  return over;
}

std::vector<std::string> EnrolmentTokens::withdraw_of(const std::string& device) {
  std::vector<std::string> withdrawn;
  std::erase_if(open_, [&](const auto& entry) {
    if (entry.second.device != device) return false;
    withdrawn.push_back(entry.first);
    return true;
  });
  return withdrawn;
}

void EnrolmentTokens::clear() {
  open_.clear();
  attempts_.clear();
}

}  // namespace ota::fleet

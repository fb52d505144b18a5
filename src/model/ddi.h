// What a device and an update are beyond the ordinary where the device speaks hawkBit's DDI
// (SWUpdate, RAUC, Zephyr) instead of this system's own protocol.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/enum_text.h"

namespace ota::model {

// Over what a device is updated: by the agent's own protocol or over DDI, as it is asked for, or as
// an operator has said.
enum class UpdatesBy : std::uint8_t { kWhoAsks, kAgent, kDdi };
inline constexpr EnumTable<UpdatesBy, 3> kUpdatesByWords{
    {{UpdatesBy::kWhoAsks, "who-asks"}, {UpdatesBy::kAgent, "agent"}, {UpdatesBy::kDdi, "ddi"}}};
OTA_ENUM_TEXT(UpdatesBy, parse_updates_by, kUpdatesByWords)

// Of a device's document: present once a token was made for it, an operator accepted it from the
// waiting list, or it polled with its own certificate.
struct DdiClient {
  std::string token_hash;  // SHA-256 (hex) of its TargetToken; empty: it has none
  WallTime token_made;
  bool by_gateway = false;  // an operator accepted it: a GatewayToken may speak for it
  std::string name;         // "SWUpdate", "rauc-hawkbit-updater", ...: from its User-Agent
  std::map<std::string, std::string> attributes;  // its configData
  WallTime attributes_at;
  bool wants_attributes = true;  // the next poll shows the configData link
  UpdatesBy updates_by = UpdatesBy::kWhoAsks;
  bool asked_last = true;  // it, and not the agent, was the last to ask for updates alone
  bool operator==(const DdiClient&) const = default;
};

// Of a job's document, where its device is a DDI client.
struct DdiProgress {
  std::uint64_t fetched = 0;     // of the image, from its first byte on without a gap
  std::uint32_t downloads = 0;   // times that it was fetched to its end
  bool installed = false;        // the device says that it is; its confirmation is awaited
  bool claims_success = false;   // closed with success; its reported version is awaited
  std::string closed;            // the closing report that was taken, "closed/success"
  std::string withheld;          // why the gate does not let it be offered; empty where it does
  std::vector<std::string> log;  // what the device sent, oldest first; bounded
  bool operator==(const DdiProgress&) const = default;
};

// An id that spoke with a good GatewayToken and is no device yet.
struct DdiWaiting {
  std::string id;
  std::string client;
  std::string address;
  bool listed = false;  // in the whitelist: may be accepted
  WallTime first_seen;
  WallTime last_seen;
};

// The action id that stands for job number `job` on the wire, and back. Strings of digits from
// 1001 on, without those whose digits after the first are all zero: a Zephyr client drops the first
// digit of the id when it cancels. The same for every server with the same jobs.
inline constexpr std::uint64_t kMostActions = 2'000'000'000;
std::uint64_t ddi_action_of(std::uint64_t job_number);
// Of "job-000042": 42; 0 for what is no job's id.
std::uint64_t ddi_job_number(std::string_view job_id);
std::optional<std::uint64_t> job_number_of_ddi_action(std::string_view action);

void to_json(nlohmann::json& out, const DdiClient& client);
void from_json(const nlohmann::json& in, DdiClient& client);
void to_json(nlohmann::json& out, const DdiProgress& progress);
void from_json(const nlohmann::json& in, DdiProgress& progress);
void to_json(nlohmann::json& out, const DdiWaiting& waiting);

}  // namespace ota::model

// A device as the server knows it: what the whitelist says, what enrolment gave, and the four facts
// of its firmware.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/boxed_optional.h"
#include "base/clock.h"
#include "model/data_budget.h"
#include "model/ddi.h"
#include "model/enum_text.h"
#include "model/version.h"

namespace ota::model {

// [a-z0-9] first, then [a-z0-9._-], at most 63 in all: safe as a file name, a CN and a URL segment.
bool valid_device_id(std::string_view id);

// A line of the whitelist (config/devices.json).
struct DeviceSpec {
  std::string id;
  std::string hardware;
  std::string group = "default";
  std::string notes;
  bool operator==(const DeviceSpec&) const = default;
};

// An image by version and digest.
struct Image {
  Version version;
  std::string sha256;  // lower-case hex; empty where the device could not tell
  bool operator==(const Image&) const = default;
};

// Facts that are never merged. What a screen shows as the version is `confirmed`.
struct Facts {
  std::optional<Image> assigned;   // the server decided that the device shall run it
  std::optional<Image> written;    // the device installed it into its spare slot
  std::optional<Image> booted;     // the device started from it
  std::optional<Image> confirmed;  // it passed the health check and is kept
  std::optional<Image> previous;   // in the other slot: what a rollback would bring
  bool operator==(const Facts&) const = default;
};

// What an operator still has to look at; until acknowledged or a later success.
enum class Attention : std::uint8_t { kNone, kFailed, kRolledBack };
inline constexpr EnumTable<Attention, 3> kAttentionWords{{{Attention::kNone, "none"},
                                                          {Attention::kFailed, "failed"},
                                                          {Attention::kRolledBack, "rolled-back"}}};
OTA_ENUM_TEXT(Attention, parse_attention, kAttentionWords)

// What was told of the end of its certificate, so that it is told once.
enum class EndTold : std::uint8_t { kNothing, kNears, kEnded };
inline constexpr EnumTable<EndTold, 3> kEndToldWords{
    {{EndTold::kNothing, ""}, {EndTold::kNears, "nears"}, {EndTold::kEnded, "ended"}}};
OTA_ENUM_TEXT(EndTold, parse_end_told, kEndToldWords)

// The durable part of a device (collection "devices", key = id).
struct DeviceRecord {
  std::string id;
  bool enrolled = false;
  bool revoked = false;
  bool second_key_seen = false;           // someone tried to enrol this id with another key
  bool in_two_places = false;             // two devices speak with its identity; until acknowledged
  std::string certificate_serial;         // hex; the one certificate that is accepted
  std::string previous_serial;            // accepted too, until a renewed certificate is used first
  std::string key_fingerprint;            // SHA-256 of the SubjectPublicKeyInfo, hex
  std::vector<std::string> earlier_keys;  // fingerprints of keys that it enrolled with before
  WallTime certificate_expires;
  EndTold end_told = EndTold::kNothing;  // of certificate_expires
  WallTime
      renewal_until;  // till then a certificate that has ended may be renewed: an operator's word
  WallTime enrolled_at;
  WallTime last_seen;    // as of the last durable write; the live value is in the snapshot
  std::string agent;     // "ota-agent 1.0.0"
  std::string slot;      // active slot as the agent names it
  std::string hardware;  // as the device itself says; empty: never said
  Facts facts;
  // Images that this device was seen to confirm for a known reason: the first that it ever reported
  // (trust on first use) and those that a job brought. Oldest first, at most 8.
  std::vector<Image> trusted;
  Attention attention = Attention::kNone;
  bool rollback_requested = false;  // an operator's word that the device has not followed
  WallTime rollback_at;             // when it was given
  // The signed floor that the device keeps, "0.0.0" for none. Empty: its agent is of the first
  // release, which tells neither this nor what its other slot holds, and knows no signed rollback.
  std::string version_floor;
  std::map<std::string, std::string>
      rejected;  // release digest -> why the device fell back from it
  // Whether its agent makes images of patches and packed images: the format that it knows, 0 where
  // it tells of none.
  std::uint32_t patch_format = 0;
  std::vector<Fetched> fetched;  // for updates, in the last day (data_budget.h)
  BoxedOptional<DdiClient> ddi;  // it is updated over DDI; an agent beside it sends telemetry only
};

void to_json(nlohmann::json& out, const DeviceSpec& spec);
void from_json(const nlohmann::json& in, DeviceSpec& spec);
void to_json(nlohmann::json& out, const Image& image);
void from_json(const nlohmann::json& in, Image& image);
void to_json(nlohmann::json& out, const Facts& facts);
void from_json(const nlohmann::json& in, Facts& facts);
void to_json(nlohmann::json& out, const DeviceRecord& record);
void from_json(const nlohmann::json& in, DeviceRecord& record);

}  // namespace ota::model

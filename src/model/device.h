// A device as the server knows it: what the whitelist says, what enrolment gave, and the four facts
// of its firmware.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
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

// Four facts that are never merged. What a screen shows as the version is `confirmed`.
struct Facts {
  std::optional<Image> assigned;   // the server decided that the device shall run it
  std::optional<Image> written;    // the device installed it into its spare slot
  std::optional<Image> booted;     // the device started from it
  std::optional<Image> confirmed;  // it passed the health check and is kept
  bool operator==(const Facts&) const = default;
};

// The durable part of a device (collection "devices", key = id).
struct DeviceRecord {
  std::string id;
  bool enrolled = false;
  bool revoked = false;
  bool second_key_seen = false;    // someone tried to enrol this id with another key
  std::string certificate_serial;  // hex; the one certificate that is accepted
  std::string key_fingerprint;     // SHA-256 of the SubjectPublicKeyInfo, hex
  WallTime certificate_expires;
  WallTime enrolled_at;
  WallTime last_seen;  // as of the last durable write; the live value is in the snapshot
  std::string agent;   // "ota-agent 1.0.0"
  std::string slot;    // active slot as the agent names it
  Facts facts;
  std::map<std::string, std::string>
      rejected;  // release digest -> why the device fell back from it
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

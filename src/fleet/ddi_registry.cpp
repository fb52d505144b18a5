#include "fleet/ddi_registry.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/json.h"

namespace ota::fleet {

Result<void> DdiRegistry::read(std::string_view key, const std::string& document) {
  if (key != kGatewayKey) return {};
  auto json = parse_json(document);
  if (!json) return json.error().within("ddi/gateway");
  auto hash =
      json_as<std::string>(json->is_object() ? (*json)["token_hash"] : Json(), "ddi/gateway");
  if (!hash) return hash.error();
  set_gateway(std::move(*hash));
  return {};
}

std::string DdiRegistry::gateway_document() const {
  const MutexLock lock(mutex_);
  return dump_json(Json{{"token_hash", gateway_hash_}});
}

void DdiRegistry::set_gateway(std::string token_hash) {
  const MutexLock lock(mutex_);
  gateway_hash_ = std::move(token_hash);
  changed_ = true;
  if (gateway_hash_.empty()) waiting_.clear();
}

bool DdiRegistry::gateway_is_on() const {
  const MutexLock lock(mutex_);
  return !gateway_hash_.empty();
}

bool DdiRegistry::opens_gateway(std::string_view token_hash) const {
  const MutexLock lock(mutex_);
  return !gateway_hash_.empty() &&
         equal_constant_time(as_bytes(gateway_hash_), as_bytes(token_hash));
}

bool DdiRegistry::wait(const std::string& id, const std::string& client, const std::string& address,
                       bool listed, WallTime now, bool& is_new) {
  const MutexLock lock(mutex_);
  const auto found = waiting_.find(id);
  is_new = found == waiting_.end();
  if (is_new && waiting_.size() >= kMostWaiting) return false;
  model::DdiWaiting& entry = is_new ? waiting_[id] : found->second;
  if (is_new) entry.first_seen = now;
  entry.id = id;
  entry.client = client;
  entry.address = address;
  entry.listed = listed;
  entry.last_seen = now;
  changed_ = true;
  return true;
}

bool DdiRegistry::take(const std::string& id) {
  const MutexLock lock(mutex_);
  changed_ = true;
  return waiting_.erase(id) > 0;
}

std::vector<model::DdiWaiting> DdiRegistry::waiting() const {
  const MutexLock lock(mutex_);
  std::vector<model::DdiWaiting> out;
  for (const auto& [id, entry] : waiting_)
    out.push_back(entry);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first_seen < b.first_seen; });
  return out;
}

bool DdiRegistry::take_changed() {
  const MutexLock lock(mutex_);
  return std::exchange(changed_, false);
}

}  // namespace ota::fleet

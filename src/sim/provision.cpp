#include "sim/provision.h"

#include "base/file.h"
#include "base/json.h"
#include "model/device.h"
#include "pki/authority.h"
#include "store/store.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;

std::string id_of(std::uint32_t number) {
  std::string digits = std::to_string(number);
  return "v-" + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

Result<void> write_whitelist(const fs::path& root, const std::vector<std::string>& ids) {
  Json devices = Json::array();
  for (const std::string& id : ids) {
    devices.push_back({{"id", id}, {"hardware", "sim-a"}, {"group", "fleet"}, {"notes", ""}});
  }
  return write_file_durably(root / "config" / "devices.json",
                            Json{{"devices", devices}}.dump() + "\n");
}

model::DeviceRecord record_of(const std::string& id, const pki::IssuedCertificate& certificate,
                              WallTime now) {
  model::DeviceRecord record;
  record.id = id;
  record.enrolled = true;
  record.certificate_serial = certificate.serial;
  record.key_fingerprint = certificate.key_fingerprint;
  record.certificate_expires = certificate.expires;
  record.enrolled_at = now;
  return record;
}

}  // namespace

Result<Provisioned> provision(const fs::path& root, std::uint32_t devices, const Clock& clock) {
  constexpr std::size_t kGroup = 1000;  // records in one commit
  const fs::path state = root / "state";
  if (auto made = make_directories(state, 0700); !made) return made.error();
  auto authority = pki::Authority::open_or_create(state, {}, clock);
  if (!authority) return authority.error();
  const fs::path key_file = state / "fleet.key";
  const auto csr = pki::DeviceKey::make_csr(key_file, "fleet");
  if (!csr) return csr.error();
  auto key = read_file(key_file, 65536);
  if (!key) return key.error();
  auto store = store::open_store("sqlite:state/ota.db", root.string(), clock);
  if (!store) return store.error();

  Provisioned out;
  out.authority_pem = authority->certificate_pem();
  out.key_pem = std::move(*key);
  store::Batch batch;
  for (std::uint32_t i = 1; i <= devices; ++i) {
    const std::string id = id_of(i);
    auto issued = authority->issue_device(id, *csr, std::chrono::hours(24));
    if (!issued) return issued.error();
    batch.puts.push_back({"devices", id, dump_json(Json(record_of(id, *issued, clock.wall())))});
    out.ids.push_back(id);
    out.certificates.push_back(std::move(issued->pem));
    if (batch.puts.size() < kGroup && i < devices) continue;
    (*store)->commit(std::move(batch), {});
    batch = {};
  }
  if (auto flushed = (*store)->flush(); !flushed) return flushed.error();
  if (auto written = write_whitelist(root, out.ids); !written) return written.error();
  return out;
}

}  // namespace ota::sim

#include "tuf/director.h"

#include <algorithm>

#include "base/digest.h"
#include "base/file.h"
#include "tuf/error.h"
#include "tuf/key_store.h"
#include "tuf/published.h"
#include "tuf/trusted_set.h"
#include "tuf/trusted_store.h"

namespace ota::tuf {
namespace {

constexpr const char* kType = "ota-job";
constexpr std::size_t kMaxWordBytes = 8192;
constexpr std::size_t kMaxRootBytes = 512000;
constexpr std::size_t kMaxSpentBytes = 262144;
constexpr std::size_t kNonceBytes = 16;
// Spent words are remembered past their expiry, for clocks that go back.
constexpr std::chrono::hours kRememberedFor{24 * 30};

bool is_nonce(std::string_view text) {
  return text.size() == 2 * kNonceBytes && from_hex(text).has_value();
}

Json part_of(const DirectedJob& job) {
  return {{"_type", kType},
          {"spec_version", "1.0.34"},
          {"job", job.job},
          {"device", job.device},
          {"sha256", job.sha256},
          {"version", job.version.text()},
          {"expires", tuf_time(job.expires)},
          {"nonce", job.nonce}};
}

Result<DirectedJob> job_of(const Json& part) {
  try {
    DirectedJob job;
    job.job = part.at("job").get<std::string>();
    job.device = part.at("device").get<std::string>();
    job.sha256 = part.at("sha256").get<std::string>();
    job.version = part.at("version").get<model::Version>();
    job.nonce = part.at("nonce").get<std::string>();
    const auto expires = parse_rfc3339(part.at("expires").get<std::string>());
    if (!expires || !is_nonce(job.nonce)) {
      return fail(Errc::kMalformed, "job: expires or nonce is not of its form");
    }
    job.expires = *expires;
    return job;
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("job: ") + error.what());
  }
}

Result<Root> trusted_root(const std::filesystem::path& folder) {
  const TrustedStore store(folder);
  for (const auto& file : {store.read(kRoot, kMaxRootBytes), store.factory_root(kMaxRootBytes)}) {
    if (!file) continue;
    if (auto set = TrustedSet::start(*file, WallTime{})) return set->root();
  }
  return fail(Errc::kRootDamaged, folder.string());
}

std::filesystem::path spent_file(const std::filesystem::path& folder) {
  return folder / "spent-jobs";
}

// nonce -> expiry, as text. A damaged file is an error, not an empty memory.
Result<Json> read_spent(const std::filesystem::path& folder) {
  const auto text = read_file(spent_file(folder), kMaxSpentBytes);
  if (!text && text.error().code == ota::Errc::kNotFound) return Json::object();
  if (!text) return fail(Errc::kStorage, text.error().text());
  auto json = parse_strict(*text);
  if (!json || !json->is_object()) return fail(Errc::kStorage, "spent-jobs is damaged");
  return json;
}

}  // namespace

struct Director::Impl {
  std::vector<Signer> signers;
};

Director::Director(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Director::~Director() = default;
Director::Director(Director&&) noexcept = default;
Director& Director::operator=(Director&&) noexcept = default;

Result<Director> Director::open(const std::filesystem::path& firmware,
                                const std::filesystem::path& keys) {
  const auto now = PublishedFiles(firmware).load();
  if (!now) return now.error();
  if (!now->root.director) return fail(Errc::kKey, "the root names no director");
  auto impl = std::make_unique<Impl>();
  impl->signers = KeyStore(keys).of_role(*now->root.director);
  if (impl->signers.size() < now->root.director->threshold) {
    return fail(Errc::kKey, "the director's keys are not in " + keys.string());
  }
  return Director(std::move(impl));
}

Result<std::string> Director::sign(DirectedJob job) const {
  if (job.nonce.empty()) job.nonce = to_hex(random_bytes(kNonceBytes));
  const Json part = part_of(job);
  const auto signatures = sign_with(impl_->signers, part);
  if (!signatures) return signatures.error();
  Json list = Json::array();
  for (const Signature& signature : *signatures)
    list.push_back({{"keyid", signature.keyid}, {"sig", signature.sig}});
  return Json{{"signed", part}, {"signatures", list}}.dump();
}

Result<bool> DirectorWatch::required() const {
  const auto root = trusted_root(folder_);
  if (!root) return root.error();
  return root->director.has_value();
}

Result<DirectedJob> DirectorWatch::check(std::string_view word, std::string_view device,
                                         std::string_view sha256, WallTime now) const {
  if (word.size() > kMaxWordBytes) return fail(Errc::kEndlessData, "the director's word");
  const auto root = trusted_root(folder_);
  if (!root) return root.error();
  if (!root->director) return fail(Errc::kUnsignedJob, "the trusted root names no director");
  if (word.empty()) return fail(Errc::kUnsignedJob, "the job carries no word of the director");
  const auto envelope = parse_envelope(word, kType);
  if (!envelope) return envelope.error();
  if (!verify_threshold(*envelope, *root->director, root->director_keys, kType)) {
    return fail(Errc::kUnsignedJob, "not signed by the director's keys");
  }
  auto job = job_of(envelope->signed_part);
  if (!job) return job;
  if (job->device != device) return fail(Errc::kForeignJob, "it is for device " + job->device);
  if (job->sha256 != sha256) return fail(Errc::kForeignJob, "it is for another image");
  if (now >= job->expires) {
    return fail(Errc::kExpiredJob, "at " + format_rfc3339(job->expires, Fraction::kNone));
  }
  const auto spent = read_spent(folder_);
  if (!spent) return spent.error();
  if (spent->contains(job->nonce)) return fail(Errc::kReplayedJob, job->job);
  return job;
}

Result<void> DirectorWatch::spend(const DirectedJob& job, WallTime now) const {
  auto spent = read_spent(folder_);
  // Damaged: the memory starts anew, since a device that can never again take a job is worth less
  // than one that could repeat an old one; what may run is still bound by the targets metadata.
  Json memory = spent ? std::move(*spent) : Json::object();
  for (auto entry = memory.begin(); entry != memory.end();) {
    const auto expires = entry->is_string() ? parse_rfc3339(entry->get<std::string>())
                                            : Result<WallTime>(WallTime{});
    const bool old = !expires || *expires + kRememberedFor < now;
    entry = old ? memory.erase(entry) : std::next(entry);
  }
  memory[job.nonce] = tuf_time(job.expires);
  auto written = write_file_durably(spent_file(folder_), canonical(memory), 0600);
  if (!written) return fail(Errc::kStorage, written.error().text());
  return {};
}

}  // namespace ota::tuf

#include "tuf/director.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
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
constexpr std::size_t kNonceDigits = 32;

bool is_nonce(std::string_view text) {
  return text.size() == kNonceDigits && from_hex(text).has_value();
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

}  // namespace

std::string nonce_of(std::string_view device, std::string_view job, int attempt, WallTime created) {
  const std::string text = std::string(device) + "\n" + std::string(job) + "\n" +
                           std::to_string(attempt) + "\n" + format_rfc3339(created);
  return sha256_hex(text).substr(0, kNonceDigits);
}

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

Result<std::string> Director::sign(const DirectedJob& job) const {
  const Json part = part_of(job);
  const auto signatures = sign_with(impl_->signers, part);
  if (!signatures) return signatures.error();
  Json list = Json::array();
  for (const Signature& signature : *signatures)
    list.push_back({{"keyid", signature.keyid}, {"sig", signature.sig}});
  return Json{{"signed", part}, {"signatures", list}}.dump();
}

Result<DirectedJob> read_word(std::string_view word) {
  if (word.size() > kMaxWordBytes) return fail(Errc::kEndlessData, "the director's word");
  const auto envelope = parse_envelope(word, kType);
  if (!envelope) return envelope.error();
  return job_of(envelope->signed_part);
}

Result<void> check_word(const std::filesystem::path& folder, std::string_view word,
                        const DirectedJob& expected, WallTime now) {
  const auto root = trusted_root(folder);
  if (!root) return root.error();
  if (!root->director) return {};
  if (word.empty()) return fail(Errc::kUnsignedJob, "the job carries no word of the director");
  const auto job = read_word(word);
  if (!job) return job.error();
  const auto envelope = parse_envelope(word, kType);
  if (!verify_threshold(*envelope, *root->director, root->director_keys, kType)) {
    return fail(Errc::kUnsignedJob, "not signed by the director's keys");
  }
  if (job->device != expected.device) {
    return fail(Errc::kForeignJob, "it is for device " + printable(job->device, 64));
  }
  if (job->job != expected.job) {
    return fail(Errc::kForeignJob, "it is for " + printable(job->job, 64));
  }
  if (job->sha256 != expected.sha256 || job->version != expected.version) {
    return fail(Errc::kForeignJob, "it is for another image");
  }
  if (now >= job->expires) {
    return fail(Errc::kExpiredJob, "at " + format_rfc3339(job->expires, Fraction::kNone));
  }
  return {};
}

}  // namespace ota::tuf

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
constexpr const char* kRollbackType = "ota-rollback";
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

Json part_of(const DirectedRollback& rollback) {
  return {{"_type", kRollbackType},    {"spec_version", "1.0.34"},
          {"device", rollback.device}, {"from", rollback.from},
          {"to", rollback.to},         {"expires", tuf_time(rollback.expires)},
          {"nonce", rollback.nonce}};
}

// What both words have: for how long they hold, and once.
template <class Word>
Result<Word> with_term(Word word, const Json& part) {
  word.nonce = part.at("nonce").get<std::string>();
  const auto expires = parse_rfc3339(part.at("expires").get<std::string>());
  if (!expires || !is_nonce(word.nonce)) {
    return fail(Errc::kMalformed, "word: expires or nonce is not of its form");
  }
  word.expires = *expires;
  return word;
}

Result<DirectedJob> job_of(const Json& part) {
  try {
    DirectedJob job;
    job.job = part.at("job").get<std::string>();
    job.device = part.at("device").get<std::string>();
    job.sha256 = part.at("sha256").get<std::string>();
    job.version = part.at("version").get<model::Version>();
    return with_term(std::move(job), part);
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("job: ") + error.what());
  }
}

Result<DirectedRollback> rollback_of(const Json& part) {
  try {
    DirectedRollback rollback;
    rollback.device = part.at("device").get<std::string>();
    rollback.from = part.at("from").get<std::string>();
    rollback.to = part.at("to").get<std::string>();
    return with_term(std::move(rollback), part);
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("rollback: ") + error.what());
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

Result<Envelope> read_envelope(std::string_view word, const char* type) {
  if (word.size() > kMaxWordBytes) return fail(Errc::kEndlessData, "the director's word");
  return parse_envelope(word, type);
}

// The signed part of a word that the director's keys vouch for; nothing where the root asks for no
// word.
Result<std::optional<Json>> vouched_for(const std::filesystem::path& folder, std::string_view word,
                                        const char* type) {
  const auto root = trusted_root(folder);
  if (!root) return root.error();
  if (!root->director) return std::optional<Json>();
  if (word.empty()) return fail(Errc::kUnsignedJob, "there is no word of the director");
  auto envelope = read_envelope(word, type);
  if (!envelope) return envelope.error();
  if (!verify_threshold(*envelope, *root->director, root->director_keys, type)) {
    return fail(Errc::kUnsignedJob, "not signed by the director's keys");
  }
  return std::optional(std::move(envelope->signed_part));
}

Result<void> check_term(const std::string& device, const std::string& expected, WallTime expires,
                        WallTime now) {
  if (device != expected)
    return fail(Errc::kForeignJob, "it is for device " + printable(device, 64));
  if (now >= expires) {
    return fail(Errc::kExpiredJob, "at " + format_rfc3339(expires, Fraction::kNone));
  }
  return {};
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

namespace {

Result<std::string> signed_word(const std::vector<Signer>& signers, const Json& part) {
  const auto signatures = sign_with(signers, part);
  if (!signatures) return signatures.error();
  Json list = Json::array();
  for (const Signature& signature : *signatures)
    list.push_back({{"keyid", signature.keyid}, {"sig", signature.sig}});
  return Json{{"signed", part}, {"signatures", list}}.dump();
}

}  // namespace

Result<std::string> Director::sign(const DirectedJob& job) const {
  return signed_word(impl_->signers, part_of(job));
}

Result<std::string> Director::sign(const DirectedRollback& rollback) const {
  return signed_word(impl_->signers, part_of(rollback));
}

Result<DirectedJob> read_word(std::string_view word) {
  const auto envelope = read_envelope(word, kType);
  if (!envelope) return envelope.error();
  return job_of(envelope->signed_part);
}

Result<DirectedRollback> read_rollback_word(std::string_view word) {
  const auto envelope = read_envelope(word, kRollbackType);
  if (!envelope) return envelope.error();
  return rollback_of(envelope->signed_part);
}

Result<void> check_word(const std::filesystem::path& folder, std::string_view word,
                        const DirectedJob& expected, WallTime now) {
  const auto part = vouched_for(folder, word, kType);
  if (!part) return part.error();
  if (!*part) return {};
  const auto job = job_of(**part);
  if (!job) return job.error();
  if (auto good = check_term(job->device, expected.device, job->expires, now); !good) return good;
  if (job->job != expected.job) {
    return fail(Errc::kForeignJob, "it is for " + printable(job->job, 64));
  }
  if (job->sha256 != expected.sha256 || job->version != expected.version) {
    return fail(Errc::kForeignJob, "it is for another image");
  }
  return {};
}

Result<void> check_rollback_word(const std::filesystem::path& folder, std::string_view word,
                                 const DirectedRollback& expected, WallTime now) {
  const auto part = vouched_for(folder, word, kRollbackType);
  if (!part) return part.error();
  if (!*part) return {};
  const auto rollback = rollback_of(**part);
  if (!rollback) return rollback.error();
  if (auto good = check_term(rollback->device, expected.device, rollback->expires, now); !good)
    return good;
  if (rollback->from != expected.from || rollback->to != expected.to) {
    return fail(Errc::kForeignJob, "it is for other images");
  }
  return {};
}

}  // namespace ota::tuf

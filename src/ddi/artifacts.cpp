#include "ddi/artifacts.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/beneath.h"
#include "base/bytes.h"
#include "tuf/names.h"

namespace ota::ddi {
namespace {

class Hash {
 public:
  explicit Hash(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) {
    good_ = context_ != nullptr && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1;
  }
  void update(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    good_ = good_ && EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1;
    return good_ ? to_hex({digest.data(), length}) : std::string();
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool good_ = false;
};

}  // namespace

Result<Digests> hash_file(const std::filesystem::path& folder, const std::filesystem::path& inner) {
  const auto from = open_beneath(folder, inner);
  if (!from) return from.error();
  Hash sha1(EVP_sha1());
  Hash md5(EVP_md5());
  Hash sha256(EVP_sha256());
  std::array<char, 65536> chunk{};
  while (true) {
    const ssize_t got = ::read(from->get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + (folder / inner).string());
    if (got == 0) break;
    const std::string_view piece(chunk.data(), static_cast<std::size_t>(got));
    sha1.update(piece);
    md5.update(piece);
    sha256.update(piece);
  }
  Digests out{sha1.finish(), md5.finish(), sha256.finish()};
  if (out.sha1.empty() || out.md5.empty() || out.sha256.empty()) {
    return fail(Errc::kUnavailable, "OpenSSL offers no SHA-1, MD5 or SHA-256 here");
  }
  return out;
}

std::filesystem::path Artifacts::path_of(const model::Release& release) const {
  return std::filesystem::path("targets") / tuf::target_url_path(release.target, release.sha256);
}

std::optional<Digests> Artifacts::known(const std::string& sha256) const {
  const MutexLock lock(mutex_);
  const auto found = checked_.find(sha256);
  if (found == checked_.end()) return std::nullopt;
  return found->second;
}

Result<Digests> Artifacts::check(const model::Release& release) {
  if (auto seen = known(release.sha256)) return *seen;
  auto digests = hash_file(firmware_, path_of(release));
  if (!digests) return digests.error();
  if (digests->sha256 != release.sha256) {
    return fail(Errc::kInvalid, "the stored bytes of " + release.target +
                                    " are not the signed ones: publish it again");
  }
  const MutexLock lock(mutex_);
  checked_.emplace(release.sha256, *digests);
  return digests;
}

std::string unfit(const model::Release& release, std::string_view client) {
  if (const auto fetchable = check_file_name(release.file_name()); !fetchable) {
    return fetchable.error().context;
  }
  if (client == "SWUpdate" && !release.file_name().ends_with(".swu")) {
    return "SWUpdate takes only files that end in .swu and this is " + release.file_name() +
           ": publish it with otactl firmware add FILE.swu --ddi";
  }
  return {};
}

}  // namespace ota::ddi

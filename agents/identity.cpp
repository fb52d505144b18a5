#include "agents/identity.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <memory>

#include "agents/answer.h"
#include "base/file.h"
#include "base/json.h"
#include "model/device.h"
#include "pki/device_key.h"
#include "pki/join_code.h"
#include "tuf/updater.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPemBytes = 65536;
constexpr std::size_t kAnswerBytes = 1U
                                     << 20;  // holds a root.json of at most 512,000 bytes, escaped

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeX509>;
using BioPtr = std::unique_ptr<BIO, FreeX509>;

X509Ptr read_certificate(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

Result<CertificateTerm> term_of(X509* certificate) {
  std::array<char, 80> name{};
  const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               name.data(), name.size());
  const std::string device(name.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  if (!model::valid_device_id(device))
    return fail(Errc::kInvalid, "the certificate names no device");
  return CertificateTerm{device, time_of(X509_get0_notBefore(certificate)),
                         time_of(X509_get0_notAfter(certificate))};
}

}  // namespace

Identity::Identity(const fs::path& dir, http::Connect connect, Disk& disk)
    : connect_(std::move(connect)),
      disk_(disk),
      dir_(dir),
      folder_(dir / "identity"),
      key_(folder_ / "device.key"),
      certificate_(folder_ / "device.crt"),
      authority_(folder_ / "authority.crt"),
      code_(folder_ / "join-code") {}

bool Identity::enrolled() const {
  std::error_code ignored;
  return fs::exists(certificate_, ignored) && fs::exists(authority_, ignored) &&
         fs::exists(key_, ignored);
}

Result<void> Identity::check_key() const {
  return pki::DeviceKey::check(key_);
}

Result<std::string> Identity::waiting_code() const {
  struct stat info {};
  if (::stat(code_.c_str(), &info) != 0) return fail_errno(errno, code_.string());
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::kDenied,
                code_.string() + " can be read by others; chmod 600 it, or have a new code made");
  }
  return read_file(code_, kPemBytes);
}

void Identity::discard_code() const {
  (void)disk_.remove(code_);  // one that comes back is refused, which changes nothing
}

// The certificate is for our key and signed by the authority.
Result<CertificateTerm> Identity::accept(const std::string& certificate,
                                         const std::string& authority) const {
  const X509Ptr own = read_certificate(certificate);
  const X509Ptr root = read_certificate(authority);
  const auto key_text = read_file(key_, kPemBytes);
  if (!key_text) return key_text.error();
  const BioPtr bio(BIO_new_mem_buf(key_text->data(), static_cast<int>(key_text->size())));
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!own || !root || !key)
    return fail(Errc::kInvalid, "the server's answer holds no certificate");
  if (X509_check_private_key(own.get(), key.get()) != 1) {
    return fail(Errc::kInvalid, "the server's certificate is for another key");
  }
  if (X509_verify(own.get(), X509_get0_pubkey(root.get())) != 1) {
    return fail(Errc::kDenied, "the certificate is not signed by the authority");
  }
  return term_of(own.get());
}

Result<std::string> Identity::join(const std::string& server, const std::string& code,
                                   const std::string& device, const std::string& agent) {
  const auto parsed = pki::JoinCode::parse(code);
  if (!parsed) return parsed.error();
  if (auto made = make_directories(disk_, folder_, 0700); !made) return made.error();
  const auto csr = pki::DeviceKey::make_csr(key_, device, disk_);
  if (!csr) return csr.error();

  http::ClientOptions options;
  options.base_url = server;
  options.authority_fingerprint = parsed->fingerprint;
  options.user_agent = agent;
  const auto client = connect_(options);
  told_to_wait_ = seconds(0);
  const auto reply = client->post(
      "/v1/enroll", dump_json(Json{{"token", parsed->token}, {"csr", *csr}}), kAnswerBytes);
  if (!reply) return reply.error().within("join");
  if (reply->status != 201) {
    told_to_wait_ = reply->wait();
    const Errc code_of =
        reply->status >= 500 || reply->status == 429 ? Errc::kUnavailable : Errc::kDenied;
    return fail(code_of, "the server refused to enrol this device, " + problem_words(*reply));
  }
  const auto answer = parse_json(reply->body);
  if (!answer) return answer.error().within("join");
  for (const char* member : {"certificate", "authority", "root"}) {
    if (!answer->is_object() || !answer->contains(member) || !(*answer)[member].is_string()) {
      return fail(Errc::kInvalid, std::string("the server's answer lacks \"") + member + "\"");
    }
  }
  const auto certificate = (*answer)["certificate"].get<std::string>();
  const auto authority = (*answer)["authority"].get<std::string>();
  const auto shown = pki::certificate_fingerprint(authority);
  if (!shown || *shown != parsed->fingerprint) {
    return fail(Errc::kDenied, "the server's answer names another authority than the join code");
  }
  const auto term = accept(certificate, authority);
  if (!term) return term.error();

  // The old trust, if any, was another server's: this join replaces it. The certificate goes
  // first and comes last: with one and no root a device would be enrolled, and never updated.
  if (auto gone = disk_.remove(certificate_); !gone) return gone.error();
  if (auto synced = disk_.sync_directory(folder_); !synced) return synced.error();
  if (auto gone = remove_folder(disk_, trust_folder()); !gone) return gone.error();
  for (const fs::path& folder : {dir_ / "state", trust_folder()}) {
    if (auto made = make_directories(disk_, folder, 0700); !made) return made.error();
  }
  const auto root = (*answer)["root"].get<std::string>();
  if (auto pinned = tuf::Updater::pin_root(trust_folder(), root, disk_); !pinned)
    return pinned.error();
  if (auto written = write_file_durably(disk_, authority_, authority, 0600); !written)
    return written.error();
  if (auto written = write_file_durably(disk_, certificate_, certificate, 0600); !written)
    return written.error();
  return term->device;
}

Result<CertificateTerm> Identity::term() const {
  const auto pem = read_file(certificate_, kPemBytes);
  if (!pem) return pem.error();
  const X509Ptr certificate = read_certificate(*pem);
  if (!certificate) return fail(Errc::kInvalid, certificate_.string() + " holds no certificate");
  return term_of(certificate.get());
}

Result<bool> Identity::renewal_due(WallTime now) const {
  const auto present = term();
  if (!present) return present.error();
  return present->ends - now <= (present->ends - present->begins) / 3;
}

Result<void> Identity::renew(http::Requester& client) {
  const auto present = term();
  if (!present) return present.error();
  const auto csr = pki::DeviceKey::make_csr(key_, present->device, disk_);
  if (!csr) return csr.error();
  const auto reply = client.post("/v1/renew", dump_json(Json{{"csr", *csr}}), kPemBytes);
  if (!reply) return reply.error();
  if (reply->status != 200) return fail(Errc::kDenied, "renewal refused, " + problem_words(*reply));
  const auto answer = parse_json(reply->body);
  if (!answer) return answer.error();
  if (!answer->is_object() || !answer->contains("certificate") ||
      !(*answer)["certificate"].is_string()) {
    return fail(Errc::kInvalid, "the server's answer lacks \"certificate\"");
  }
  const auto certificate = (*answer)["certificate"].get<std::string>();
  const auto authority = read_file(authority_, kPemBytes);
  if (!authority) return authority.error();
  const auto fresh = accept(certificate, *authority);
  if (!fresh) return fresh.error();
  if (fresh->device != present->device)
    return fail(Errc::kDenied, "the new certificate names another device");
  return write_file_durably(disk_, certificate_, certificate, 0600);
}

http::ClientOptions Identity::client_options(const std::string& server,
                                             const std::string& agent) const {
  http::ClientOptions options;
  options.base_url = server;
  options.authority = authority_;
  options.certificate = certificate_;
  options.key = key_;
  options.user_agent = agent;
  return options;
}

}  // namespace ota::agent

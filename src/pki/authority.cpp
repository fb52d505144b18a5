#include "pki/authority.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "base/beneath.h"
#include "base/file.h"
#include "pki/key_file.h"

namespace ota::pki {
namespace {

namespace fs = std::filesystem;
using days = std::chrono::days;

constexpr days kAuthorityLifetime{3650};
// Browsers refuse server certificates of more than 398 days (CA/Browser Forum ballot SC31), and
// more and more clients follow them; a running server renews its own.
constexpr days kServerLifetime{398};
constexpr days kOperatorLifetime{825};
constexpr days kRenewBefore{30};
constexpr std::chrono::minutes kClockSkew{5};
constexpr int kLockPatienceMs = 5000;

std::vector<std::string> server_names(const std::vector<std::string>& addresses,
                                      const std::vector<std::string>& extra) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    names.emplace_back(host.data());
  }
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& address : addresses)
    add(address);
  for (const std::string& name : extra)
    add(name);
  return names;
}

bool holds_all(std::vector<std::string> held, std::vector<std::string> wanted) {
  std::sort(held.begin(), held.end());
  std::sort(wanted.begin(), wanted.end());
  return std::includes(held.begin(), held.end(), wanted.begin(), wanted.end());
}

}  // namespace

Result<std::vector<std::string>> interface_addresses() {
  std::vector<std::string> texts;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return fail_errno(errno, "list the addresses of this host");
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) !=
        0) {
      continue;
    }
    std::string address(text.data());
    // A link-local address is named with its interface ("fe80::1%eth0"), which no certificate can.
    if (address.find('%') == std::string::npos) texts.push_back(std::move(address));
  }
  ::freeifaddrs(all);
  return texts;
}

struct Authority::Impl {
  fs::path folder;
  const Clock* clock = nullptr;
  bool created = false;
  KeyPtr key;
  CertificatePtr certificate;
  std::string pem;
  std::string fingerprint;
  ServerIdentity server;
  IssuedCertificate operator_certificate;
  CertificateSpec server_spec;
  std::vector<std::string> notes;
  mutable std::mutex terms_mutex;
  std::vector<CertificateTerm> terms;  // under terms_mutex

  Result<void> open_authority();
  // The certificate signs, and is good at both ends of its term, now.
  Result<void> check_authority();
  void note_term(std::string name, const X509* one) {
    const std::lock_guard lock(terms_mutex);
    std::erase_if(terms, [&](const CertificateTerm& term) { return term.name == name; });
    terms.push_back({std::move(name), not_before(one), not_after(one)});
  }
  // The certificate as PEM.
  Result<std::string> open_leaf(const std::string& stem, CertificateSpec spec, days lifetime);
  bool still_good(const fs::path& file, EVP_PKEY* leaf_key, const CertificateSpec& spec) const;
  Result<void> load_server(std::string certificate_text);
  Result<void> open_operator();
};

Result<void> Authority::Impl::open_authority() {
  const fs::path certificate_file = folder / "authority.crt";
  const fs::path key_file = folder / "authority.key";
  auto found = read_beneath(folder, "authority.crt", kMaxPemBytes);
  if (!found && found.error().code != Errc::kNotFound) return found.error();
  // The key is written first: a certificate without its key is a loss, not a first run.
  auto opened = found ? read_key_file(key_file) : read_or_make_key_file(key_file);
  if (!opened) return opened.error().within("the authority's key");
  key = std::move(*opened);
  if (!found) {
    const WallTime now = clock->wall();
    CertificateSpec spec{.usage = Usage::kAuthority,
                         .name = "Secure OTA authority",
                         .unit = {},
                         .names = {},
                         .not_before = now - kClockSkew,
                         .not_after = now + kAuthorityLifetime};
    auto made = sign_certificate(spec, key.get(), nullptr, key.get());
    if (!made) return made.error();
    pem = pki::certificate_pem(made->get());
    if (auto written = write_file_durably(certificate_file, pem, 0600); !written) return written;
    created = true;
  } else {
    pem = *found;
  }
  auto parsed = parse_certificate(pem);
  if (!parsed) return parsed.error().within(certificate_file.string());
  certificate = std::move(*parsed);
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return openssl_error(Errc::kInvalid, certificate_file.string() + " does not fit its key");
  }
  fingerprint = der_fingerprint(certificate.get());
  return {};
}

Result<void> Authority::Impl::check_authority() {
  const WallTime now = clock->wall();
  const WallTime begins = not_before(certificate.get());
  const WallTime ends = not_after(certificate.get());
  if (X509_verify(certificate.get(), key.get()) != 1)
    return openssl_error(Errc::kInvalid, "authority.crt is not signed by its key");
  note_term("authority", certificate.get());
  if (begins <= now && now < ends) return {};
  return fail(
      Errc::kInvalid,
      "the authority's certificate is good from " + format_rfc3339(begins, Fraction::kNone) +
          " to " + format_rfc3339(ends, Fraction::kNone) + ", and this host's clock shows " +
          format_rfc3339(now, Fraction::kNone) +
          (now < begins ? ": set the clock"
                        : ": move state/pki away for a new one, and enrol the devices anew"));
}

bool Authority::Impl::still_good(const fs::path& file, EVP_PKEY* leaf_key,
                                 const CertificateSpec& spec) const {
  const auto text = read_beneath(folder, file.filename(), kMaxPemBytes);
  if (!text) return false;
  const auto held = parse_certificate(*text);
  return held && X509_check_private_key(held->get(), leaf_key) == 1 &&
         X509_verify(held->get(), key.get()) == 1 &&
         not_after(held->get()) > clock->wall() + kRenewBefore &&
         not_before(held->get()) <= clock->wall() &&
         holds_all(alternative_names(held->get()), spec.names);
}

Result<std::string> Authority::Impl::open_leaf(const std::string& stem, CertificateSpec spec,
                                               days lifetime) {
  const fs::path file = folder / (stem + ".crt");
  auto leaf_key = read_or_make_key_file(folder / (stem + ".key"));
  if (!leaf_key) return leaf_key.error().within("the " + stem + "'s key");
  if (still_good(file, leaf_key->get(), spec)) {
    auto held = read_beneath(folder, file.filename(), kMaxPemBytes);
    if (const auto parsed = held ? parse_certificate(*held) : held.error(); parsed)
      note_term(stem, parsed->get());
    return held;
  }
  const WallTime now = clock->wall();
  spec.not_before = now - kClockSkew;
  spec.not_after = std::min(now + lifetime, not_after(certificate.get()));
  auto made = sign_certificate(spec, leaf_key->get(), certificate.get(), key.get());
  if (!made) return made.error();
  note_term(stem, made->get());
  std::string text = pki::certificate_pem(made->get());
  if (const auto written = write_file_durably(file, text, 0600); !written) {
    if (written.error().code != Errc::kFull) return written.error();
    notes.push_back("the " + stem + "'s new certificate is not saved: " + written.error().text());
  }
  return text;
}

Result<void> Authority::Impl::load_server(std::string certificate_text) {
  auto key_text = read_private_beneath(folder, "server.key", kMaxPemBytes);
  if (!key_text) return key_text.error();
  server = {std::move(certificate_text), SecretText(*key_text), pem};
  OPENSSL_cleanse(key_text->data(), key_text->size());
  return {};
}

Result<void> Authority::Impl::open_operator() {
  CertificateSpec spec{.usage = Usage::kClient,
                       .name = "operator",
                       .unit = "operator",
                       .names = {},
                       .not_before = {},
                       .not_after = {}};
  auto text = open_leaf("operator", std::move(spec), kOperatorLifetime);
  if (!text) return text.error();
  const auto held = parse_certificate(*text);
  if (!held) return held.error();
  operator_certificate = {.pem = std::move(*text),
                          .serial = serial_hex(held->get()),
                          .key_fingerprint = key_fingerprint(X509_get0_pubkey(held->get())),
                          .expires = not_after(held->get())};
  return {};
}

Result<Authority> Authority::open_or_create(const fs::path& state,
                                            const std::vector<std::string>& names,
                                            const Clock& clock, const HostAddresses& addresses) {
  auto impl = std::make_unique<Impl>();
  impl->folder = state / "pki";
  impl->clock = &clock;
  if (auto made = make_directories(impl->folder, 0700); !made) return made.error();
  struct stat facts {};  // a read-only disk refuses even a mode that is there already
  if ((::stat(impl->folder.c_str(), &facts) != 0 || (facts.st_mode & 07777U) != 0700U) &&
      ::chmod(impl->folder.c_str(), 0700) != 0) {
    return fail_errno(errno, "make private: " + impl->folder.string());
  }
  // Two consoles that start at once must not make two authorities.
  const auto lock = FileLock::acquire(impl->folder / "lock", kLockPatienceMs);
  if (!lock) return lock.error();
  if (auto opened = impl->open_authority(); !opened) return opened.error();
  if (auto good = impl->check_authority(); !good) return good.error();
  auto found = addresses();
  if (!found) {
    impl->notes.push_back(
        "a new server's certificate is only for loopback, the host's name and "
        "server.names: " +
        found.error().text());
    found = std::vector<std::string>();
  }
  impl->server_spec = {.usage = Usage::kServer,
                       .name = "Secure OTA server",
                       .unit = "server",
                       .names = server_names(*found, names),
                       .not_before = {},
                       .not_after = {}};
  auto server_pem = impl->open_leaf("server", impl->server_spec, kServerLifetime);
  if (!server_pem) return server_pem.error();
  if (auto opened_operator = impl->open_operator(); !opened_operator)
    return opened_operator.error();
  if (auto loaded = impl->load_server(std::move(*server_pem)); !loaded) return loaded.error();
  return Authority(std::move(impl));
}

Authority::Authority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Authority::Authority(Authority&&) noexcept = default;
Authority& Authority::operator=(Authority&&) noexcept = default;
Authority::~Authority() = default;

bool Authority::created() const {
  return impl_->created;
}
const std::vector<std::string>& Authority::notes() const {
  return impl_->notes;
}
const std::string& Authority::fingerprint() const {
  return impl_->fingerprint;
}
const std::string& Authority::certificate_pem() const {
  return impl_->pem;
}
ServerIdentity Authority::server_identity() const {
  return impl_->server;
}

const IssuedCertificate& Authority::operator_certificate() const {
  return impl_->operator_certificate;
}

Result<IssuedCertificate> Authority::replace_operator() {
  const auto lock = FileLock::acquire(impl_->folder / "lock", kLockPatienceMs);
  if (!lock) return lock.error();
  std::error_code failed;
  for (const char* file : {"operator.crt", "operator.key"}) {
    fs::remove(impl_->folder / file, failed);
    if (failed) return fail_errno(failed.value(), "remove " + (impl_->folder / file).string());
  }
  if (auto opened = impl_->open_operator(); !opened) return opened.error();
  return impl_->operator_certificate;
}

Result<bool> Authority::renew_server() {
  const auto held = parse_certificate(impl_->server.certificate);
  if (held && not_after(held->get()) > impl_->clock->wall() + kRenewBefore) return false;
  const auto lock = FileLock::acquire(impl_->folder / "lock", kLockPatienceMs);
  if (!lock) return lock.error();
  auto made = impl_->open_leaf("server", impl_->server_spec, kServerLifetime);
  if (!made) return made.error();
  if (auto loaded = impl_->load_server(std::move(*made)); !loaded) return loaded.error();
  return true;
}

std::vector<CertificateTerm> Authority::terms() const {
  const std::lock_guard lock(impl_->terms_mutex);
  return impl_->terms;
}

Result<std::string> Authority::sign(std::string_view text) const {
  return sign_text(impl_->key.get(), text);
}

bool Authority::signed_by_it(std::string_view text, std::string_view signature) const {
  return signed_by(impl_->certificate.get(), text, signature);
}

Result<std::string> Authority::csr_key_fingerprint(std::string_view csr_pem) const {
  const auto request = parse_request(csr_pem);
  if (!request) return request.error();
  return key_fingerprint(X509_REQ_get0_pubkey(request->get()));
}

Result<IssuedCertificate> Authority::issue_device(const std::string& device,
                                                  std::string_view csr_pem,
                                                  std::chrono::seconds lifetime) const {
  const auto request = parse_request(csr_pem);
  if (!request) return request.error();
  EVP_PKEY* const device_key = X509_REQ_get0_pubkey(request->get());
  const WallTime now = impl_->clock->wall();
  const CertificateSpec spec{
      .usage = Usage::kClient,
      .name = device,
      .unit = "device",
      .names = {},
      .not_before = now - kClockSkew,
      .not_after = std::min<WallTime>(now + lifetime, not_after(impl_->certificate.get()))};
  if (device.empty() || spec.not_after <= now) {
    return fail(Errc::kInvalid, "a device certificate needs a name and a lifetime");
  }
  const auto made = sign_certificate(spec, device_key, impl_->certificate.get(), impl_->key.get());
  if (!made) return made.error();
  return IssuedCertificate{.pem = pki::certificate_pem(made->get()),
                           .serial = serial_hex(made->get()),
                           .key_fingerprint = key_fingerprint(device_key),
                           .expires = not_after(made->get())};
}

}  // namespace ota::pki

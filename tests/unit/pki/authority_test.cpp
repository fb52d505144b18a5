#include "pki/authority.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "pki/key_file.h"
#include "pki/x509.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::pki;
namespace fs = std::filesystem;

namespace {

const WallTime kStart = *parse_rfc3339("2026-08-20T12:00:00Z");

unsigned mode_of(const fs::path& path) {
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

Authority open_at(const fs::path& state, const Clock& clock,
                  const std::vector<std::string>& names = {}) {
  auto authority = Authority::open_or_create(state, names, clock);
  if (!authority) FAIL(authority.error().text());
  return std::move(*authority);
}

CertificatePtr certificate_of(std::string_view pem) {
  auto certificate = parse_certificate(pem);
  REQUIRE(certificate.has_value());
  return std::move(*certificate);
}

bool good_for(X509* certificate, int purpose) {
  return X509_check_purpose(certificate, purpose, 0) == 1;
}

}  // namespace

TEST_CASE("the first run makes a private authority, server and operator", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority authority = open_at(folder.path(), clock);
  CHECK(authority.created());
  CHECK(mode_of(folder.path() / "pki") == 0700);
  for (const char* name : {"authority.crt", "authority.key", "server.crt", "server.key",
                           "operator.crt", "operator.key"}) {
    INFO(name);
    CHECK(mode_of(folder.path() / "pki" / name) == 0600);
  }
  CHECK(authority.fingerprint() == *certificate_fingerprint(authority.certificate_pem()));
  CHECK(authority.fingerprint().size() == 64);
}

TEST_CASE("a second opening finds the same authority", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority first = open_at(folder.path(), clock);
  const Authority second = open_at(folder.path(), clock);
  CHECK_FALSE(second.created());
  CHECK(second.fingerprint() == first.fingerprint());
  CHECK(second.server_identity().certificate == first.server_identity().certificate);
}

TEST_CASE("the server's certificate names this host and the extra names, for servers only",
          "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority authority = open_at(folder.path(), clock, {"ota.example.org", "192.0.2.7"});
  const auto server = certificate_of(authority.server_identity().certificate);
  const auto names = alternative_names(server.get());
  for (const char* name : {"localhost", "127.0.0.1", "::1", "ota.example.org", "192.0.2.7"}) {
    INFO(name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
  CHECK(good_for(server.get(), X509_PURPOSE_SSL_SERVER));
  CHECK_FALSE(good_for(server.get(), X509_PURPOSE_SSL_CLIENT));
}

TEST_CASE("the server's certificate is made anew where it lacks a name or ends soon", "[pki]") {
  const test::TempFolder folder;
  ManualClock clock(kStart);
  const std::string first = open_at(folder.path(), clock).server_identity().certificate;
  const std::string named =
      open_at(folder.path(), clock, {"new.example.org"}).server_identity().certificate;
  CHECK(named != first);
  CHECK(open_at(folder.path(), clock).server_identity().certificate == named);
  clock.advance(std::chrono::days(800));
  const std::string later = open_at(folder.path(), clock).server_identity().certificate;
  CHECK(later != named);
  CHECK(not_after(certificate_of(later).get()) > clock.wall() + std::chrono::days(300));
}

TEST_CASE("a server's certificate lasts at most 398 days, and a running server renews it",
          "[pki]") {
  const test::TempFolder folder;
  ManualClock clock(kStart);
  Authority authority = open_at(folder.path(), clock);
  const std::string first = authority.server_identity().certificate;
  CHECK(not_after(certificate_of(first).get()) <= clock.wall() + std::chrono::days(398));
  CHECK_FALSE(authority.renew_server().value());
  clock.advance(std::chrono::days(367));
  CHECK_FALSE(authority.renew_server().value());
  clock.advance(std::chrono::days(2));
  CHECK(authority.renew_server().value());
  const std::string second = authority.server_identity().certificate;
  CHECK(second != first);
  CHECK(not_after(certificate_of(second).get()) > clock.wall() + std::chrono::days(390));
  CHECK_FALSE(authority.renew_server().value());
  // The next start finds it.
  CHECK(open_at(folder.path(), clock).server_identity().certificate == second);
}

TEST_CASE("a server certificate that does not fit its key is made anew", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  open_at(folder.path(), clock);
  fs::remove(folder.path() / "pki" / "server.key");
  const ServerIdentity identity = open_at(folder.path(), clock).server_identity();
  const auto key = parse_key(identity.key.view());
  REQUIRE(key.has_value());
  CHECK(X509_check_private_key(certificate_of(identity.certificate).get(), key->get()) == 1);
}

TEST_CASE("a key that others can read is refused and named", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  open_at(folder.path(), clock);
  for (const char* name : {"authority.key", "server.key", "operator.key"}) {
    const fs::path key = folder.path() / "pki" / name;
    REQUIRE(::chmod(key.c_str(), 0640) == 0);
    const auto refused = Authority::open_or_create(folder.path(), {}, clock);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::kDenied);
    CHECK(refused.error().text().find(name) != std::string::npos);
    REQUIRE(::chmod(key.c_str(), 0600) == 0);
  }
}

TEST_CASE("an authority without its key is a loss, not a first run", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  open_at(folder.path(), clock);
  fs::remove(folder.path() / "pki" / "authority.key");
  const auto refused = Authority::open_or_create(folder.path(), {}, clock);
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::kNotFound);
}

TEST_CASE("a device's certificate carries its name and role, for clients only", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority authority = open_at(folder.path() / "state", clock);
  const auto request = DeviceKey::make_csr(folder.path() / "device.key", "someone-else");
  REQUIRE(request.has_value());
  const auto issued = authority.issue_device("iot-001", *request, std::chrono::hours(24));
  REQUIRE(issued.has_value());
  const auto certificate = certificate_of(issued->pem);
  CHECK(subject_field(certificate.get(), NID_commonName) == "iot-001");
  CHECK(subject_field(certificate.get(), NID_organizationalUnitName) == "device");
  CHECK(serial_hex(certificate.get()) == issued->serial);
  CHECK(issued->serial.size() == 32);
  CHECK(issued->expires == kStart + std::chrono::hours(24));
  CHECK(issued->key_fingerprint == *authority.csr_key_fingerprint(*request));
  CHECK(good_for(certificate.get(), X509_PURPOSE_SSL_CLIENT));
  CHECK_FALSE(good_for(certificate.get(), X509_PURPOSE_SSL_SERVER));
  const auto root = certificate_of(authority.certificate_pem());
  CHECK(X509_verify(certificate.get(), X509_get0_pubkey(root.get())) == 1);
}

TEST_CASE("a device certificate ends with its authority at the latest", "[pki]") {
  const test::TempFolder folder;
  ManualClock clock(kStart);
  const Authority authority = open_at(folder.path() / "state", clock);
  const auto request = DeviceKey::make_csr(folder.path() / "device.key", "iot-001");
  const auto issued = authority.issue_device("iot-001", *request, std::chrono::days(36500));
  REQUIRE(issued.has_value());
  CHECK(issued->expires == not_after(certificate_of(authority.certificate_pem()).get()));
  CHECK(authority.issue_device("iot-001", *request, seconds(0)).has_error());
  CHECK(authority.issue_device("", *request, seconds(60)).has_error());
  CHECK(authority.issue_device(std::string(65, 'a'), *request, seconds(60)).has_error());
}

TEST_CASE("a request that is damaged, not self-signed or of another curve is refused", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority authority = open_at(folder.path(), clock);
  const auto refuses = [&](std::string_view pem) {
    const auto result = authority.csr_key_fingerprint(pem);
    return result.has_error() && authority.issue_device("iot-001", pem, seconds(60)).has_error();
  };
  CHECK(refuses(""));
  CHECK(refuses("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"));
  CHECK(refuses(std::string(100000, 'A')));
  CHECK(refuses(authority.certificate_pem()));

  const KeyPtr p384(EVP_EC_gen("P-384"));
  CHECK(refuses(*request_pem(p384.get(), "iot-001")));
  const KeyPtr rsa(EVP_RSA_gen(2048));
  CHECK(refuses(*request_pem(rsa.get(), "iot-001")));

  const auto mine = generate_key();
  const auto other = generate_key();
  const RequestPtr forged(X509_REQ_new());
  X509_REQ_set_pubkey(forged.get(), mine->get());
  X509_REQ_sign(forged.get(), other->get(), EVP_sha256());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), forged.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  CHECK(refuses({data, static_cast<std::size_t>(size)}));
}

TEST_CASE("a device's key is made once, private, and used again", "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const Authority authority = open_at(folder.path() / "state", clock);
  const fs::path key = folder.path() / "device" / "device.key";
  const auto first = DeviceKey::make_csr(key, "iot-001");
  REQUIRE(first.has_value());
  CHECK(mode_of(key) == 0600);
  const auto second = DeviceKey::make_csr(key, "iot-001");
  CHECK(*authority.csr_key_fingerprint(*first) == *authority.csr_key_fingerprint(*second));
  CHECK(DeviceKey::check(key).has_value());
  REQUIRE(::chmod(key.c_str(), 0604) == 0);
  CHECK(DeviceKey::make_csr(key, "iot-001").error().code == Errc::kDenied);
  CHECK(DeviceKey::check(key).error().code == Errc::kDenied);
}

TEST_CASE("a host whose addresses cannot be listed is told of, and keeps the certificate it has",
          "[pki]") {
  const test::TempFolder folder;
  const ManualClock clock(kStart);
  const auto open = [&](const HostAddresses& addresses) {
    auto authority = Authority::open_or_create(folder.path(), {}, clock, addresses);
    if (!authority) FAIL(authority.error().text());
    return std::move(*authority);
  };
  const auto lost = []() -> Result<std::vector<std::string>> {
    return fail(Errc::kDenied, "list the addresses of this host");
  };
  const Authority blind = open(lost);
  REQUIRE(blind.notes().size() == 1);
  CHECK(blind.notes()[0].find("list the addresses of this host") != std::string::npos);
  const auto known = [] { return Result<std::vector<std::string>>({"192.0.2.7"}); };
  const Authority seeing = open(known);
  CHECK(seeing.notes().empty());
  CHECK(seeing.server_identity().certificate != blind.server_identity().certificate);
  CHECK(open(lost).server_identity().certificate == seeing.server_identity().certificate);
}

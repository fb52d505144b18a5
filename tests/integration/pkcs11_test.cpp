// Signing with a key on a token, played by SoftHSM. Left out by name where its packages are
// missing.
#include "tuf/pkcs11.h"

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "sim/process.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tuf/error.h"

using namespace ota;

namespace {

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
constexpr const char* kUtility = "/usr/bin/softhsm2-util";

bool run(const test::TempFolder& folder, const std::vector<std::string>& arguments) {
  const auto ended = sim::run_to_end({.program = kUtility,
                                      .arguments = arguments,
                                      .log = folder.path() / "softhsm.log",
                                      .folder = {}},
                                     std::chrono::seconds(20));
  return ended && ended->status == 0;
}

}  // namespace

TEST_CASE("a key on a PKCS#11 token signs like one in a file, with its PIN alone", "[tuf]") {
  if (!std::filesystem::exists(kModule) || !std::filesystem::exists(kUtility)) {
    WARN("left out: softhsm2 is not installed");
    return;
  }
  const test::TempFolder folder;
  std::filesystem::create_directories(folder.path() / "tokens");
  REQUIRE(write_file_durably(folder.path() / "softhsm2.conf",
                             "directories.tokendir = " + (folder.path() / "tokens").string() + "\n")
              .has_value());
  ::setenv("SOFTHSM2_CONF", (folder.path() / "softhsm2.conf").c_str(), 1);
  ::setenv("PKCS11_MODULE_PATH", kModule, 1);
  REQUIRE(run(folder, {"--init-token", "--free", "--label", "ota", "--pin", "1234", "--so-pin",
                       "12345678"}));
  const auto in_file = tuf::Signer::generate(tuf::KeyKind::kEcdsaP256);
  REQUIRE(write_file_durably(folder.path() / "key.pem", *in_file->pem(), 0600).has_value());
  REQUIRE(run(folder, {"--import", (folder.path() / "key.pem").string(), "--token", "ota",
                       "--label", "signer", "--id", "01", "--pin", "1234"}));

  const std::string uri = "pkcs11:token=ota;object=signer";
  CHECK(tuf::is_pkcs11(uri));
  // This token has no pad to type the PIN on.
  const auto without = tuf::signer_from_pkcs11(uri, std::nullopt);
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error().code == tuf::Errc::kKey);
  const auto signer = tuf::signer_from_pkcs11(uri, "1234");
  if (!signer && signer.error().text().find("engine is missing") != std::string::npos) {
    WARN("left out: libengine-pkcs11-openssl is not installed");
    return;
  }
  REQUIRE(signer.has_value());
  CHECK(signer->public_key().id() == in_file->public_key().id());
  const auto signature = signer->sign("these bytes");
  REQUIRE(signature.has_value());
  CHECK(in_file->public_key().verifies("these bytes", *signature));
  CHECK_FALSE(in_file->public_key().verifies("other bytes", *signature));
  // What a token keeps cannot be written to a file.
  CHECK_FALSE(signer->pem("passphrase").has_value());
  const auto missing = tuf::signer_from_pkcs11("pkcs11:token=ota;object=nobody", "1234");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == tuf::Errc::kKey);
}

#include "tuf/key.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using tuf::Json;
using tuf::KeyKind;
using tuf::PublicKey;
using tuf::Signer;
using tuf::testing::rsa_signer;

namespace {

PublicKey changed(const Signer& signer, const char* member, const Json& value) {
  Json description = signer.public_key().json();
  description[member] = value;
  return *PublicKey::parse(description);
}

// `hex` DER ECDSA signature with its s replaced by n - s.
std::string with_other_s(const std::string& hex) {
  static const Bytes order =
      *from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const Bytes der = *from_hex(hex);
  const std::size_t r_size = der[3];
  Bytes s(der.begin() + static_cast<std::ptrdiff_t>(6 + r_size), der.end());
  while (s.size() > 32)
    s.erase(s.begin());
  s.insert(s.begin(), 32 - s.size(), 0);
  Bytes other(33, 0);
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    int difference = order[i] - s[i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    other[i + 1] = static_cast<std::uint8_t>(difference + borrow * 256);
  }
  while (other.size() > 1 && other[0] == 0 && other[1] < 0x80)
    other.erase(other.begin());
  Bytes out(der.begin() + 2, der.begin() + static_cast<std::ptrdiff_t>(4 + r_size));
  out.push_back(0x02);
  out.push_back(static_cast<std::uint8_t>(other.size()));
  out.insert(out.end(), other.begin(), other.end());
  out.insert(out.begin(), {0x30, static_cast<std::uint8_t>(out.size())});
  return to_hex(out);
}

}  // namespace

TEST_CASE("each kind of key verifies its own signature and nothing else", "[tuf]") {
  for (const Signer& signer : {*Signer::generate(KeyKind::kEd25519),
                               *Signer::generate(KeyKind::kEcdsaP256), rsa_signer()}) {
    const PublicKey& key = signer.public_key();
    INFO(key.json().dump());
    REQUIRE(key.usable());
    const std::string sig = *signer.sign("message");
    CHECK(key.verifies("message", sig));
    CHECK_FALSE(key.verifies("messagf", sig));
    CHECK_FALSE(key.verifies("", sig));
    std::string flipped = sig;
    flipped[flipped.size() / 2] = flipped[flipped.size() / 2] == '0' ? '1' : '0';
    CHECK_FALSE(key.verifies("message", flipped));
    CHECK_FALSE(key.verifies("message", ""));
    CHECK_FALSE(key.verifies("message", "xyz"));
    CHECK_FALSE(key.verifies("message", sig + "00"));
    CHECK_FALSE(key.verifies("message", sig.substr(0, sig.size() - 2)));
    const Signer other = *Signer::generate(KeyKind::kEd25519);
    CHECK_FALSE(other.public_key().verifies("message", sig));
  }
}

TEST_CASE("an ECDSA signature with a high s is accepted as well", "[tuf]") {
  const Signer signer = *Signer::generate(KeyKind::kEcdsaP256);
  for (int round = 0; round < 8; ++round) {
    const std::string message = "message " + std::to_string(round);
    const std::string sig = *signer.sign(message);
    CHECK(signer.public_key().verifies(message, sig));
    CHECK(signer.public_key().verifies(message, with_other_s(sig)));  // one of both is high
  }
}

TEST_CASE("the old name of the ECDSA key type means the same key", "[tuf]") {
  const Signer signer = *Signer::generate(KeyKind::kEcdsaP256);
  const PublicKey old = changed(signer, "keytype", "ecdsa-sha2-nistp256");
  REQUIRE(old.usable());
  CHECK(old.verifies("m", *signer.sign("m")));
  CHECK(old.id() != signer.public_key().id());
  CHECK(old.material() == signer.public_key().material());
}

TEST_CASE("the key id covers the whole description, unknown members too", "[tuf]") {
  const Json known = {
      {"keytype", "ed25519"},
      {"scheme", "ed25519"},
      {"keyval", {{"public", "4d85cdd33e2ac9a1a2d2b0b04a5dc2a0dcb6a5d5ba63b1b2c8e1a8cb6ac1fd4f"}}}};
  const auto key = PublicKey::parse(known);
  REQUIRE(key.has_value());
  CHECK(key->id() ==
        sha256_hex("{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"4d85cdd33e2ac9a1a2d2b0b04a5dc"
                   "2a0dcb6a5d5ba63b1b2c8e1a8cb6ac1fd4f\"},\"scheme\":\"ed25519\"}"));
  Json extended = known;
  extended["keyid_hash_algorithms"] = {"md5"};
  CHECK(PublicKey::parse(extended)->id() != key->id());
}

TEST_CASE("keys that are unknown, mismatched or weak verify nothing and break nothing", "[tuf]") {
  const Signer ed = *Signer::generate(KeyKind::kEd25519);
  const Signer ec = *Signer::generate(KeyKind::kEcdsaP256);
  const std::string small_rsa =
      "-----BEGIN PUBLIC KEY-----\n"
      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDt5gas44Qt4QKpAimgoO17Kmkz\n"
      "cUdpvySYRoPIMAqRk1DJulr2YWVkkRHqoEhS+8H1gGyxttAdsbtKPOBJVbeQbD/l\n"
      "YvbmHl/loYM8cJaUY4Vock//sV8TopxIuovcngqsCn6oTJYOfUx8LswV0DGxRC8x\n"
      "q8NChZ7QanDXy0xm/wIDAQAB\n-----END PUBLIC KEY-----\n";
  const std::string p384 =
      "-----BEGIN PUBLIC KEY-----\n"
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE5vIw2C9v/mi1Z1cWeJI+5hrL4yNloylh\n"
      "6MV7px2ogFkYnsoI3Kv1253TJuut0EQGf5XO+tfoGeiFEyglTMzRlhR++OTPkWSn\n"
      "SSiVGxfPS85zO82DY83k1JK4efFrrlw/\n-----END PUBLIC KEY-----\n";
  CHECK_FALSE(changed(ed, "keytype", "sphincs").usable());
  CHECK_FALSE(changed(ed, "scheme", "ecdsa-sha2-nistp256").usable());
  CHECK_FALSE(changed(ec, "scheme", "ecdsa-sha2-nistp384").usable());
  CHECK_FALSE(changed(ec, "keytype", "rsa").usable());
  CHECK_FALSE(changed(ed, "keyval", {{"public", "abcd"}}).usable());
  CHECK_FALSE(changed(ed, "keyval", {{"other", 1}}).usable());
  CHECK_FALSE(changed(ec, "keyval", {{"public", "-----BEGIN"}}).usable());
  CHECK_FALSE(changed(ec, "keyval", {{"public", p384}}).usable());
  CHECK_FALSE(changed(rsa_signer(), "keyval", {{"public", small_rsa}}).usable());
  CHECK_FALSE(changed(rsa_signer(), "scheme", "rsa-pkcs1v15-sha256").usable());
  CHECK_FALSE(changed(ec, "keyval", ec.public_key().json()["keyval"]).verifies("m", "00"));
}

TEST_CASE("a key description without its members is malformed", "[tuf]") {
  for (const char* text :
       {"[]", "{}", "{\"keytype\":\"rsa\"}", "{\"keytype\":1,\"scheme\":\"x\",\"keyval\":{}}",
        "{\"keytype\":\"x\",\"scheme\":\"x\",\"keyval\":[]}"}) {
    INFO(text);
    const auto key = PublicKey::parse(*tuf::parse_strict(text));
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code == tuf::Errc::kMalformed);
  }
}

TEST_CASE("a private key survives its PEM file, and with a passphrase needs it", "[tuf]") {
  const Signer signer = *Signer::generate(KeyKind::kEd25519);
  const std::string plain = *signer.pem();
  CHECK(Signer::from_pem(plain)->public_key().id() == signer.public_key().id());
  const std::string locked = *signer.pem("correct horse");
  CHECK(locked.find("ENCRYPTED PRIVATE KEY") != std::string::npos);
  CHECK(Signer::from_pem(locked, "correct horse")->public_key().id() == signer.public_key().id());
  for (const auto& attempt : {Signer::from_pem(locked), Signer::from_pem(locked, "wrong"),
                              Signer::from_pem(locked, ""), Signer::from_pem("no key")}) {
    REQUIRE_FALSE(attempt.has_value());
    CHECK(attempt.error().code == tuf::Errc::kKey);
  }
}

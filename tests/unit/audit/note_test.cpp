#include "audit/note.h"

#include <openssl/evp.h>

#include "audit/checkpoint.h"
#include "audit/log_key.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/audit/vectors.h"

using namespace ota;
using namespace ota::audit;

namespace {

NoteSigner neumann() {
  const Json vector = test::audit_vectors("note.json");
  const Bytes seed = from_base64(vector.at("seed").get<std::string>()).value();
  auto signer = NoteSigner::of(
      "PeterNeumann",
      {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
       [](EVP_PKEY* key) { EVP_PKEY_free(key); }});
  REQUIRE(signer.has_value());
  return std::move(*signer);
}

}  // namespace

TEST_CASE("a note is signed to the bytes of Go's example, and its key written as there",
          "[audit]") {
  const Json vector = test::audit_vectors("note.json");
  const NoteSigner signer = neumann();
  CHECK(signer.verifier().text() == vector.at("verifier").get<std::string>());
  CHECK(signer.sign(vector.at("text").get<std::string>()).value() ==
        vector.at("note").get<std::string>());
}

TEST_CASE("the note of Go's example is opened by its key, and by no other", "[audit]") {
  const Json vector = test::audit_vectors("note.json");
  const std::string note = vector.at("note");
  const auto verifier = NoteVerifier::parse(vector.at("verifier").get<std::string>());
  REQUIRE(verifier.has_value());
  CHECK(open_note(note, *verifier).value() == vector.at("text").get<std::string>());

  const test::TempFolder folder;
  const auto other = read_or_make_log_key(folder.path());
  CHECK(open_note(note, other->verifier()).error().code == Errc::kDenied);

  std::string edited = note;
  edited.replace(edited.find("answer"), 6, "source");
  CHECK(open_note(edited, *verifier).error().code == Errc::kDenied);
  for (std::size_t i = note.find("x08go"); i < note.size() - 1; ++i) {
    std::string forged = note;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    if (forged != note && open_note(forged, *verifier)) FAIL("byte " << i);
  }
}

TEST_CASE("other signatures of a note are passed over, and what is no note is refused", "[audit]") {
  const Json vector = test::audit_vectors("note.json");
  const std::string note = vector.at("note");
  const auto verifier = NoteVerifier::parse(vector.at("verifier").get<std::string>());
  const std::string witness = "\u2014 witness.example AAAAAQ==\n";
  CHECK(open_note(note + "\u2014 witness.example AAAAAQAA\n", *verifier).has_value());
  CHECK_FALSE(open_note(note + witness, *verifier).has_value());  // an id alone is no signature
  CHECK_FALSE(open_note(note + "no signature\n", *verifier).has_value());
  CHECK_FALSE(open_note("text\n", *verifier).has_value());
  CHECK_FALSE(open_note("text\n\n", *verifier).has_value());
  CHECK_FALSE(open_note("", *verifier).has_value());
  CHECK_FALSE(open_note("te\rxt\n" + note, *verifier).has_value());
  std::string many = note;
  for (int i = 0; i < 64; ++i)
    many += "\u2014 witness.example AAAAAQAA\n";
  CHECK_FALSE(open_note(many, *verifier).has_value());
}

TEST_CASE("a verifier's text is read to the letter", "[audit]") {
  const std::string good = test::audit_vectors("note.json").at("verifier");
  CHECK(NoteVerifier::parse(good)->text() == good);
  for (const std::string& wrong :
       {std::string("PeterNeumann"), "+" + good, good + "=", good.substr(0, good.size() - 1),
        "Peter Neumann" + good.substr(12), "PeterNeumann+c74f20a4" + good.substr(21)}) {
    INFO(wrong);
    CHECK_FALSE(NoteVerifier::parse(wrong).has_value());
  }
}

TEST_CASE("base64 has one form", "[audit]") {
  CHECK(to_base64(as_bytes("f")) == "Zg==");
  CHECK(as_text(from_base64("Zm9v").value()) == "foo");
  for (const char* wrong : {"", "Zg", "Zg=", "Zh==", "Zg==\n", " Zg==", "Zg==Zg==", "Z-_v", "===="})
    CHECK_FALSE(from_base64(wrong).has_value());
}

TEST_CASE("a checkpoint is the one that was signed, of the log that has the key's name",
          "[audit]") {
  const test::TempFolder folder;
  const auto signer = read_or_make_log_key(folder.path());
  REQUIRE(signer.has_value());
  const Checkpoint checkpoint{signer->verifier().name(), 4318, leaf_hash("root")};
  const std::string note = sign_checkpoint(checkpoint, *signer).value();
  CHECK(open_checkpoint(note, signer->verifier()).value() == checkpoint);
  const Checkpoint foreign{"example.com/other", 4318, leaf_hash("root")};
  CHECK(
      open_checkpoint(sign_checkpoint(foreign, *signer).value(), signer->verifier()).error().code ==
      Errc::kDenied);
  for (const char* wrong :
       {"", "o\n1\n", "o\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "o\n1\nAAAA\n"})
    CHECK_FALSE(Checkpoint::parse(wrong).has_value());
}

TEST_CASE("an entry's proof verifies without the log, and for no other entry or key", "[audit]") {
  const test::TempFolder folder;
  const auto signer = read_or_make_log_key(folder.path());
  const Hashes leaves{leaf_hash("a"), leaf_hash("b"), leaf_hash("c")};
  const Checkpoint checkpoint{signer->verifier().name(), 3, root_of(leaves)};
  const EntryProof proof{1, {leaves[0], leaves[2]}, sign_checkpoint(checkpoint, *signer).value()};
  const auto read = EntryProof::parse(proof.text());
  REQUIRE(read.has_value());
  CHECK(read->text() == proof.text());
  CHECK(verify_entry(*read, "b", signer->verifier()).value() == checkpoint);
  CHECK_FALSE(verify_entry(*read, "c", signer->verifier()).has_value());
  CHECK_FALSE(verify_entry(*read, "b", neumann().verifier()).has_value());
  const std::string text = proof.text();
  const auto with_extra =
      EntryProof::parse("c2sp.org/tlog-proof@v1\nextra Zm9v\n" + text.substr(text.find("index")));
  REQUIRE(with_extra.has_value());
  CHECK(with_extra->extra == "foo");
  CHECK(EntryProof::parse(with_extra->text())->extra == "foo");
  for (const std::string& wrong : {std::string(), text.substr(1), text.substr(0, text.find("\n\n")),
                                   "c2sp.org/tlog-proof@v1\nindex 01\n\n" + proof.checkpoint,
                                   "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n" + proof.checkpoint})
    CHECK_FALSE(EntryProof::parse(wrong).has_value());
}

TEST_CASE("the log's key is made once, private, and refused where others could read it",
          "[audit]") {
  const test::TempFolder folder;
  const auto made = read_or_make_log_key(folder.path());
  REQUIRE(made.has_value());
  const auto file = folder.path() / kLogKeyFile;
  const auto mode = std::filesystem::status(file).permissions();
  CHECK((mode & std::filesystem::perms(0777)) == std::filesystem::perms(0600));
  CHECK(read_or_make_log_key(folder.path())->verifier().text() == made->verifier().text());
  CHECK(read_log_verifier(folder.path() / kLogVerifierFile)->text() == made->verifier().text());
  CHECK(made->verifier().name().starts_with("ota."));
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  CHECK(read_or_make_log_key(folder.path()).error().code == Errc::kDenied);
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  REQUIRE(write_file_durably(file, "no key", 0600));
  CHECK(read_or_make_log_key(folder.path()).error().code == Errc::kInvalid);
}

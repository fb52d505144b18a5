#include "tuf/signer.h"

#include <fstream>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tuf/ceremony.h"
#include "tuf/error.h"
#include "tuf/published.h"
#include "tuf/repository.h"
#include "tuf/request.h"

using namespace ota;
using test::TempFolder;
using tuf::Signer;

namespace {

namespace fs = std::filesystem;

const std::string kRole = "model-rpi4";

template <class T>
std::string word(const Result<T>& result) {
  return result ? "ok" : std::string(tuf::word_of(result.error().code));
}

// A server whose root and targets keys are away, and the machine of one who signs.
struct SignerFixture {
  TempFolder folder{TempFolder::fast_parent()};
  ManualClock clock{*parse_rfc3339("2026-08-20T12:00:00Z")};
  fs::path firmware = folder.path() / "firmware";
  fs::path keys = folder.path() / "keys";
  tuf::Repository repository = *tuf::Repository::create(firmware, keys, clock);
  tuf::Ceremony ceremony = *tuf::Ceremony::open(firmware, keys, clock);
  std::optional<tuf::SignerMemory> memory = *tuf::pin(root(1));

  SignerFixture() {
    REQUIRE(add("2.1.4").has_value());
    REQUIRE(ceremony
                .take_offline(folder.path() / "vault",
                              [](const std::string&) -> Result<std::string> { return "a secret"; })
                .has_value());
  }
  std::string root(int version) const {
    return *read_file(firmware / "metadata" / (std::to_string(version) + ".root.json"), 100000);
  }
  Signer key(const std::string& name) const {
    return *Signer::from_pem(*read_file(folder.path() / "vault" / name, 10000), "a secret");
  }
  Result<model::Release> add(const char* version, const char* hardware = "rpi4") {
    std::ofstream(folder.path() / version) << "image of " << version;
    model::Release release;
    release.version = *model::Version::parse(version);
    release.hardware = {hardware};
    return repository.add(folder.path() / version, release);
  }
  tuf::RequestFile request(const std::string& role) {
    return *tuf::parse_request(*ceremony.request(role));
  }
  Result<tuf::SigningRequest> read(const tuf::RequestFile& file) const {
    return tuf::read_request(tuf::write_request(file), memory);
  }
  // Signs with what is remembered, takes the signature back, and remembers.
  Result<tuf::Outcome> sign(const std::string& role, const std::string& key_name) {
    const auto asked = read(request(role));
    if (!asked) return asked.error();
    const auto signature = tuf::sign_request(*asked, key(key_name));
    if (!signature) return signature.error();
    memory = asked->after;
    return ceremony.submit(*signature);
  }
};

bool has_line(const tuf::SigningRequest& request, std::string_view begin) {
  return std::ranges::any_of(request.words,
                             [&](const std::string& line) { return line.starts_with(begin); });
}

}  // namespace

TEST_CASE("an added image cannot be shown as one that is in force", "[tuf]") {
  SignerFixture f;
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  tuf::RequestFile forged = f.request(kRole);
  CHECK(has_line(*f.read(forged), "ADDS    v2.1.5"));
  // What the server shows as in force is what it wants to have signed.
  (*forged.in_force.role)["signed"] = forged.part;
  (*forged.in_force.role)["signed"]["version"] = 1;
  CHECK(word(f.read(forged)) == "tuf.signatures");
  forged.in_force.role.reset();  // as if nothing were published
  CHECK(word(f.read(forged)) == "tuf.mix-and-match");
}

TEST_CASE("a replaced root key cannot be shown as one that is in force", "[tuf]") {
  SignerFixture f;
  REQUIRE(f.ceremony.rotate({{"root", 1, 1}}).has_value());
  tuf::RequestFile forged = f.request("root");
  const auto honest = f.read(forged);
  CHECK(has_line(*honest, "CHANGES root"));
  CHECK(honest->verified);
  forged.in_force.roots.back()["signed"] = forged.part;
  forged.in_force.roots.back()["signed"]["version"] = 1;
  // The pinned root is of that version, and speaks against it.
  CHECK(has_line(*f.read(forged), "CHANGES root"));
  // As one more, which the pinned one would have to have signed.
  forged = f.request("root");
  tuf::Json next = forged.in_force.roots.back();
  next["signed"] = forged.part;
  forged.in_force.roots.push_back(next);
  forged.part["version"] = 3;
  CHECK(word(f.read(forged)) == "tuf.signatures");
}

TEST_CASE("without a pinned root a comparison is said to be the server's word", "[tuf]") {
  SignerFixture f;
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  const auto read = tuf::read_request(*f.ceremony.request(kRole), std::nullopt);
  REQUIRE(read.has_value());
  CHECK_FALSE(read->verified);
  CHECK_FALSE(read->after.has_value());
  CHECK(read->words.back().starts_with("comparison NOT verified"));
}

TEST_CASE("what was in force once is never again compared with less", "[tuf]") {
  SignerFixture f;
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  const tuf::RequestFile first = f.request(kRole);
  REQUIRE(f.sign(kRole, "targets-1.pem").has_value());
  REQUIRE_FALSE(f.add("2.1.6").has_value());
  const tuf::RequestFile second = f.request(kRole);
  const auto read = f.read(second);
  REQUIRE(read.has_value());
  CHECK(has_line(*read, "keeps   v2.1.5"));
  REQUIRE(f.sign(kRole, "targets-1.pem").has_value());
  // The list of before, properly signed, shown as the present one.
  CHECK(word(f.read(first)) == "tuf.rollback");
  // Also across the memory's document.
  f.memory = *tuf::read_memory(tuf::write_memory(*f.memory));
  CHECK(word(f.read(first)) == "tuf.rollback");
  CHECK(f.read(second).has_value());
}

TEST_CASE("who has signed another text of the same version is told so", "[tuf]") {
  SignerFixture f;
  REQUIRE(f.ceremony.rotate({{kRole, 2, 2}}).has_value());  // waits for targets
  REQUIRE(f.sign("targets", "targets-1.pem").has_value());
  REQUIRE(f.ceremony.rotate({{"targets", 1, 1}}).has_value());
  CHECK_FALSE(has_line(*f.read(f.request("root")), "you have signed ANOTHER"));
  f.memory = f.read(f.request("root"))->after;  // signed, and never handed in
  REQUIRE(f.ceremony.discard("root").has_value());
  REQUIRE(f.ceremony.rotate({{"timestamp", 1, 1}}).has_value());
  CHECK(has_line(*f.read(f.request("root")), "you have signed ANOTHER version 2"));
}

TEST_CASE("a list cannot be signed as another model's", "[tuf]") {
  SignerFixture f;
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  tuf::RequestFile forged = f.request(kRole);
  forged.part["targets"]["other/firmware-1.0.0.img"] = forged.part["targets"].begin().value();
  CHECK(word(f.read(forged)) == "tuf.mix-and-match");
  forged = f.request(kRole);
  forged.part["delegations"] = {{"keys", tuf::Json::object()}, {"roles", tuf::Json::array()}};
  CHECK(word(f.read(forged)) == "tuf.mix-and-match");
}

TEST_CASE("a member that no sentence speaks of is named", "[tuf]") {
  SignerFixture f;
  REQUIRE(f.ceremony.rotate({{"timestamp", 1, 1}}).has_value());
  tuf::RequestFile request = f.request("root");
  request.part["consistent_snapshot"] = false;
  request.part["x-other"] = 1;
  const auto read = f.read(request);
  REQUIRE(read.has_value());
  CHECK(has_line(*read, "CHANGES the member consistent_snapshot"));
  CHECK(has_line(*read, "CHANGES the member x-other"));
}

TEST_CASE("requests and memories of any form are answered, never thrown at", "[tuf]") {
  SignerFixture f;
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  const tuf::Json whole = *tuf::parse_strict(tuf::write_request(f.request(kRole)));
  const tuf::Json odd[] = {nullptr, 5, "text", tuf::Json::array(), tuf::Json::object()};
  for (const auto& [name, value] : whole.items()) {
    for (const tuf::Json& other : odd) {
      tuf::Json changed = whole;
      changed[name] = other;
      CHECK_FALSE((tuf::read_request(changed.dump(), f.memory).has_value() && name != "keyids"));
    }
  }
  for (const char* name : {"roots", "targets", "role"}) {
    for (const tuf::Json& other : odd) {
      tuf::Json changed = whole;
      changed["in_force"][name] = other;
      CHECK_FALSE(tuf::read_request(changed.dump(), f.memory).has_value());
      changed["in_force"][name] = tuf::Json::array({other});
      CHECK_FALSE(tuf::read_request(changed.dump(), f.memory).has_value());
    }
  }
  CHECK(word(tuf::read_memory("{}")) == "tuf.malformed");
  CHECK(word(tuf::read_memory("")) == "tuf.malformed");
  CHECK_FALSE(tuf::pin("{}").has_value());
}

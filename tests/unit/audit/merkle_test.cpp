#include "audit/merkle.h"

#include "audit/note.h"
#include "tests/support/catch.h"
#include "tests/unit/audit/vectors.h"

using namespace ota;
using namespace ota::audit;

namespace {

Hashes proof_in(const Json& vector) {
  Hashes out;
  if (vector.at("proof").is_null()) return out;
  for (const Json& hash : vector.at("proof"))
    out.push_back(test::hash_in(hash.get<std::string>()));
  return out;
}

}  // namespace

TEST_CASE("public vectors of inclusion are accepted and refused as they say", "[audit]") {
  const Json vectors = test::audit_vectors("merkle.json").at("inclusion");
  CHECK(vectors.size() == 8);
  for (const Json& vector : vectors) {
    INFO(vector.dump());
    const auto verified = verify_inclusion(vector.at("leafIdx"), vector.at("treeSize"),
                                           test::hash_in(vector.at("leafHash")), proof_in(vector),
                                           test::hash_in(vector.at("root")));
    CHECK(verified.has_value() != vector.at("wantErr").get<bool>());
  }
}

TEST_CASE("public vectors of consistency are accepted and refused as they say", "[audit]") {
  const Json vectors = test::audit_vectors("merkle.json").at("consistency");
  CHECK(vectors.size() == 9);
  for (const Json& vector : vectors) {
    INFO(vector.dump());
    const auto verified = verify_consistency(vector.at("size1"), vector.at("size2"),
                                             test::hash_in(vector.at("root1")),
                                             test::hash_in(vector.at("root2")), proof_in(vector));
    CHECK(verified.has_value() != vector.at("wantErr").get<bool>());
  }
}

// RFC 6962's own: the eight entries that every implementation is tried with.
TEST_CASE("the tree of eight entries has the root that the vectors name", "[audit]") {
  using namespace std::string_literals;
  Hashes leaves;
  for (const std::string& entry : {""s, "\x00"s, "\x10"s, "\x20\x21"s, "\x30\x31"s,
                                   "\x40\x41\x42\x43"s, "\x50\x51\x52\x53\x54\x55\x56\x57"s,
                                   "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c"
                                   "\x6d\x6e\x6f"s})
    leaves.push_back(leaf_hash(entry));
  CHECK(root_of(leaves) == test::hash_in("XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="));
  CHECK(to_hex(root_of({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a proof of nothing, and one from nothing, are refused", "[audit]") {
  const Hash some = leaf_hash("a");
  CHECK_FALSE(verify_inclusion(0, 0, some, {}, some).has_value());
  CHECK(verify_inclusion(0, 1, some, {}, some).has_value());
  CHECK_FALSE(verify_consistency(0, 1, some, some, {}).has_value());
  CHECK_FALSE(verify_consistency(2, 1, some, some, {}).has_value());
  CHECK_FALSE(verify_consistency(3, 5, some, some, {}).has_value());
}

TEST_CASE("hashes are bytes one after the other, and nothing between", "[audit]") {
  const Hashes some{leaf_hash("a"), leaf_hash("b")};
  CHECK(*hashes_of(to_bytes(some)) == some);
  CHECK_FALSE(hashes_of(std::string(33, 'x')).has_value());
}

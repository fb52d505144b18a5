// The log's head is signed while there is news, and never one that does not go on from the last.
#include "store/log_signer.h"

#include "audit/log_key.h"
#include "base/file.h"
#include "base/json.h"
#include "store/log_verify.h"
#include "store/state_file.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::store;

namespace {

struct SignedLog {
  test::TempFolder folder;
  test::MemoryStore store;

  void add(const std::string& message) {
    model::Event event;
    event.kind = "test";
    event.message = message;
    store.commit({.events = {event}}, {});
    REQUIRE(store.flush());
  }
  LogSigner signer() {
    auto key = audit::read_or_make_log_key(folder.path());
    REQUIRE(key.has_value());
    return {folder.path(), store, std::move(*key)};
  }
  std::uint64_t signed_until() { return read_checkpoint(folder.path())->size; }
  void forget() { REQUIRE(std::filesystem::remove(folder.path() / kCheckpointFile)); }
};

using Kind = LogStanding::Kind;

}  // namespace

TEST_CASE("what is signed is the log as it is on disk, in the file and in the store",
          "[store][audit]") {
  SignedLog book;
  LogSigner signer = book.signer();
  CHECK(signer.look()->kind == Kind::kUnsigned);
  REQUIRE(signer.sign());
  CHECK(read_checkpoint(book.folder.path()).error().code == Errc::kNotFound);  // nothing to sign
  book.add("a");
  book.add("b");
  REQUIRE(signer.sign());
  REQUIRE(book.store.flush());
  const auto checkpoint = read_checkpoint(book.folder.path());
  REQUIRE(checkpoint.has_value());
  CHECK(checkpoint->size == 2);
  CHECK(checkpoint->root == tree_of(book.store, 2).root().value());
  CHECK(checkpoint->origin == signer.origin());
  const auto stored = parse_json(book.store.documents["meta"]["audit-checkpoint"]);
  CHECK(stored->at("note") == read_file(book.folder.path() / kCheckpointFile, 4096).value());
  CHECK_FALSE(verify_log(book.store, checkpoint)->fault);
}

TEST_CASE("the log's head is signed at most once a second, and not without news",
          "[store][audit]") {
  SignedLog book;
  LogSigner signer = book.signer();
  REQUIRE(signer.look().has_value());
  const MonoTime start{seconds(100)};
  book.add("a");
  REQUIRE(signer.sign_if_due(start));
  CHECK(book.signed_until() == 1);
  book.add("b");
  REQUIRE(signer.sign_if_due(start + milliseconds(999)));
  CHECK(book.signed_until() == 1);
  REQUIRE(signer.sign_if_due(start + milliseconds(1000)));
  CHECK(book.signed_until() == 2);
  book.forget();
  REQUIRE(signer.sign_if_due(start + seconds(100)));  // no news: nothing is written
  CHECK_FALSE(std::filesystem::exists(book.folder.path() / kCheckpointFile));
  REQUIRE(signer.sign());
  CHECK_FALSE(std::filesystem::exists(book.folder.path() / kCheckpointFile));
}

TEST_CASE("a start goes on from what was signed, in whichever place it is left", "[store][audit]") {
  SignedLog book;
  book.add("a");
  {
    LogSigner first = book.signer();
    REQUIRE(first.look().has_value());
    REQUIRE(first.sign());
    REQUIRE(book.store.flush());
  }
  book.add("b");
  CHECK(book.signer().look()->kind == Kind::kFollows);
  book.forget();
  CHECK(book.signer().look()->kind == Kind::kFollows);
  book.store.documents.clear();
  CHECK(book.signer().look()->kind == Kind::kUnsigned);
}

TEST_CASE("a head that does not go on from the last one is never signed", "[store][audit]") {
  SignedLog book;
  book.add("a");
  book.add("b");
  LogSigner signer = book.signer();
  REQUIRE(signer.look().has_value());
  REQUIRE(signer.sign());
  SignedLog other;  // another log under the same key
  std::filesystem::copy(
      book.folder.path(), other.folder.path(),
      std::filesystem::copy_options::overwrite_existing | std::filesystem::copy_options::recursive);
  other.add("a");
  SECTION("shorter") {
    LogSigner theirs = other.signer();
    const auto standing = theirs.look();
    CHECK(standing->kind == Kind::kBroken);
    CHECK(standing->what == "the log ends with event 1, but event 2 was signed");
    REQUIRE(theirs.sign());
    CHECK(other.signed_until() == 2);
  }
  SECTION("longer, with another past") {
    other.add("c");
    other.add("d");
    LogSigner theirs = other.signer();
    CHECK(theirs.look()->kind == Kind::kBroken);
    REQUIRE(theirs.sign());
    CHECK(other.signed_until() == 2);
  }
}

TEST_CASE("a log that breaks while it is signed is not signed any more", "[store][audit]") {
  SignedLog book;
  book.add("a");
  LogSigner signer = book.signer();
  REQUIRE(signer.look().has_value());
  REQUIRE(signer.sign());
  SignedLog other;
  other.add("x");
  other.add("y");
  LogSigner moved(book.folder.path(), other.store,
                  *audit::read_or_make_log_key(book.folder.path()));
  static_cast<void>(moved.look().has_value());
  CHECK(book.signed_until() == 1);
  REQUIRE(moved.sign());
  CHECK(book.signed_until() == 1);
}

TEST_CASE("a log that was signed with another key is told, and signed with this one",
          "[store][audit]") {
  SignedLog book;
  book.add("a");
  {
    LogSigner first = book.signer();
    REQUIRE(first.look().has_value());
    REQUIRE(first.sign());
    REQUIRE(book.store.flush());
  }
  REQUIRE(std::filesystem::remove(book.folder.path() / audit::kLogKeyFile));
  LogSigner second = book.signer();
  const auto standing = second.look();
  CHECK(standing->kind == Kind::kForeign);
  CHECK(standing->what.find("until event 1") != std::string::npos);
  REQUIRE(second.sign());
  CHECK(read_checkpoint(book.folder.path())->origin == second.origin());
}

#include "fleet/operator_registry.h"

#include <filesystem>

#include "pki/authority.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"

using namespace ota;
namespace fs = std::filesystem;

namespace {

// A console's state over several starts.
struct Operators {
  test::TempFolder folder;
  ManualClock clock{*parse_rfc3339("2026-08-20T12:00:00Z")};
  test::MemoryStore store;
  std::vector<model::Event> events;
  std::unique_ptr<pki::Authority> authority;
  std::unique_ptr<fleet::OperatorRegistry> book;

  Operators() { start(); }
  void start() {
    book.reset();
    auto opened = pki::Authority::open_or_create(folder.path(), {}, clock);
    REQUIRE(opened.has_value());
    authority = std::make_unique<pki::Authority>(std::move(*opened));
    book = std::make_unique<fleet::OperatorRegistry>(
        store, *authority, clock,
        [this](model::Event event) { events.push_back(std::move(event)); });
    REQUIRE(book->open().has_value());
    REQUIRE(store.flush().has_value());
  }
  std::string serial() const { return authority->operator_certificate().serial; }
  bool rules(const std::string& serial_of) const {
    return book->admit("operator", serial_of).has_value();
  }
  fs::path file(const char* name) const { return folder.path() / "pki" / name; }
};

}  // namespace

TEST_CASE("an operator's certificate that was deleted and made anew rules no longer",
          "[operators]") {
  Operators it;
  const std::string old = it.serial();
  CHECK(it.rules(old));
  fs::remove(it.file("operator.crt"));
  fs::remove(it.file("operator.key"));
  it.start();
  CHECK(it.serial() != old);
  CHECK(it.rules(it.serial()));
  CHECK_FALSE(it.rules(old));
  it.start();
  CHECK_FALSE(it.rules(old));  // nor after another start
  CHECK(it.events.back().kind == "operator.admitted");
}

TEST_CASE("a renewed operator's certificate leaves the one before to its end", "[operators]") {
  Operators it;
  const std::string old = it.serial();
  it.clock.advance(std::chrono::hours(24 * 800));
  it.start();
  CHECK(it.serial() != old);
  CHECK(it.rules(it.serial()));
  CHECK(it.rules(old));
}

TEST_CASE("revoking an operator ends all of its certificates and makes a new key", "[operators]") {
  Operators it;
  const std::string old = it.serial();
  const std::string key = it.authority->operator_certificate().key_fingerprint;
  Result<void> done = fail(Errc::kInternal, "not called");
  it.book->revoke("operator", "operator:operator", [&](Result<void> result) { done = result; });
  CHECK_FALSE(it.rules(old));  // at once
  REQUIRE(it.store.flush().has_value());
  CHECK(done.has_value());
  CHECK(it.rules(it.serial()));
  CHECK(it.authority->operator_certificate().key_fingerprint != key);
  CHECK(it.events.back().kind == "operator.revoked");
  CHECK(it.events.back().actor == "operator:operator");
  const Json list = it.book->list();
  REQUIRE(list.size() == 1);
  CHECK(list[0]["role"] == "admin");
  CHECK(list[0]["serials"].size() == 1);
  it.start();
  CHECK_FALSE(it.rules(old));
  CHECK(it.rules(it.serial()));
}

TEST_CASE("no other name and no other serial is an operator", "[operators]") {
  Operators it;
  CHECK_FALSE(it.book->admit("root", it.serial()).has_value());
  CHECK_FALSE(it.rules("0a"));
  it.book->revoke("nobody", "operator:operator",
                  [](Result<void> result) { CHECK(result.error().code == Errc::kNotFound); });
  CHECK(it.rules(it.serial()));
}

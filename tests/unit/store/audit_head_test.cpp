// The signed end of the chain: a cut shows.
#include "store/audit_head.h"

#include <filesystem>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/fleet/memory_store.h"

using namespace ota;
using namespace ota::store;

namespace {

// A signature that only tests believe in.
Result<std::string> sign(std::string_view text) {
  return "signed:" + std::string(text);
}
bool good(std::string_view text, std::string_view signature) {
  return signature == "signed:" + std::string(text);
}

struct Book {
  test::TempFolder folder;
  test::MemoryStore store;
  WallTime now = *parse_rfc3339("2026-08-20T14:03:22Z");

  std::filesystem::path file() const { return folder.path() / kAuditHeadFile; }
  AuditKeeper keeper() { return AuditKeeper(file(), store, sign, good); }
  void add(int count, const std::string& kind = "test") {
    for (int i = 0; i < count; ++i) {
      model::Event event;
      event.at = now;
      event.kind = kind;
      event.message = "event";
      store.commit({.events = {event}}, {});
    }
    REQUIRE(store.flush());
  }
  std::string fault() {
    const auto report = verify_audit(store, read_audit_head(file()), good);
    REQUIRE(report.has_value());
    return report->fault ? report->fault->what : "";
  }
};

}  // namespace

TEST_CASE("a chain that goes on from its signed head holds", "[store]") {
  Book book;
  book.add(5);
  REQUIRE(book.keeper().sign(book.now));
  book.add(2);
  CHECK(book.fault().empty());
  CHECK(book.keeper().check().value() == std::nullopt);
  const auto report = verify_audit(book.store, read_audit_head(book.file()), good);
  CHECK(report->events == 7);
  CHECK(report->signed_until == 5);
  CHECK(report->signed_at == book.now);
}

TEST_CASE("a chain that was cut at its end is found", "[store]") {
  Book book;
  book.add(9);
  REQUIRE(book.keeper().sign(book.now));
  book.store.cut_events(6);
  CHECK(book.fault() ==
        "the chain ends with event 6, but event 9 was signed 2026-08-20T14:03:22Z: the end is "
        "missing");
  CHECK(book.keeper().check().value()->find("event 9 was signed") != std::string::npos);
  SECTION("also when it went on since") {
    book.now += seconds(1);
    book.add(8, "other");
    CHECK(book.fault().find("event 9 is not the one that was signed") == 0);
    CHECK(book.keeper().check().value()->find("event 9 is not the one") == 0);
  }
}

TEST_CASE("a cut that the server recorded is named by every later verification", "[store]") {
  Book book;
  book.add(3);
  book.add(1, "audit.cut");
  book.add(1);
  REQUIRE(book.keeper().sign(book.now));
  CHECK(book.fault().find("event 4 records a cut") == 0);
}

TEST_CASE("a signed head that another key made, or that is missing, is a fault", "[store]") {
  Book book;
  book.add(3);
  CHECK(book.fault().find("there is no signed head") == 0);
  CHECK(book.keeper().check().error().code == Errc::kNotFound);
  REQUIRE(book.keeper().sign(book.now));
  auto head = *read_audit_head(book.file());
  head.signature = "signed:something else";
  REQUIRE(write_file_durably(book.file(), head.document()));
  CHECK(book.fault() == "the signed head's signature is not by this authority");
  REQUIRE(write_file_durably(book.file(), "{\"seq\":3}"));
  CHECK_FALSE(book.fault().empty());
}

TEST_CASE("what is signed names number, hash and time, and reads back equal", "[store]") {
  AuditHead head{7, std::string(64, 'a'), *parse_rfc3339("2026-08-20T14:03:22.5Z"), "sig"};
  CHECK(signed_text(head) == "ota audit head 1\n7\n" + head.hash + "\n2026-08-20T14:03:22.500Z\n");
  const auto read = AuditHead::parse(head.document());
  REQUIRE(read.has_value());
  CHECK(signed_text(*read) == signed_text(head));
  CHECK(read->signature == "sig");
  for (const char* broken : {"", "[]", "{}", R"({"version":2,"seq":1,"hash":"","at":"x"})"})
    CHECK_FALSE(AuditHead::parse(broken).has_value());
}

// The signed end of the chain of before the tree: a cut shows.
#include "store/audit_head.h"

#include "base/json.h"
#include "model/time_json.h"
#include "tests/support/catch.h"
#include "tests/support/chain.h"
#include "tests/support/memory_store.h"

using namespace ota;
using namespace ota::store;

namespace {

// A signature that only tests believe in.
bool test_signed(std::string_view text, std::string_view signature) {
  return signature == "signed:" + std::string(text);
}

// Three events of a chain in a store, and the head that was signed over them.
struct OldBook {
  test::MemoryStore store;
  AuditHead head;

  OldBook() {
    std::string previous = kChainStart;
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      model::Event event;
      event.at = *parse_rfc3339("2026-08-20T14:03:22Z");
      event.kind = "test";
      const std::string document = test::link(event, seq, previous);
      previous = event.hash;
      store.put_entry(document);
    }
    head = {3, previous, *parse_rfc3339("2026-08-20T14:03:22Z"), {}};
    head.signature = "signed:" + signed_text(head);
  }
  std::string wrong() {
    const auto found = what_breaks(store, head, test_signed);
    REQUIRE(found.has_value());
    return found->value_or("");
  }
};

}  // namespace

TEST_CASE("a chain that has the event that was signed last holds", "[store]") {
  OldBook book;
  CHECK(book.wrong().empty());
  book.store.put_entry("{}");
  CHECK(book.wrong().empty());
}

TEST_CASE("a chain that was cut before its signed head is found", "[store]") {
  OldBook book;
  book.head.seq = 4;
  book.head.signature = "signed:" + signed_text(book.head);
  CHECK(book.wrong() == "the chain ends with event 3, but event 4 was signed 2026-08-20T14:03:22Z");
  book.store.put_entry(R"({"at":null,"kind":"other","severity":"info","source":"","message":""})");
  CHECK(book.wrong() == "event 4 is not the one that was signed 2026-08-20T14:03:22Z");
}

TEST_CASE("the chain's end is found among what follows it", "[store]") {
  OldBook book;
  CHECK(find_chain_end(book.store)->value().seq == 3);
  for (int more = 1; more <= 9; ++more) {
    book.store.put_entry(R"({"at":null,"kind":"new","severity":"info","source":"","message":""})");
    CHECK(find_chain_end(book.store)->value().seq == 3);
    CHECK(find_chain_end(book.store)->value().hash == book.head.hash);
  }
  test::MemoryStore other;
  CHECK_FALSE(find_chain_end(other)->has_value());
  other.put_entry(R"({"at":null,"kind":"new","severity":"info","source":"","message":""})");
  CHECK_FALSE(find_chain_end(other)->has_value());
}

TEST_CASE("a head of the chain that another key signed is a fault", "[store]") {
  OldBook book;
  book.head.signature = "signed:something else";
  CHECK(book.wrong() == "the signed head's signature is not by this authority");
}

TEST_CASE("what was signed of the chain names number, hash and time, and is read to the letter",
          "[store]") {
  const AuditHead head{7, std::string(64, 'a'), *parse_rfc3339("2026-08-20T14:03:22.5Z"), "sig"};
  CHECK(signed_text(head) == "ota audit head 1\n7\n" + head.hash + "\n2026-08-20T14:03:22.500Z\n");
  const auto read = AuditHead::parse(dump_json({{"version", 1},
                                                {"seq", head.seq},
                                                {"hash", head.hash},
                                                {"at", model::time_json(head.at)},
                                                {"signature", "sig"}}));
  REQUIRE(read.has_value());
  CHECK(signed_text(*read) == signed_text(head));
  CHECK(read->signature == "sig");
  for (const char* broken : {"", "[]", "{}", R"({"version":2,"seq":1,"hash":"","at":"x"})"})
    CHECK_FALSE(AuditHead::parse(broken).has_value());
}

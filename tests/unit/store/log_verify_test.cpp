// What was done to a log behind the server's back is found, and named by its event.
#include "store/log_verify.h"

#include <functional>

#include "audit/tile_tree.h"
#include "store/event_document.h"
#include "store/retention.h"
#include "tests/support/catch.h"
#include "tests/support/chain.h"
#include "tests/support/memory_store.h"

using namespace ota;
using namespace ota::store;

namespace {

constexpr const char* kForged =
    R"({"actor":"","at":null,"data":{},"id":"9.9.9.9","kind":"forged","message":"",)"
    R"("severity":"info","source":""})";

struct VerifiedLog {
  test::MemoryStore store;
  audit::Checkpoint head{"ota.test", 0, {}};

  explicit VerifiedLog(int events) {
    add(events);
    sign();
  }
  void add(int events, WallTime at = *parse_rfc3339("2026-08-20T14:03:22Z")) {
    Batch batch;
    for (int i = 0; i < events; ++i) {
      model::Event event;
      event.at = at;
      event.kind = "test";
      event.message = "event";
      batch.events.push_back(event);
    }
    store.commit(std::move(batch), {});
    REQUIRE(store.flush());
  }
  void sign() {
    head.size = store.last_event();
    head.root = tree_of(store, head.size).root().value();
  }
  ChainFault fault() {
    const auto report = verify_log(store, head);
    REQUIRE(report.has_value());
    return report->fault.value_or(ChainFault{0, "none"});
  }
};

using Log = std::map<std::uint64_t, std::string>;

void drop(Log& log, std::uint64_t at) {
  log.erase(at);
}
void drop_and_number_anew(Log& log, std::uint64_t at) {
  for (; log.contains(at + 1); ++at)
    log[at] = log[at + 1];
  log.erase(at);
}
void edit(Log& log, std::uint64_t at) {
  log[at].replace(log[at].find("event"), 5, "EVENT");
}
void insert(Log& log, std::uint64_t at) {
  for (std::uint64_t last = log.rbegin()->first; last >= at; --last)
    log[last + 1] = log[last];
  log[at] = kForged;
}
void swap_with_next(Log& log, std::uint64_t at) {
  std::swap(log.at(at), log.at(at + 1));
}
void cut_from(Log& log, std::uint64_t at) {
  log.erase(log.find(at), log.end());
}

struct Crime {
  const char* name;
  std::function<void(Log&, std::uint64_t)> commit;
  const char* said;
};

const std::vector<Crime>& crimes() {
  static const std::vector<Crime> kAll{
      {"edited", edit, "was edited"},
      {"dropped", drop, "missing"},
      {"dropped and numbered anew", drop_and_number_anew, "is missing"},
      {"put in", insert, "put in"},
      {"swapped", swap_with_next, "changed places"},
      {"cut off", cut_from, "missing"}};
  return kAll;
}

// Each crime at each of these places of the log is named with its place.
void check_each(VerifiedLog& book, const std::vector<std::uint64_t>& places) {
  const Log whole = book.store.log;
  for (const Crime& crime : crimes()) {
    for (const std::uint64_t at : places) {
      const bool last = at == whole.size();
      if (last && crime.name == std::string("swapped")) continue;
      book.store.log = whole;
      crime.commit(book.store.log, at);
      const ChainFault fault = book.fault();
      INFO(crime.name << " at " << at << ": " << fault.seq << " " << fault.what);
      CHECK(fault.seq == at);
      CHECK(fault.what.find(crime.said) != std::string::npos);
    }
  }
  book.store.log = whole;
  CHECK(book.fault().what == "none");
}

}  // namespace

TEST_CASE("an event edited, dropped, put in, moved or cut off is named at each place of a log",
          "[store][audit]") {
  VerifiedLog book(30);
  std::vector<std::uint64_t> places(30);
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = i + 1;
  check_each(book, places);
}

TEST_CASE("the same is named around the edges of the tree's tiles", "[store][audit]") {
  VerifiedLog book(514);
  check_each(book, {1, 2, 255, 256, 257, 258, 511, 512, 513, 514});
}

TEST_CASE("a log that was cut with its tree is found by its checkpoint", "[store][audit]") {
  VerifiedLog whole(300);
  VerifiedLog cut(290);
  cut.head = whole.head;
  CHECK(cut.fault().seq == 291);
  CHECK(cut.fault().what.find("event 300 was signed: the end is missing") != std::string::npos);
  cut.add(20, *parse_rfc3339("2026-08-21T14:03:22Z"));
  CHECK(cut.fault().what.find("not the one that was signed") != std::string::npos);
  CHECK(what_breaks(cut.store, whole.head)->has_value());
  whole.add(5);
  CHECK_FALSE(what_breaks(whole.store, whole.head)->has_value());
  CHECK(whole.fault().what == "none");
}

TEST_CASE("a log without a checkpoint, or with one that does not open, does not verify",
          "[store][audit]") {
  VerifiedLog book(3);
  const auto unsigned_log =
      verify_log(book.store, Result<audit::Checkpoint>(fail(Errc::kNotFound, "none")));
  CHECK(unsigned_log->fault->what.find("there is no signed checkpoint") == 0);
  const auto forged =
      verify_log(book.store, Result<audit::Checkpoint>(fail(Errc::kDenied, "wrong key")));
  CHECK(forged->fault->what.find("wrong key") == 0);
}

TEST_CASE("a log that goes on and lets events go while it is read holds", "[store][audit]") {
  // Writes when its entries are read, as a server does beside the verification.
  class BusyStore final : public test::MemoryStore {
   public:
    std::function<void(std::uint64_t)> on_read;
    Result<std::vector<LogEntry>> entries(std::uint64_t after, std::size_t limit) override {
      if (on_read) on_read(after);
      return MemoryStore::entries(after, limit);
    }
  };
  BusyStore store;
  const auto add = [&](const std::string& kind, const Json& data) {
    Batch batch;
    batch.events.emplace_back();
    batch.events.back().kind = kind;
    batch.events.back().data = data;
    store.commit(std::move(batch), {});
  };
  for (int i = 0; i < 600; ++i)
    add("test", Json::object());
  REQUIRE(store.flush());
  const audit::Checkpoint head{"ota.test", 600, tree_of(store, 600).root().value()};
  bool written = false;
  SECTION("an event that is written, and one that is being written") {
    store.on_read = [&](std::uint64_t after) {
      if (after < 256 || std::exchange(written, true)) return;
      add("test", Json::object());
      REQUIRE(store.flush());
      add("test", Json::object());
    };
    CHECK_FALSE(verify_log(store, head)->fault);
  }
  SECTION("the first events leave, as an event says that comes meanwhile") {
    store.on_read = [&](std::uint64_t after) {
      if (after < 256 || std::exchange(written, true)) return;
      add(std::string(kLogRetired), {{"until", 512}});
      REQUIRE(store.flush());
      store.log.erase(store.log.begin(), store.log.find(513));
    };
    CHECK_FALSE(verify_log(store, head)->fault);
  }
  SECTION("more leave than that event says") {
    store.on_read = [&](std::uint64_t after) {
      if (after < 256 || std::exchange(written, true)) return;
      add(std::string(kLogRetired), {{"until", 512}});
      REQUIRE(store.flush());
      store.log.erase(store.log.begin(), store.log.find(514));
    };
    CHECK(verify_log(store, head)->fault->what == "event 513 is missing");
  }
  SECTION("a stranger writes too") {
    store.on_read = [&](std::uint64_t after) {
      if (after < 256 || std::exchange(written, true)) return;
      add("test", Json::object());
      REQUIRE(store.flush());
      store.log[602] = kForged;
    };
    CHECK(verify_log(store, head)->fault->what ==
          "event 602 stands beyond the log's end: it was put in");
  }
}

TEST_CASE("a break that the server recorded is named by every later verification",
          "[store][audit]") {
  for (const std::string_view kind : {kLogCut, kLogForked}) {
    VerifiedLog book(3);
    Batch batch;
    batch.events.emplace_back();
    batch.events.back().kind = kind;
    batch.events.back().message = "so it was";
    book.store.commit(std::move(batch), {});
    book.add(1);
    book.sign();
    CHECK(book.fault().seq == 4);
    CHECK(book.fault().what == "event 4 records a break: so it was");
  }
}

TEST_CASE("the links of a chain are walked too, up to where the log says that it ended",
          "[store][audit]") {
  test::MemoryStore store;
  std::string previous = kChainStart;
  std::vector<std::string> documents;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    model::Event event;
    event.kind = "old";
    documents.push_back(test::link(event, seq, previous));
    previous = event.hash;
  }
  const auto fault_of = [&](std::size_t forged) {
    test::MemoryStore log;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      std::string document = documents[i];
      // Edited before the tree was made: its leaf is what the tree has, its links do not fit.
      if (i + 1 == forged) document.replace(document.find("old"), 3, "odd");
      log.put_entry(document);
    }
    Batch batch;
    batch.events.emplace_back();
    batch.events.back().kind = kLogFromChain;
    batch.events.back().data = {{"last", 5}, {"hash", previous}};
    log.commit(std::move(batch), {});
    REQUIRE(log.flush());
    const audit::Checkpoint head{"ota.test", 6, tree_of(log, 6).root().value()};
    return verify_log(log, head)->fault;
  };
  CHECK_FALSE(fault_of(0));
  for (std::size_t at = 1; at <= 5; ++at) {
    const auto fault = fault_of(at);
    REQUIRE(fault);
    CHECK(fault->seq == at);
    CHECK(fault->what.find("was edited") != std::string::npos);
  }
}

TEST_CASE("old events leave in whole bundles, by a word of the log, and everything still verifies",
          "[store][audit]") {
  VerifiedLog book(0);
  const WallTime old = *parse_rfc3339("2026-01-01T00:00:00Z");
  const WallTime now = *parse_rfc3339("2026-08-20T14:03:22Z");
  const Retention retention{std::chrono::hours(24 * 100), 1'000'000};
  book.add(600, old);
  book.add(100, now);
  book.sign();
  const auto root = book.head.root;
  const auto proof = tree_of(book.store, 700).inclusion(10);
  auto step = next_retirement(book.store, retention, now);
  CHECK(step->announce_until == 512);  // event 600 is old too, but its bundle is not whole
  CHECK(step->retire_until == 0);

  Batch word;
  word.events.emplace_back();
  word.events.back().at = now;
  word.events.back().kind = kLogRetired;
  word.events.back().data = {{"until", 512}};
  book.store.commit(std::move(word), {});
  REQUIRE(book.store.flush());
  step = next_retirement(book.store, retention, now);
  CHECK(step->announce_until == 0);
  CHECK(step->retire_until == 512);
  book.store.commit({.retire_until = 512 + 30}, {});
  REQUIRE(book.store.flush());
  CHECK(book.store.log.begin()->first == 513);
  step = next_retirement(book.store, retention, now);
  CHECK(step->announce_until == 0);
  CHECK(step->retire_until == 0);

  CHECK(book.fault().what == "none");
  book.sign();
  CHECK(book.fault().what == "none");
  CHECK(tree_of(book.store, 701).root_at(700).value() == root);
  CHECK(tree_of(book.store, 700).inclusion(10).value() == *proof);
  CHECK(verify_log(book.store, book.head)->first == 513);
  book.store.log.erase(513);  // and one more than was said
  CHECK(book.fault().seq == 513);
}

TEST_CASE("too many events leave too, the oldest first, and never the last bundle",
          "[store][audit]") {
  VerifiedLog book(1030);
  const WallTime now = *parse_rfc3339("2026-08-20T14:03:22Z");
  const auto until = [&](std::uint64_t most) {
    return next_retirement(book.store, {std::chrono::hours(24 * 100), most}, now)->announce_until;
  };
  CHECK(until(2000) == 0);
  CHECK(until(1030) == 0);
  CHECK(until(1029) == 256);
  CHECK(until(500) == 768);
  CHECK(until(1) == 1024);
  CHECK(book.fault().what == "none");
  book.store.log.erase(book.store.log.begin(), book.store.log.upper_bound(256));
  CHECK(book.fault().seq == 1);  // gone without a word
}

// What somebody with the database in hand may do to the log, by SQL: each is named with its place.
#include <optional>
#include <string>

#include "audit/log_key.h"
#include "store/log_signer.h"
#include "store/log_verify.h"
#include "store/sqlite/database.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::store;

namespace {

const SystemClock kCrimesClock;
constexpr int kCrimesEvents = 12;

// A signed log in a database that is closed.
void leave_signed_log(const std::filesystem::path& folder) {
  auto store = open_sqlite(folder / "ota.db", kCrimesClock);
  REQUIRE(store.has_value());
  for (int i = 0; i < kCrimesEvents; ++i) {
    model::Event event;
    event.at = kCrimesClock.wall();
    event.kind = "test";
    event.message = "event " + std::to_string(i);
    (*store)->commit({.events = {event}}, {});
  }
  REQUIRE((*store)->flush());
  LogSigner signer(folder, **store, *audit::read_or_make_log_key(folder));
  REQUIRE(signer.sign());
  REQUIRE((*store)->flush());
}

ChainFault fault_after(const std::string& sql) {
  const test::TempFolder folder;
  leave_signed_log(folder.path());
  {
    auto database = Database::open(folder.path() / "ota.db", Database::Mode::kReadWrite, "");
    REQUIRE(database->run(sql.c_str()));
  }
  auto store = open_sqlite(folder.path() / "ota.db", kCrimesClock);
  REQUIRE(store.has_value());
  const auto report = verify_log(**store, read_checkpoint(folder.path()));
  if (!report) FAIL(report.error().text());
  return report->fault.value_or(ChainFault{0, "none"});
}

std::string moved(const std::string& places, const std::string& to) {
  return "UPDATE events SET seq = -(" + to + ") WHERE " + places +
         "; UPDATE events SET seq = -seq WHERE seq < 0;";
}

}  // namespace

TEST_CASE("what is done to the log's rows is named with its place, hashes moved along or not",
          "[store][audit]") {
  CHECK(fault_after("").what == "none");
  for (int at = 1; at <= kCrimesEvents; ++at) {
    const std::string here = std::to_string(at);
    const auto check = [&](const char* crime, const std::string& sql, const char* said) {
      const ChainFault fault = fault_after(sql);
      INFO(crime << " at " << at << ": " << fault.seq << " " << fault.what);
      CHECK(fault.seq == static_cast<std::uint64_t>(at));
      CHECK(fault.what.find(said) != std::string::npos);
    };
    const std::string only = " WHERE seq = " + here + ";";
    check("edited", "UPDATE events SET document = replace(document, 'event', 'EVENT')" + only,
          "was edited");
    check("dropped", "DELETE FROM events" + only, "missing");
    check("dropped and numbered anew",
          "DELETE FROM events" + only + moved("seq > " + here, "seq - 1"), "missing");
    check("put in",
          moved("seq >= " + here, "seq + 1") +
              "INSERT INTO events(seq, severity, source, kind, document, leaf) "
              "SELECT " +
              here +
              ", 0, '', 'forged', '{}', leaf FROM events WHERE seq = " + std::to_string(at + 1),
          "put in");
    if (at < kCrimesEvents) {
      check("swapped",
            moved("seq IN (" + here + ", " + here + " + 1)", "2 * " + here + " + 1 - seq"),
            "changed places");
    }
    check("cut off",
          "DELETE FROM events WHERE seq >= " + here + "; UPDATE counters SET events = " + here +
              " - 1",
          "missing");
  }
}

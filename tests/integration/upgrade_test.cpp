// The state of every earlier release opens, everything of it is there, and its log still verifies.
#include "audit/tile_tree.h"
#include "base/file.h"
#include "fleet/minutes.h"
#include "fleet/stored_state.h"
#include "pki/x509.h"
#include "store/audit_head.h"
#include "store/log_verify.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "store/store.h"
#include "tests/support/catch.h"
#include "tests/support/released_state.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::store;

namespace {

constexpr std::uint64_t kReleasedEvents = 52;

const SystemClock kUpgradeClock;

struct Upgraded {
  test::TempFolder folder;
  std::vector<std::string> documents;  // the events' as the release wrote them
  std::unique_ptr<Store> store;

  Upgraded() {
    test::copy_released_state(folder.path());
    {
      auto before = Database::open(folder.path() / "state/ota.db", Database::Mode::kReadOnly, "");
      REQUIRE(before.has_value());
      CHECK(before->number("PRAGMA user_version").value() == 3);
      auto rows = before->prepare("SELECT document FROM events ORDER BY seq");
      while (rows->step().value())
        documents.emplace_back(rows->text(0));
    }
    open();
  }
  void open() {
    store.reset();
    auto opened = open_store("sqlite:state/ota.db", folder.path().string(), kUpgradeClock);
    if (!opened) FAIL(opened.error().text());
    store = std::move(*opened);
  }
  std::optional<ChainFault> fault() {
    const std::uint64_t size = store->last_event();
    const audit::Checkpoint head{"ota.test", size, tree_of(*store, size).root().value()};
    const auto report = verify_log(*store, head);
    if (!report) FAIL(report.error().text());
    return report->fault;
  }
};

}  // namespace

TEST_CASE("the first release's devices, jobs, tokens and minutes are there", "[store][upgrade]") {
  Upgraded it;
  const auto state = fleet::read_state(*it.store);
  if (!state) FAIL(state.error().text());
  REQUIRE(state->devices.size() == 4);
  std::map<std::string, model::DeviceRecord> devices;
  for (const auto& record : state->devices)
    devices[record->id] = *record;
  CHECK(devices["iot-001"].enrolled);
  CHECK(devices["iot-001"].facts.confirmed->version == model::Version(2, 1, 5));
  CHECK(devices["iot-002"].facts.confirmed->version == model::Version(2, 1, 4));
  CHECK(devices["iot-002"].rejected.size() == 1);
  CHECK(devices["iot-003"].revoked);
  CHECK_FALSE(devices["iot-004"].revoked);
  for (const auto& [id, record] : devices) {
    INFO(id);
    CHECK(record.key_fingerprint.size() == 64);
    // The release forgot it of a device whose record it had no other reason to save.
    if (id != "iot-004") CHECK(record.last_seen != WallTime{});
  }
  REQUIRE(state->jobs.size() == 2);
  CHECK(state->jobs[0]->state == model::JobState::kSucceeded);
  CHECK(state->jobs[1]->state == model::JobState::kRolledBack);
  CHECK(state->jobs[1]->error_code == "health.failed");
  CHECK(state->enrolments.size() == 1);
  const auto minutes = fleet::read_all_minutes(*it.store, "iot-001", WallTime{seconds(1)},
                                               *parse_rfc3339("2100-01-01T00:00:00Z"));
  REQUIRE(minutes.has_value());
  CHECK(minutes->size() >= 2);
  CHECK(minutes->front().values[0].has_value());
}

TEST_CASE("the first release's events are the log's first entries, byte for byte",
          "[store][upgrade]") {
  Upgraded it;
  CHECK(it.store->last_event() == kReleasedEvents);
  const auto entries = it.store->entries(0, 1000);
  REQUIRE(entries->size() == kReleasedEvents);
  for (std::size_t i = 0; i < entries->size(); ++i) {
    CHECK(entries->at(i).seq == i + 1);
    CHECK(entries->at(i).document == it.documents.at(i));
  }
  audit::Hashes leaves;
  for (const std::string& document : it.documents)
    leaves.push_back(audit::leaf_hash(document));
  CHECK(tree_of(*it.store, kReleasedEvents).root().value() == audit::root_of(leaves));
  CHECK_FALSE(it.fault());
  CHECK(it.store->events({.kind_prefix = "job.succeeded"})->size() == 1);
}

TEST_CASE("the first release's signed head holds over the log that goes on from it",
          "[store][upgrade]") {
  Upgraded it;
  const auto head = read_audit_head(it.folder.path() / "state" / kAuditHeadFile);
  REQUIRE(head.has_value());
  CHECK(head->seq == kReleasedEvents);
  const auto pem = read_file(it.folder.path() / "state/pki/authority.crt", pki::kMaxPemBytes);
  const auto authority = pki::parse_certificate(*pem);
  REQUIRE(authority.has_value());
  const auto good = [&](std::string_view text, std::string_view signature) {
    return pki::signed_by(authority->get(), text, signature);
  };
  CHECK(what_breaks(*it.store, *head, good).value() == std::nullopt);

  model::Event event;
  event.at = kUpgradeClock.wall();
  event.kind = kLogFromChain;
  event.source = "server";
  event.data = {{"last", kReleasedEvents}, {"hash", head->hash}};
  it.store->commit({.events = {event}}, {});
  REQUIRE(it.store->flush());
  it.open();
  CHECK(it.store->last_event() == kReleasedEvents + 1);
  CHECK(it.store->entries(kReleasedEvents, 1)->at(0).document.find("\"seq\"") == std::string::npos);
  CHECK_FALSE(it.fault());
  CHECK(what_breaks(*it.store, *head, good).value() == std::nullopt);
}

TEST_CASE("an event of the first release that was edited before the upgrade is named by its links",
          "[store][upgrade]") {
  for (const std::uint64_t at : {std::uint64_t{1}, std::uint64_t{20}, kReleasedEvents}) {
    test::TempFolder folder;
    test::copy_released_state(folder.path());
    {
      auto database =
          Database::open(folder.path() / "state/ota.db", Database::Mode::kReadWrite, "");
      const std::string edit =
          "UPDATE events SET document = replace(document, '\"source\":\"', "
          "'\"source\":\"x') WHERE seq = " +
          std::to_string(at);
      REQUIRE(database->run(edit.c_str()));
    }
    const auto store = open_store("sqlite:state/ota.db", folder.path().string(), kUpgradeClock);
    REQUIRE(store.has_value());
    const audit::Checkpoint head{"ota.test", kReleasedEvents,
                                 tree_of(**store, kReleasedEvents).root().value()};
    const auto report = verify_log(**store, head);
    REQUIRE(report->fault);
    CHECK(report->fault->seq == at);
  }
}

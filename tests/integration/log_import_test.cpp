#include "store/log_import.h"

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::store;

namespace {

const WallTime kNow = *parse_rfc3339("2026-08-20T12:00:00Z");

std::unique_ptr<Store> open_in(const test::TempFolder& folder, const Clock& clock) {
  auto opened = open_store("sqlite:ota.db", folder.path().string(), clock);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

void commit(Store& store, const std::string& message) {
  model::Event event;
  event.at = kNow;
  event.kind = "device.test";
  event.source = "x";
  event.message = message;
  Batch batch;
  batch.events.push_back(std::move(event));
  store.commit(std::move(batch), {});
  REQUIRE(store.flush().has_value());
}

}  // namespace

TEST_CASE("who rewrites the state by an import stands in the log, until somebody acknowledges it",
          "[store]") {
  const test::TempFolder folder;
  const SystemClock clock;
  std::string exported;
  {
    auto store = open_in(folder, clock);
    commit(*store, "before the export");
    exported = store->export_state().value();
    commit(*store, "what shall be forgotten");
    CHECK(imports_of(*store)->empty());
    REQUIRE(write_down(*store, *announcement(*store, exported, "operator:mallory", kNow)));
    REQUIRE(store->import_state(exported).has_value());
  }
  auto store = open_in(folder, clock);
  EventQuery all;
  const auto events = store->events(all);
  REQUIRE(events->size() == 4);
  CHECK(events->at(1).message == "what shall be forgotten");
  CHECK(events->at(2).actor == "operator:mallory");
  CHECK(events->at(3).severity == model::Severity::kError);
  auto imports = imports_of(*store);
  REQUIRE(imports->size() == 1);
  CHECK(imports->at(0).seq == 4);
  CHECK(imports->at(0).actor == "operator:mallory");
  CHECK(imports->at(0).acknowledged_by.empty());
  CHECK(acknowledgement(*store, 3, "operator:ann", kNow).error().code == Errc::kNotFound);
  REQUIRE(write_down(*store, *acknowledgement(*store, 4, "operator:ann", kNow)));
  imports = imports_of(*store);
  CHECK(imports->at(0).acknowledged_by == "operator:ann");
}

TEST_CASE("an empty log stays empty before an import, which it then takes over", "[store]") {
  const test::TempFolder folder;
  const SystemClock clock;
  auto store = open_in(folder, clock);
  CHECK_FALSE(announcement(*store, "{}", "uid 0", kNow));
  CHECK(store->last_event() == 0);
}

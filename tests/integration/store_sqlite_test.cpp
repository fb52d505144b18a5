#include <atomic>
#include <future>
#include <thread>

#include "audit/checkpoint.h"
#include "base/file.h"
#include "base/json.h"
#include "fleet/minutes.h"
#include "store/log_import.h"
#include "store/log_verify.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::store;

namespace {

const SystemClock kWallClock;

std::unique_ptr<Store> open_or_fail(const std::filesystem::path& root) {
  auto store = open_store("sqlite:state/ota.db", root.string(), kWallClock);
  if (!store) FAIL(store.error().text());
  return std::move(*store);
}

model::Event event_for(const std::string& source, const std::string& kind,
                       model::Severity severity = model::Severity::kInfo) {
  model::Event event;
  event.at = kWallClock.wall();
  event.kind = kind;
  event.source = source;
  event.severity = severity;
  event.message = kind + " for " + source;
  return event;
}

// Commits and waits; the events with their numbers.
std::vector<model::Event> commit_now(Store& store, Batch batch) {
  std::promise<Result<Committed>> done;
  store.commit(std::move(batch), [&](const auto& result) { done.set_value(result); });
  auto committed = done.get_future().get();
  if (!committed) FAIL(committed.error().text());
  return std::move(committed->events);
}

// What the log's own tree finds wrong; there is no checkpoint here to hold it against.
std::optional<ChainFault> verify(Store& store, std::uint64_t expected) {
  const std::uint64_t size = store.last_event();
  CHECK(size == expected);
  const auto root = tree_of(store, size).root();
  REQUIRE(root.has_value());
  auto report = verify_log(store, audit::Checkpoint{"test", size, *root});
  REQUIRE(report.has_value());
  return report->fault;
}

}  // namespace

TEST_CASE("what was committed is there after the store is opened again", "[store]") {
  const test::TempFolder folder;
  std::uint64_t last = 0;
  {
    auto store = open_or_fail(folder.path());
    const auto events = commit_now(
        *store, {.puts = {{"devices", "iot-001", R"({"id":"iot-001"})"}, {"meta", "x", "1"}},
                 .events = {event_for("iot-001", "enrol.ok"), event_for("iot-001", "job.queued")}});
    REQUIRE(events.size() == 2);
    CHECK(events[1].id != events[0].id);
    CHECK(commit_now(*store, {.erases = {{"meta", "x"}}}).empty());
    last = store->last_event();
    CHECK(last == 2);
  }
  auto store = open_or_fail(folder.path());
  CHECK(store->last_event() == last);
  CHECK(store->get("devices", "iot-001")->value() == R"({"id":"iot-001"})");
  CHECK_FALSE(store->get("meta", "x")->has_value());
  CHECK(commit_now(*store, {.events = {event_for("a", "b")}})[0].seq == last + 1);
  CHECK_FALSE(verify(*store, last + 1));
}

TEST_CASE("a range gives the keys of its half-open interval in order", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  Batch batch;
  for (const char* key : {"c", "a", "b", "d"})
    batch.puts.push_back({"minutes", key, "{}"});
  batch.puts.push_back({"other", "b", "{}"});
  store->commit(std::move(batch), nullptr);
  REQUIRE(store->flush());
  const auto range = store->range("minutes", "b", "d", 10);
  REQUIRE(range->size() == 2);
  CHECK(range->at(0).key == "b");
  CHECK(range->at(1).key == "c");
  CHECK(store->range("minutes", "a", "z", 3)->size() == 3);
  CHECK(store->load("minutes")->size() == 4);
}

TEST_CASE("minutes older than the limit are taken out, and nothing else", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  Batch batch;
  for (const char* key : {"iot-001/2026-08-20T14:02", "iot-001/2026-08-20T14:03",
                          "iot-0011/2026-08-20T14:02", "iot-002/2026-08-20T14:02"})
    batch.puts.push_back({"minutes", key, "{}"});
  batch.puts.push_back({"devices", "iot-001/2026-08-20T14:02", "{}"});
  store->commit(std::move(batch), nullptr);
  store->commit(fleet::expired_minutes({"iot-001"}, *parse_rfc3339("2026-08-20T14:03:59Z")),
                nullptr);
  REQUIRE(store->flush());
  const auto left = store->load("minutes");
  REQUIRE(left->size() == 3);
  CHECK(left->at(0).key == "iot-001/2026-08-20T14:03");
  CHECK(store->load("devices")->size() == 1);
}

TEST_CASE("events are filtered by number, severity, source and kind, in both orders", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  Batch batch;
  for (int i = 0; i < 20; ++i) {
    batch.events.push_back(
        event_for(i % 2 == 0 ? "iot-001" : "iot-002", i % 5 == 0 ? "gate.block" : "job.sent",
                  i % 5 == 0 ? model::Severity::kWarning : model::Severity::kInfo));
  }
  store->commit(std::move(batch), nullptr);
  REQUIRE(store->flush());
  CHECK(store->events({.after = 15})->size() == 5);
  CHECK(store->events({.at_least = model::Severity::kWarning})->size() == 4);
  CHECK(store->events({.source = "iot-002"})->size() == 10);
  CHECK(store->events({.kind_prefix = "gate."})->size() == 4);
  CHECK(store->events({.at_least = model::Severity::kWarning, .source = "iot-001"})->size() == 2);
  const auto newest = store->events({.limit = 3, .newest_first = true});
  REQUIRE(newest->size() == 3);
  CHECK(newest->at(0).seq == 20);
}

TEST_CASE("a prefix of kinds finds the same events as reading all of them", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  const char* const kinds[] = {"gate.allow", "gate.block", "gate", "gatekeeper.x", "job.sent", "a"};
  Batch batch;
  for (unsigned i = 0; i < 300; ++i) {
    batch.events.push_back(
        event_for("iot-001", kinds[i * 7 % 6], static_cast<model::Severity>(i * 5 % 4)));
  }
  store->commit(std::move(batch), nullptr);
  REQUIRE(store->flush());
  const auto all = store->events({});
  REQUIRE(all->size() == 300);
  for (const char* prefix : {"gate.", "gate", "gate.b", "job.sent", "z", "a"}) {
    for (const auto at_least : {model::Severity::kInfo, model::Severity::kWarning}) {
      for (const bool newest_first : {false, true}) {
        INFO(prefix << " " << newest_first);
        const EventQuery query{.after = 40,
                               .before = 260,
                               .limit = 25,
                               .at_least = at_least,
                               .kind_prefix = prefix,
                               .newest_first = newest_first};
        std::vector<std::uint64_t> wanted;
        for (const model::Event& event : *all) {
          if (event.seq > 40 && event.seq < 260 && event.severity >= at_least &&
              event.kind.starts_with(prefix))
            wanted.push_back(event.seq);
        }
        if (newest_first) std::reverse(wanted.begin(), wanted.end());
        if (wanted.size() > 25) wanted.resize(25);
        std::vector<std::uint64_t> got;
        for (const model::Event& event : *store->events(query))
          got.push_back(event.seq);
        CHECK(got == wanted);
      }
    }
  }
}

TEST_CASE("batches of many threads form one log without a gap", "[store][threads]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::atomic<int> acknowledged = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string source = "iot-" + std::to_string(t);
        store->commit({.puts = {{"devices", source, std::to_string(i)}},
                       .erases = {},
                       .events = {event_for(source, "telemetry.gap")}},
                      [&](const auto& result) {
                        if (result) ++acknowledged;
                      });
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  REQUIRE(store->flush());
  CHECK(acknowledged == kThreads * kEach);
  CHECK_FALSE(verify(*store, kThreads * kEach));
}

TEST_CASE("the state exports, imports and exports again to equal bytes", "[store]") {
  const test::TempFolder first;
  const test::TempFolder second;
  auto source = open_or_fail(first.path());
  for (int i = 0; i < 50; ++i) {
    source->commit({.puts = {{"devices", "iot-" + std::to_string(i), R"({ "n": 1.50 })"}},
                    .erases = {},
                    .events = {event_for("iot", "x → y")}},
                   nullptr);
  }
  REQUIRE(source->flush());
  const auto exported = source->export_state();
  REQUIRE(exported.has_value());

  auto target = open_or_fail(second.path());
  REQUIRE(target->import_state(*exported));
  CHECK(target->export_state().value() == *exported);
  target.reset();
  target = open_or_fail(second.path());
  CHECK(target->last_event() == 50);
  CHECK(commit_now(*target, {.events = {event_for("a", "b")}})[0].seq == 51);
  CHECK_FALSE(verify(*target, 51));
}

TEST_CASE("an import replaces the documents, and the log goes on with a word on it", "[store]") {
  const test::TempFolder first;
  const test::TempFolder second;
  auto source = open_or_fail(first.path());
  commit_now(*source, {.puts = {{"devices", "new", "{}"}},
                       .events = {event_for("x", "theirs"), event_for("x", "theirs")}});
  const std::string exported = source->export_state().value();
  auto target = open_or_fail(second.path());
  commit_now(*target, {.puts = {{"devices", "old", "{}"}, {"meta", "audit-checkpoint", "{}"}},
                       .events = {event_for("y", "ours")}});
  REQUIRE(target->import_state(exported));
  target.reset();
  target = open_or_fail(second.path());
  CHECK(target->get("devices", "new")->has_value());
  CHECK_FALSE(target->get("devices", "old")->has_value());
  CHECK(target->get("meta", "audit-checkpoint")->has_value());  // the log's own, as the log is
  const auto events = target->events({});
  REQUIRE(events->size() == 2);
  CHECK(events->at(0).kind == "ours");
  CHECK(events->at(1).kind == kLogImported);
  CHECK(events->at(1).severity == model::Severity::kError);
  CHECK(events->at(1).data.at("events") == 2);
  CHECK(events->at(1).data.at("root") == to_hex(tree_of(*source, 2).root().value()));
  CHECK_FALSE(events->at(1).data.contains("origin"));  // it was never signed
  CHECK_FALSE(verify(*target, 2));
}

TEST_CASE("a log that came with an import can be read to its beginning, whatever had left of it",
          "[store]") {
  const test::TempFolder first;
  const test::TempFolder second;
  auto source = open_or_fail(first.path());
  Batch many;
  for (int i = 0; i < 300; ++i)
    many.events.push_back(event_for("x", "theirs"));
  commit_now(*source, std::move(many));
  const audit::Hashes left = source->tile(0, 0, 256).value();
  const std::string note =
      audit::Checkpoint{"ota.theirs", 300, tree_of(*source, 300).root().value()}.text();
  commit_now(*source, {.puts = {{"meta", "audit-checkpoint", dump_json(Json{{"note", note}})}},
                       .events = {},
                       .retire_until = 256});
  auto target = open_or_fail(second.path());
  commit_now(*target, {.events = {event_for("y", "ours")}});
  REQUIRE(target->import_state(source->export_state().value()));
  target.reset();
  target = open_or_fail(second.path());

  const auto imports = imports_of(*target);
  REQUIRE(imports->size() == 1);
  const LogImport& import = imports->front();
  CHECK(import.origin == "ota.theirs");
  CHECK(import.checkpoint == note);
  CHECK(import.events == 300);
  CHECK(import.message.find("of the log ota.theirs") != std::string::npos);
  const auto begin = target->closed_entries(import.log, 0, 2);
  REQUIRE(begin->size() == 2);
  CHECK(begin->at(0).seq == 1);
  CHECK(begin->at(0).document == audit::to_base64(as_bytes(audit::to_bytes(left))));
  CHECK(begin->at(1).seq == 257);
  const auto rest = target->closed_entries(import.log, 256, 1000);
  REQUIRE(rest->size() == 44);
  CHECK(rest->back().document == source->entries(299, 1)->front().document);
  CHECK(target->closed_entries(import.log, 300, 1000)->empty());
  CHECK(target->closed_entries(import.log + 1, 0, 1000)->empty());
}

TEST_CASE("nothing of the old state is written over an import, until the store is opened again",
          "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  const auto put = [&](const char* key) {
    store->commit({.puts = {{"devices", key, "{}"}}, .erases = {}, .events = {event_for("a", "b")}},
                  nullptr);
    return store->flush();
  };
  REQUIRE(put("imported"));
  const std::string exported = store->export_state().value();
  REQUIRE(put("old"));
  REQUIRE(store->import_state(exported));
  CHECK(put("old").error().code == Errc::kUnavailable);
  CHECK(store->import_state(exported).error().code == Errc::kConflict);
  store.reset();
  store = open_or_fail(folder.path());
  CHECK(store->get("devices", "imported")->has_value());
  CHECK_FALSE(store->get("devices", "old")->has_value());
  CHECK(put("new").has_value());
}

TEST_CASE("an old state lifts no stop that was said here since", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  const auto say = [&](const char* document) {
    commit_now(*store, {.puts = {{"fleet", "stop", document}}, .events = {event_for("a", "b")}});
  };
  const auto import = [&](const std::string& state) {
    REQUIRE(store->import_state(state).has_value());
    store.reset();
    store = open_or_fail(folder.path());
    return **store->get("fleet", "stop");
  };
  commit_now(*store, {.puts = {{"devices", "a", "{}"}}, .events = {event_for("a", "b")}});
  const std::string never_stopped = store->export_state().value();
  say(R"({"on":true})");
  const std::string stopped = store->export_state().value();
  CHECK(import(never_stopped) == R"({"on":true})");
  say(R"({"on":false})");
  CHECK(import(stopped) == R"({"on":false})");
  // Where nothing was said here, what the state says holds.
  const test::TempFolder other;
  auto fresh = open_or_fail(other.path());
  commit_now(*fresh, {.puts = {{"devices", "b", "{}"}}, .events = {event_for("a", "b")}});
  REQUIRE(fresh->import_state(stopped).has_value());
  fresh.reset();
  fresh = open_or_fail(other.path());
  CHECK(**fresh->get("fleet", "stop") == R"({"on":true})");
}

TEST_CASE("an old state takes no job's number back that was given here since", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  const auto give = [&](const char* document) {
    commit_now(*store,
               {.puts = {{"fleet", "job-number", document}}, .events = {event_for("a", "b")}});
  };
  give(R"({"last":3})");
  const std::string old = store->export_state().value();
  give(R"({"last":7})");
  REQUIRE(store->import_state(old));
  store.reset();
  store = open_or_fail(folder.path());
  CHECK(**store->get("fleet", "job-number") == R"({"last":7})");
}

TEST_CASE("a state that does not verify replaces nothing", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  commit_now(*store, {.puts = {{"devices", "a", "{}"}}, .events = {event_for("a", "b")}});
  const audit::Checkpoint head{"ota.test", 1, tree_of(*store, 1).root().value()};
  const std::string note = head.text() + "\n\u2014 ota.test AAAAAQAA\n";
  commit_now(*store, {.puts = {{"meta", "audit-checkpoint", dump_json({{"note", note}})}}});
  const std::string before = store->export_state().value();
  std::string forged = before;
  forged.replace(forged.find("b for a"), 7, "b for z");
  CHECK_FALSE(store->import_state(forged).has_value());
  CHECK(store->export_state().value() == before);
  CHECK(store->health().writable);
}

TEST_CASE("a second opener of the same state is refused by the holder's pid", "[store]") {
  const test::TempFolder folder;
  const auto store = open_or_fail(folder.path());
  const auto second = open_store("sqlite:state/ota.db", folder.path().string(), kWallClock);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::kConflict);
  CHECK(second.error().text().find("pid " + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("a database of another program is refused and left as it is", "[store]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "other.db";
  {
    auto other = Database::open(path, Database::Mode::kCreate, "");
    REQUIRE(other.has_value());
    REQUIRE(other->run("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)"));
  }
  const auto before = read_file(path, 1U << 20);
  const auto store = open_sqlite(path, kWallClock);
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().code == Errc::kInvalid);
  CHECK(read_file(path, 1U << 20).value() == before.value());
}

TEST_CASE("a file that is no database is refused and left as it is", "[store]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "notes.txt";
  const std::string text(5000, 'x');
  REQUIRE(write_file_durably(path, text));
  const auto store = open_sqlite(path, kWallClock);
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().code == Errc::kInvalid);
  CHECK(read_file(path, 1U << 20).value() == text);
}

TEST_CASE("a database is opened through a link of its folder, and through none of its own",
          "[store]") {
  namespace fs = std::filesystem;
  const test::TempFolder folder;
  fs::create_directory(folder.path() / "real");
  fs::create_directory_symlink("real", folder.path() / "state");
  { CHECK(open_sqlite(folder.path() / "state/ota.db", kWallClock).has_value()); }
  REQUIRE(fs::exists(folder.path() / "real/ota.db"));

  for (const char* target : {"ota.db", "nothing-there.db"}) {
    CAPTURE(target);
    const fs::path link = folder.path() / "real/link.db";
    fs::remove(link);
    fs::create_symlink(target, link);
    CHECK_FALSE(open_sqlite(link, kWallClock).has_value());
    CHECK_FALSE(fs::exists(folder.path() / "real/nothing-there.db"));
  }
}

TEST_CASE("a schema of a newer program is refused", "[store]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  REQUIRE(open_sqlite(path, kWallClock).has_value());
  {
    auto database = Database::open(path, Database::Mode::kReadWrite, "");
    REQUIRE(database->run("PRAGMA user_version=999"));
  }
  const auto store = open_sqlite(path, kWallClock);
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().code == Errc::kInvalid);
  CHECK(store.error().text().find("999") != std::string::npos);
}

TEST_CASE("each older schema is brought up to date without loss", "[store]") {
  for (std::size_t version = 1; version < migrations().size(); ++version) {
    const test::TempFolder folder;
    const auto path = folder.path() / "ota.db";
    {
      auto database = Database::open(path, Database::Mode::kCreate, "");
      REQUIRE(prepare_schema(*database, migrations().first(version)));
      REQUIRE(
          database->run("INSERT INTO documents(collection, key, document) "
                        "VALUES('devices', 'iot-001', '{}')"));
    }
    auto store = open_sqlite(path, kWallClock);
    REQUIRE(store.has_value());
    CHECK((*store)->load("devices")->size() == 1);
  }
}

TEST_CASE("a migration that fails leaves the older schema as it was", "[store]") {
  const test::TempFolder folder;
  auto database = Database::open(folder.path() / "ota.db", Database::Mode::kCreate, "");
  const std::vector<const char*> good{"CREATE TABLE one(x)"};
  const std::vector<const char*> bad{"CREATE TABLE one(x)", "CREATE TABLE two(x)", "nonsense"};
  REQUIRE(prepare_schema(*database, good));
  CHECK_FALSE(prepare_schema(*database, bad).has_value());
  CHECK(database->number("PRAGMA user_version").value() == 1);
  CHECK(database->number("SELECT count(*) FROM sqlite_master").value() == 1);
}

TEST_CASE("a locked database is refused with a clear error", "[store]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  REQUIRE(open_sqlite(path, kWallClock).has_value());
  auto other = Database::open(path, Database::Mode::kReadWrite, "");
  REQUIRE(other->run("BEGIN EXCLUSIVE"));
  const auto store = open_sqlite(path, kWallClock);
  REQUIRE_FALSE(store.has_value());
  CHECK(store.error().code == Errc::kConflict);
}

TEST_CASE("an altered event is read as one that does not verify", "[store]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  {
    auto store = open_sqlite(path, kWallClock);
    for (int i = 0; i < 5; ++i)
      (*store)->commit({.puts = {}, .erases = {}, .events = {event_for("a", "b")}}, nullptr);
  }
  SECTION("edited") {
    auto database = Database::open(path, Database::Mode::kReadWrite, "");
    REQUIRE(database->run(
        "UPDATE events SET document = replace(document, 'b for a', 'c for a') WHERE seq = 3"));
  }
  SECTION("dropped") {
    auto database = Database::open(path, Database::Mode::kReadWrite, "");
    REQUIRE(database->run("DELETE FROM events WHERE seq = 3"));
  }
  SECTION("destroyed") {
    auto database = Database::open(path, Database::Mode::kReadWrite, "");
    REQUIRE(database->run("UPDATE events SET document = '{' WHERE seq = 3"));
  }
  auto store = open_sqlite(path, kWallClock);
  const auto fault = verify(**store, 5);
  REQUIRE(fault);
  CHECK(fault->seq == 3);
}

TEST_CASE("a document beyond the limit is refused alone", "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  std::promise<Result<Committed>> large;
  std::promise<Result<Committed>> small;
  store->commit(
      {.puts = {{"devices", "big", std::string(9U << 20, ' ')}}, .events = {event_for("a", "b")}},
      [&](const auto& result) { large.set_value(result); });
  store->commit({.puts = {{"devices", "ok", "{}"}}, .events = {event_for("a", "b")}},
                [&](const auto& result) { small.set_value(result); });
  CHECK(large.get_future().get().error().code == Errc::kLimit);
  CHECK(small.get_future().get().has_value());
  CHECK_FALSE(verify(*store, 1));
}

TEST_CASE("an event beyond what a log's entry may be is refused alone, with all of its batch",
          "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  model::Event large = event_for("a", "b");
  large.message = std::string(60 * 1024, 'x');
  std::promise<Result<Committed>> refused;
  store->commit({.puts = {{"devices", "with it", "{}"}}, .events = {event_for("a", "b"), large}},
                [&](const auto& result) { refused.set_value(result); });
  CHECK(commit_now(*store, {.events = {event_for("a", "b")}})[0].seq == 1);
  CHECK(refused.get_future().get().error().code == Errc::kLimit);
  CHECK_FALSE(store->get("devices", "with it")->has_value());
  CHECK(store->health().writable);
  CHECK_FALSE(verify(*store, 1));
}

TEST_CASE("events that leave keep their place in the tree, and the next one its number",
          "[store]") {
  const test::TempFolder folder;
  auto store = open_or_fail(folder.path());
  Batch batch;
  for (int i = 0; i < 600; ++i)
    batch.events.push_back(event_for("a", "b"));
  commit_now(*store, std::move(batch));
  const auto proof = tree_of(*store, 600).inclusion(3);
  REQUIRE(proof.has_value());
  model::Event word = event_for("server", std::string(kLogRetired));
  word.data = {{"until", 512}};
  commit_now(*store, {.events = {word}});
  commit_now(*store, {.retire_until = 600});  // by whole bundles: up to 512
  const std::string exported = store->export_state().value();
  store.reset();
  store = open_or_fail(folder.path());
  CHECK(store->entries(0, 1)->at(0).seq == 513);
  CHECK(tree_of(*store, 600).inclusion(3).value() == *proof);
  CHECK_FALSE(verify(*store, 601));
  CHECK(commit_now(*store, {.events = {event_for("a", "b")}})[0].seq == 602);

  const test::TempFolder second;
  auto copy = open_or_fail(second.path());
  REQUIRE(copy->import_state(exported));
  CHECK(copy->export_state().value() == exported);
  CHECK(tree_of(*copy, 600).inclusion(3).value() == *proof);
  CHECK_FALSE(verify(*copy, 601));
}

TEST_CASE("only known store addresses are opened", "[store]") {
  const test::TempFolder folder;
  for (const char* url : {"", "sqlite:", "mysql://x", "state/ota.db"}) {
    const auto store = open_store(url, folder.path().string(), kWallClock);
    REQUIRE_FALSE(store.has_value());
    CHECK(store.error().code == Errc::kInvalid);
  }
}

TEST_CASE("the database is readable by its owner alone", "[store]") {
  const test::TempFolder folder;
  const auto store = open_or_fail(folder.path());
  const auto permissions = std::filesystem::status(folder.path() / "state/ota.db").permissions();
  CHECK((permissions & std::filesystem::perms(0077)) == std::filesystem::perms::none);
}

#include "store/sqlite/batch_writer.h"

#include <algorithm>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/note.h"
#include "audit/tile_path.h"
#include "base/json.h"
#include "base/text.h"
#include "store/event_document.h"

namespace ota::store {
namespace {

// A document is a device, a job, a minute: kilobytes. What is larger is a defect of its writer.
constexpr std::size_t kMaxDocumentBytes = 8U << 20;
constexpr std::size_t kMaxNameBytes = 512;
// Of a head that came with an import; ours has some 250 bytes.
constexpr std::size_t kMostNote = 4096;
constexpr std::size_t kMostOrigin = 80;

std::string touched_by(const Batch& batch) {
  if (batch.puts.empty() && batch.erases.empty()) return {};
  Json touched = Json::array();
  for (const Put& put : batch.puts)
    touched.push_back({put.collection, put.key});
  for (const Erase& erase : batch.erases)
    touched.push_back({erase.collection, erase.key});
  return dump_json(touched);
}

// Empty where there is none.
Result<std::string> query_document(Database& database, std::string_view collection,
                                   std::string_view key) {
  auto row = database.prepare("SELECT document FROM documents WHERE collection = ?1 AND key = ?2");
  if (!row) return row.error();
  row->bind(1, collection);
  row->bind(2, key);
  const auto found = row->step();
  if (!found) return found.error();
  return std::string(*found ? row->text(0) : std::string_view());
}

Error conflict(const Put& put, std::uint64_t found) {
  const std::string name = put.collection + "/" + put.key;
  if (*put.expected == 0) return fail(Errc::kConflict, name + " is there already");
  if (found == 0) return fail(Errc::kConflict, name + " is gone");
  return fail(Errc::kConflict, name + " was changed meanwhile: it has revision " +
                                   std::to_string(found) + ", not " +
                                   std::to_string(*put.expected));
}

}  // namespace

std::optional<Error> unfit(const Batch& batch) {
  for (const Put& put : batch.puts) {
    if (put.document.size() > kMaxDocumentBytes) {
      return fail(Errc::kLimit, put.collection + "/" + put.key + " is a document of " +
                                    std::to_string(put.document.size()) + " bytes; at most " +
                                    std::to_string(kMaxDocumentBytes));
    }
    if (put.collection.empty() || put.collection.size() > kMaxNameBytes ||
        put.key.size() > kMaxNameBytes) {
      return fail(Errc::kLimit, "a document's collection or key is empty or longer than " +
                                    std::to_string(kMaxNameBytes) + " bytes");
    }
  }
  for (const Claim& claim : batch.claims) {
    if (claim.name.empty() || claim.name.size() > kMaxNameBytes) {
      return fail(Errc::kLimit, "a claim's name is empty or longer than " +
                                    std::to_string(kMaxNameBytes) + " bytes");
    }
  }
  return std::nullopt;
}

struct BatchWriter::Statements {
  explicit Statements(Database& database) : database_(database) {}

  // Each is prepared when it is first needed.
  Result<Statement*> get(std::optional<Statement>& statement, const char* sql) {
    if (!statement) {
      auto prepared = database_.prepare(sql);
      if (!prepared) return prepared.error();
      statement.emplace(std::move(*prepared));
    }
    return &*statement;
  }

  Database& database_;
  std::optional<Statement> put, erase, range, event, revision, document, holder, claim, release,
      position, tile, retire, closed;
};

BatchWriter::BatchWriter(Position position)
    : position_(std::move(position)),
      committed_(position_),
      incarnation_(position_.incarnation + 1) {}
BatchWriter::~BatchWriter() = default;

Result<void> BatchWriter::write(Database& database, const std::vector<WriteItem*>& items) {
  if (!statements_ || &statements_->database_ != &database)
    statements_ = std::make_unique<Statements>(database);
  position_.incarnation = incarnation_;
  for (WriteItem* item : items) {
    if (auto done = write_one(database, *item); !done) return done;
  }
  return write_position();
}

Result<void> BatchWriter::write_one(Database& database, WriteItem& item) {
  if (item.refused || item.empty()) return {};
  if (item.replacement) return write_replacement(database, item);
  ++position_.writes;
  return item.take ? write_take(item) : write_batch(item);
}

Result<void> BatchWriter::write_batch(WriteItem& item) {
  auto refusal = refusal_of(item.batch);
  if (!refusal) return refusal.error();
  if (*refusal) {
    item.refused = std::move(**refusal);
    return {};
  }
  make_documents(item);
  if (item.refused) return {};
  if (auto done = write_documents(item.batch); !done) return done;
  if (auto done = write_claims(item.batch); !done) return done;
  if (auto done = retire(item.batch.retire_until); !done) return done;
  return write_events(item);
}

Result<std::optional<Error>> BatchWriter::refusal_of(const Batch& batch) {
  // An error of the database, beside the refusal that is this function's value.
  const auto broken = [](const Error& error) {
    return Result<std::optional<Error>>(boost::system::in_place_error, error);
  };
  for (const Put& put : batch.puts) {
    if (!put.expected) continue;
    const auto select = statements_->get(
        statements_->revision, "SELECT revision FROM documents WHERE collection = ?1 AND key = ?2");
    if (!select) return broken(select.error());
    (*select)->bind(1, put.collection);
    (*select)->bind(2, put.key);
    const auto row = (*select)->step();
    if (!row) return broken(row.error());
    const auto found = *row ? static_cast<std::uint64_t>((*select)->number(0)) : 0;
    (*select)->reset();
    if (found != *put.expected)
      return Result<std::optional<Error>>(boost::system::in_place_value, conflict(put, found));
  }
  for (const Claim& claim : batch.claims) {
    if (std::find(batch.releases.begin(), batch.releases.end(), claim.name) != batch.releases.end())
      continue;
    const auto select =
        statements_->get(statements_->holder, "SELECT holder FROM claims WHERE name = ?1");
    if (!select) return broken(select.error());
    (*select)->bind(1, claim.name);
    const auto row = (*select)->step();
    if (!row) return broken(row.error());
    const std::optional<std::string> holder =
        *row ? std::optional<std::string>((*select)->text(0)) : std::nullopt;
    (*select)->reset();
    if (holder && *holder != claim.holder) {
      return Result<std::optional<Error>>(
          boost::system::in_place_value,
          fail(Errc::kConflict, claim.name + " is held by " + *holder));
    }
  }
  return Result<std::optional<Error>>(boost::system::in_place_value, std::nullopt);
}

Result<void> BatchWriter::write_documents(const Batch& batch) {
  for (const EraseRange& gone : batch.ranges) {
    const auto range =
        statements_->get(statements_->range,
                         "DELETE FROM documents WHERE collection = ?1 AND key >= ?2 AND key < ?3");
    if (!range) return range.error();
    (*range)->bind(1, gone.collection);
    (*range)->bind(2, gone.from);
    (*range)->bind(3, gone.to);
    if (auto done = (*range)->run(); !done) return done;
  }
  for (const Put& written : batch.puts) {
    if (auto done = put(written); !done) return done;
  }
  for (const Erase& gone : batch.erases) {
    const auto erase = statements_->get(statements_->erase,
                                        "DELETE FROM documents WHERE collection = ?1 AND key = ?2");
    if (!erase) return erase.error();
    (*erase)->bind(1, gone.collection);
    (*erase)->bind(2, gone.key);
    if (auto done = (*erase)->run(); !done) return done;
  }
  return {};
}

Result<void> BatchWriter::put(const Put& put) {
  const auto insert = statements_->get(
      statements_->put,
      "INSERT INTO documents(collection, key, document, revision) VALUES(?1, ?2, ?3, ?4) "
      "ON CONFLICT(collection, key) DO UPDATE SET document = excluded.document, "
      "revision = excluded.revision");
  if (!insert) return insert.error();
  (*insert)->bind(1, put.collection);
  (*insert)->bind(2, put.key);
  (*insert)->bind(3, put.document);
  (*insert)->bind(4, static_cast<std::int64_t>(position_.writes));
  return (*insert)->run();
}

Result<void> BatchWriter::write_claims(const Batch& batch) {
  for (const std::string& name : batch.releases) {
    const auto release =
        statements_->get(statements_->release, "DELETE FROM claims WHERE name = ?1");
    if (!release) return release.error();
    (*release)->bind(1, name);
    if (auto done = (*release)->run(); !done) return done;
  }
  for (const Claim& wanted : batch.claims) {
    const auto claim = statements_->get(
        statements_->claim, "INSERT OR REPLACE INTO claims(name, holder) VALUES(?1, ?2)");
    if (!claim) return claim.error();
    (*claim)->bind(1, wanted.name);
    (*claim)->bind(2, wanted.holder);
    if (auto done = (*claim)->run(); !done) return done;
  }
  return {};
}

// The documents are made before the first is written: a batch with one that is too large is refused
// as a whole.
Result<void> BatchWriter::write_events(WriteItem& item) {
  std::vector<model::Event>& events = item.batch.events;
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].seq = position_.edge.size() + 1;
    const std::string touched = i + 1 == events.size() ? touched_by(item.batch) : std::string();
    if (auto done = append(events[i], item.documents[i], touched); !done) return done;
  }
  item.committed.events = std::move(events);
  return {};
}

// An id names the event wherever it is: the gateway (here the only one), its life, its batch, and
// the event's place in that.
void BatchWriter::make_documents(WriteItem& item) {
  const std::string batch =
      "1." + std::to_string(incarnation_) + "." + std::to_string(position_.writes) + ".";
  std::size_t number = 0;
  for (model::Event& event : item.batch.events) {
    event.id = batch + std::to_string(++number);
    event.previous.clear();
    event.hash.clear();
    item.documents.push_back(event_document(event));
    if (item.documents.back().size() > audit::kMaxEntryBytes) {
      item.refused =
          fail(Errc::kLimit, "an event " + event.kind + " of " +
                                 std::to_string(item.documents.back().size()) + " bytes; at most " +
                                 std::to_string(audit::kMaxEntryBytes));
      return;
    }
  }
}

// The event's row, and what grows of the tree. Its own hash stays in the row until its tile is
// full.
Result<void> BatchWriter::append(const model::Event& event, std::string_view document,
                                 std::string_view touched) {
  const audit::Hash leaf = audit::leaf_hash(document);
  const auto insert =
      statements_->get(statements_->event,
                       "INSERT INTO events(seq, severity, source, kind, document, touched, leaf) "
                       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  if (!insert) return insert.error();
  (*insert)->bind(1, static_cast<std::int64_t>(event.seq));
  (*insert)->bind(2, static_cast<std::int64_t>(event.severity));
  (*insert)->bind(3, event.source);
  (*insert)->bind(4, event.kind);
  (*insert)->bind(5, document);
  (*insert)->bind(6, touched);
  (*insert)->bind_blob(7, as_text(leaf));
  if (auto done = (*insert)->run(); !done) return done;
  std::vector<audit::Tile> grown;
  position_.edge.append(leaf, grown);
  for (const audit::Tile& tile : grown) {
    if (auto done = write_tile(tile); !done) return done;
  }
  return {};
}

Result<void> BatchWriter::write_tile(const audit::Tile& tile) {
  const auto insert = statements_->get(statements_->tile, kPutTile);
  if (!insert) return insert.error();
  return put_tile(**insert, tile);
}

Result<void> BatchWriter::retire(std::uint64_t until) {
  const std::uint64_t whole = until / audit::kTileWidth * audit::kTileWidth;
  if (whole == 0) return {};
  const auto gone = statements_->get(statements_->retire, "DELETE FROM events WHERE seq <= ?1");
  if (!gone) return gone.error();
  (*gone)->bind(1, static_cast<std::int64_t>(std::min(whole, position_.edge.size())));
  return (*gone)->run();
}

Result<void> BatchWriter::write_take(WriteItem& item) {
  const auto take = statements_->get(
      statements_->document,
      "DELETE FROM documents WHERE collection = ?1 AND key = ?2 RETURNING document");
  if (!take) return take.error();
  (*take)->bind(1, item.take->collection);
  (*take)->bind(2, item.take->key);
  const auto row = (*take)->step();
  if (!row) return row.error();
  if (*row) {
    item.taken = (*take)->text(0);
    // A DELETE that returns rows has done all of its work with the first one.
    (*take)->reset();
    return {};
  }
  (*take)->reset();
  item.refused = fail(Errc::kNotFound, item.take->collection + "/" + item.take->key);
  return {};
}

// Documents are replaced, but for a stop that was said here and the number that a job was given. The
// log is not: what this store's log says was said. An empty store takes over the imported log as it is; another keeps it apart, and
// its own goes on with a word on it.
Result<void> BatchWriter::write_replacement(Database& database, WriteItem& item) {
  const bool goes_on = position_.edge.size() > 0;
  // What this store's own log, and its operators, said last.
  std::vector<Put> own;
  for (const auto& [collection, key] :
       {std::pair(kCheckpointCollection, kCheckpointKey), std::pair(kStopCollection, kStopKey),
        std::pair(kJobNumberCollection, kJobNumberKey)}) {
    if (!goes_on) break;
    auto document = query_document(database, collection, key);
    if (!document) return document.error();
    own.push_back({std::string(collection), std::string(key), std::move(*document)});
  }
  const auto is_own = [&own](const Put& put) {
    return std::ranges::any_of(own, [&put](const Put& one) {
      const bool holds = one.collection == kCheckpointCollection || !one.document.empty();
      return holds && one.collection == put.collection && one.key == put.key;
    });
  };
  const char* const clear = "DELETE FROM documents; DELETE FROM claims";
  if (auto cleared = database.run(clear); !cleared) return cleared;
  ++position_.writes;
  for (const Put& written : item.replacement->documents) {
    if (is_own(written)) continue;  // a head of another log, a word of another day
    if (auto done = put(written); !done) return done;
  }
  for (const Put& kept : own) {
    if (kept.document.empty()) continue;
    if (auto done = put(kept); !done) return done;
  }
  if (!goes_on) return take_over_log(*item.replacement);
  return keep_as_closed_log(*item.replacement, item);
}

Result<void> BatchWriter::take_over_log(const State& state) {
  for (const audit::Hash& leaf : state.retired) {
    std::vector<audit::Tile> grown;
    position_.edge.append(leaf, grown);
    for (const audit::Tile& tile : grown) {
      if (auto done = write_tile(tile); !done) return done;
    }
  }
  for (const auto& [event, document] : state.events) {
    if (auto done = append(event, document, {}); !done) return done;
  }
  return {};
}

Result<void> BatchWriter::keep_as_closed_log(const State& state, WriteItem& word) {
  const std::uint64_t log = position_.writes;  // a number that no other import has
  audit::TreeEdge theirs;
  std::vector<audit::Tile> grown;
  for (std::size_t at = 0; at < state.retired.size(); at += audit::kTileWidth) {
    const auto bundle = std::span(state.retired).subspan(at, audit::kTileWidth);
    for (const audit::Hash& leaf : bundle)
      theirs.append(leaf, grown);
    const std::string hashes = audit::to_base64(as_bytes(audit::to_bytes(bundle)));
    if (auto done = write_closed(log, at + 1, hashes); !done) return done;
  }
  for (const auto& [event, document] : state.events) {
    theirs.append(audit::leaf_hash(document), grown);
    if (auto done = write_closed(log, event.seq, document); !done) return done;
  }
  model::Event event;
  event.at = word.at;
  event.severity = model::Severity::kError;
  event.kind = kLogImported;
  event.source = "server";
  event.data = {{"events", theirs.size()}, {"root", to_hex(theirs.root())}, {"log", log}};
  std::string whose = "that came with it";
  // Its signature is not this log's to judge: the note is kept for who has the key.
  const auto head = audit::Checkpoint::parse(state.checkpoint);
  if (head && state.checkpoint.size() <= kMostNote) {
    const std::string origin = printable(head->origin, kMostOrigin);
    event.data["origin"] = origin;
    event.data["checkpoint"] = state.checkpoint;
    whose = "of the log " + origin + " " + whose;
  }
  event.message = "the state was replaced by an import; this log goes on, and the " +
                  std::to_string(theirs.size()) + " events " + whose + " are kept apart";
  word.batch.events.push_back(std::move(event));
  make_documents(word);
  return write_events(word);
}

Result<void> BatchWriter::write_closed(std::uint64_t log, std::uint64_t seq,
                                       std::string_view document) {
  const auto insert = statements_->get(
      statements_->closed, "INSERT INTO closed_events(log, seq, document) VALUES(?1, ?2, ?3)");
  if (!insert) return insert.error();
  (*insert)->bind(1, static_cast<std::int64_t>(log));
  (*insert)->bind(2, static_cast<std::int64_t>(seq));
  (*insert)->bind(3, document);
  return (*insert)->run();
}

Result<void> BatchWriter::write_position() {
  const auto set = statements_->get(
      statements_->position, "UPDATE counters SET writes = ?1, incarnation = ?2, events = ?3");
  if (!set) return set.error();
  (*set)->bind(1, static_cast<std::int64_t>(position_.writes));
  (*set)->bind(2, static_cast<std::int64_t>(position_.incarnation));
  (*set)->bind(3, static_cast<std::int64_t>(position_.edge.size()));
  return (*set)->run();
}

}  // namespace ota::store

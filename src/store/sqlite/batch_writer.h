// What a batch is in SQL, inside the transaction that the writer (writer.h) began.
//
// Here events get their numbers and their place in the log's tree, and documents their revisions,
// from a position that is taken back with the transaction. A condition that does not hold (an
// expected revision, another's claim) refuses its batch alone: it is looked at before anything of
// the batch is written. Thread: the writer's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/tile_tree.h"
#include "base/result.h"
#include "store/sqlite/database.h"
#include "store/sqlite/log_position.h"
#include "store/state_file.h"
#include "store/store.h"

namespace ota::store {

// One of: a batch, a document to be taken, a whole state.
struct WriteItem {
  Batch batch{};
  std::optional<Erase> take{};
  std::unique_ptr<State> replacement{};
  WallTime at{};                         // of a replacement
  std::vector<std::string> documents{};  // of the batch's events, once they have ids
  // What came of it:
  std::optional<Error> refused{};  // it alone, by its own fault
  Committed committed{};
  std::string taken{};

  bool empty() const { return batch.empty() && !take && !replacement; }
};

// What of a batch no database needs to be asked for: sizes and names.
std::optional<Error> unfit(const Batch& batch);

class BatchWriter {
 public:
  explicit BatchWriter(Position position);
  ~BatchWriter();

  // The items of one transaction, which the caller began.
  Result<void> write(Database& database, const std::vector<WriteItem*>& items);
  // Its end: from here the next one goes on, or from the last that was committed.
  void committed() { committed_ = position_; }
  void rolled_back() { position_ = committed_; }
  std::uint64_t last_event() const { return committed_.edge.size(); }

 private:
  struct Statements;

  Result<void> write_one(Database& database, WriteItem& item);
  Result<void> write_batch(WriteItem& item);
  Result<void> write_take(WriteItem& item);
  Result<void> write_replacement(Database& database, WriteItem& item);
  Result<void> take_over_log(const State& state);
  Result<void> keep_as_closed_log(const State& state, WriteItem& word);
  Result<void> write_closed(std::uint64_t log, std::uint64_t seq, std::string_view document);
  Result<void> retire(std::uint64_t until);
  Result<void> write_documents(const Batch& batch);
  Result<void> write_claims(const Batch& batch);
  void make_documents(WriteItem& item);
  Result<void> write_events(WriteItem& item);
  Result<void> append(const model::Event& event, std::string_view document,
                      std::string_view touched);
  Result<void> write_tile(const audit::Tile& tile);
  Result<void> write_position();
  // Why the batch does not apply as things stand; none: it does.
  Result<std::optional<Error>> refusal_of(const Batch& batch);
  Result<void> put(const Put& put);
  std::unique_ptr<Statements> statements_;
  Position position_;                // with what is being written
  Position committed_;               // on disk
  const std::uint64_t incarnation_;  // this life's; on disk with its first write
};

}  // namespace ota::store

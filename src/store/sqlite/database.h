// SQLite's handles as objects, and its error codes as ours. No SQL of the store is here.
//
// Thread: an object belongs to one thread at a time; connections do not share state.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::store {

// A prepared statement. Text that is bound must live until reset().
class Statement {
 public:
  // Parameters and columns count as SQLite counts them: parameters from 1, columns from 0.
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::int64_t number);
  void bind_blob(int parameter, std::string_view bytes);
  // True: a row is there; false: done.
  Result<bool> step();
  // For statements that give no rows: one step and a reset.
  Result<void> run();
  void reset();

  // Valid until the next step or reset.
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  std::int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // kFrozen: nothing is written, locked or looked for beside the file, and a write-ahead log is not
  // read: for a file that nobody changes meanwhile, on a disk that takes no writes.
  enum class Mode { kReadOnly, kReadWrite, kCreate, kFrozen };
  // `vfs` names SQLite's file layer; empty: the system's. Tests put failing ones there.
  static Result<Database> open(const std::filesystem::path& path, Mode mode,
                               const std::string& vfs);

  Result<void> run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row.
  Result<std::int64_t> number(std::string_view sql);

  // Its file was opened without the right to write, now and for good.
  bool read_only() const { return sqlite3_db_readonly(connection_.get(), "main") == 1; }
  // False inside BEGIN ... COMMIT. SQLite may have rolled back on its own after an error.
  bool autocommit() const { return sqlite3_get_autocommit(connection_.get()) != 0; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  std::unique_ptr<sqlite3, Close> connection_;
};

// The last error of the connection, in our codes: kFull (disk full or read-only), kConflict (locked
// by another program), kInvalid (not a database, or damaged), kDenied, kIo.
Error sqlite_error(sqlite3* connection, std::string context);

}  // namespace ota::store

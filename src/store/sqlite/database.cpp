#include "store/sqlite/database.h"

#include <cerrno>

namespace ota::store {
namespace {

constexpr int kBusyTimeoutMs = 3000;

// What the operating system said, where it said something that is clearer than SQLite's code.
std::optional<Errc> code_of_errno(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EROFS:
      return Errc::kFull;
    case EACCES:
    case EPERM:
      return Errc::kDenied;
    default:
      return std::nullopt;
  }
}

// https://www.sqlite.org/uri.html, section 3.1: what of a path has a meaning in a URI is escaped.
std::string frozen_uri(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char c : path.string()) {
    if (c == '%') {
      uri += "%25";
    } else if (c == '?') {
      uri += "%3f";
    } else if (c == '#') {
      uri += "%23";
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Error sqlite_error(sqlite3* connection, std::string context) {
  const int code = connection == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(connection);
  if (code == SQLITE_CANTOPEN_SYMLINK)
    return fail(Errc::kDenied, std::move(context) + ": it is a link; only its folder may be one");
  const std::string words = connection == nullptr ? std::string("out of memory")
                                                  : std::string(sqlite3_errmsg(connection));
  context += ": " + words;
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_READONLY:
      return fail(Errc::kFull, std::move(context));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Errc::kConflict, std::move(context) + " by another program");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return fail(Errc::kInvalid, std::move(context));
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail(Errc::kDenied, std::move(context));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
      const int error_number = connection == nullptr ? 0 : sqlite3_system_errno(connection);
      return fail(code_of_errno(error_number).value_or(Errc::kIo), std::move(context));
    }
    default:
      return fail(Errc::kIo, std::move(context));
  }
}

void Statement::bind(int parameter, std::string_view text) {
  // SQLite takes a null pointer for NULL, and an empty view may hold one.
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter, number);
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_.get()), "database");
}

Result<void> Statement::run() {
  auto done = step();
  reset();
  if (!done) return done.error();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::string_view Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

Result<Database> Database::open(const std::filesystem::path& path, Mode mode,
                                const std::string& vfs) {
  // Neither the file nor its log is opened through a link; the folder is an operator's choice.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
  std::error_code unknown;
  const auto folder = std::filesystem::weakly_canonical(path.parent_path(), unknown);
  const auto place = unknown ? path : folder / path.filename();
  std::string name = place.string();
  switch (mode) {
    case Mode::kFrozen:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      name = frozen_uri(place);
      break;
    case Mode::kReadOnly:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case Mode::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Mode::kCreate:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
  }
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
  Database database(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, "open " + path.string());
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return database;
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqlite_error(connection_.get(), "database");
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return sqlite_error(connection_.get(), "database");
  }
  return Statement(statement);
}

Result<std::int64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : 0;
}

}  // namespace ota::store

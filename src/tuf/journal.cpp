#include "tuf/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/beneath.h"
#include "base/file.h"
#include "base/text.h"
#include "model/event_kind.h"
#include "tuf/error.h"
#include "tuf/strict_json.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::size_t kMaxWord = 300;
constexpr int kPatienceMs = 5000;

Result<FileLock> locked(const fs::path& folder) {
  return FileLock::acquire(folder / ".journal-lock", kPatienceMs);
}

// A line that somebody else wrote into the file is no entry; it is shown as what it is.
JournalEntry entry_of(const std::string& line) {
  JournalEntry entry;
  try {
    const Json json = Json::parse(line);
    entry.at = parse_rfc3339(json.at("at").get<std::string>()).value();
    entry.step = printable(json.at("step").get<std::string>(), 40);
    entry.actor = printable(json.at("actor").get<std::string>(), 40);
    entry.failed = json.at("failed").get<bool>();
    for (const Json& word : json.at("words"))
      entry.words.push_back(printable(word.get<std::string>(), kMaxWord));
  } catch (const std::exception&) {
    entry = {};
    entry.step = model::event_kind::kKeysJournal;
    entry.failed = true;
    entry.words = {"a line of the journal is no entry: " + printable(line, 60)};
  }
  return entry;
}

}  // namespace

Journal::Journal(const fs::path& keys)
    : folder_(keys), waiting_(keys / "journal"), taken_(keys / "journal.taken") {}

Result<void> Journal::add(const JournalEntry& entry) const {
  if (auto made = make_directories(folder_, 0700); !made) return made;
  const auto lock = locked(folder_);
  if (!lock) return lock.error();
  const FileDescriptor fd(
      ::open(waiting_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(errno, "open " + waiting_.string());
  const Json line{{"at", format_rfc3339(entry.at)},
                  {"step", entry.step},
                  {"actor", entry.actor},
                  {"failed", entry.failed},
                  {"words", entry.words}};
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (auto written = write_all(fd.get(), text); !written) return written;
  if (::fsync(fd.get()) != 0) return fail_errno(errno, "sync " + waiting_.string());
  return {};
}

Result<std::vector<JournalEntry>> Journal::take() const {
  std::error_code error;
  if (!fs::exists(taken_, error)) {
    if (!fs::exists(waiting_, error)) return std::vector<JournalEntry>();
    const auto lock = locked(folder_);
    if (!lock) return lock.error();
    if (::rename(waiting_.c_str(), taken_.c_str()) != 0) {
      return fail_errno(errno, "rename " + waiting_.string());
    }
  }
  const auto text = read_beneath(folder_, taken_.filename(), kMaxBytes);
  if (!text) return text.error();
  std::vector<JournalEntry> entries;
  for (const std::string& line : split(*text, '\n')) {
    if (!line.empty()) entries.push_back(entry_of(line));
  }
  return entries;
}

Result<void> Journal::taken() const {
  if (::unlink(taken_.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, "remove " + taken_.string());
  }
  return sync_directory(folder_);
}

JournalEntry entry_of(WallTime at, std::string step, std::string what,
                      const std::optional<Error>& error) {
  JournalEntry entry{at, std::move(step), local_actor(), false, {std::move(what)}};
  if (error) {
    entry.failed = error->code != Errc::kThreshold;
    entry.words.push_back(error->text());
  }
  return entry;
}

std::string local_actor() {
  return "uid " + std::to_string(::getuid());
}

}  // namespace ota::tuf

#include "fleet/memory_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/beneath.h"
#include "fleet/fleet.h"

namespace ota::fleet {
namespace {

constexpr milliseconds kEvery{5 * 60 * 1000};
constexpr milliseconds kLastFor{2000};  // of the 5 s that a shutdown may take
constexpr std::size_t kPart = 128;      // devices at a tick: about a MiB
constexpr std::uint64_t kLargest = std::uint64_t{2} << 30;
constexpr std::string_view kFirst = "ota-detectors 1\n";

static_assert(std::endian::native == std::endian::little);

template <class Number>
void append(std::string& out, Number number) {
  std::array<char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  out.append(bytes.data(), bytes.size());
}

// False where the text ends before it.
template <class Number>
bool take(std::string_view& in, Number& number) {
  if (in.size() < sizeof number) return false;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return true;
}

std::filesystem::path beside(const std::filesystem::path& file) {
  return file.parent_path() / ("." + file.filename().string() + ".new");
}

}  // namespace

MemoryFile::MemoryFile(const std::filesystem::path& root, Fleet& fleet, const Clock& clock,
                       Record record)
    : file_(root / "state" / kDetectorFile),
      fleet_(fleet),
      clock_(clock),
      record_(std::move(record)),
      next_(clock.mono() + kEvery) {}

void MemoryFile::open() {
  const auto text = read_beneath(file_.parent_path(), file_.filename(), kLargest);
  if (!text && text.error().code == Errc::kNotFound) return;
  std::size_t restored = 0;
  const std::string wrong = text ? read(*text, restored) : text.error().text();
  if (wrong.empty()) return;
  record_(model::Severity::kNotice, "detectors.ignored",
          "what was learnt of devices before the restart is not all there, " +
              std::to_string(restored) + " go on from it, the others learn anew: " + wrong);
}

// What is wrong, the first of it; empty where all is well.
std::string MemoryFile::read(std::string_view file, std::size_t& restored) {
  if (file.substr(0, kFirst.size()) != kFirst) return "the file is another program's";
  file.remove_prefix(kFirst.size());
  std::string wrong;
  for (std::uint32_t count = 0;; ++count) {
    std::uint16_t name_size = 0;
    if (!take(file, name_size)) return "the file was cut";
    if (name_size == 0) {
      std::uint32_t told = 0;
      if (!take(file, told) || told != count || !file.empty()) return "the file was cut";
      return wrong;
    }
    if (file.size() < name_size) return "the file was cut";
    const std::string name(file.substr(0, name_size));
    file.remove_prefix(name_size);
    std::uint32_t size = 0;
    if (!take(file, size) || file.size() < size) return "the file was cut";
    const auto done = fleet_.restore_detector(name, file.substr(0, size));
    file.remove_prefix(size);
    if (done) {
      ++restored;
    } else if (done.error().code != Errc::kNotFound && wrong.empty()) {
      wrong = done.error().text();  // a device that is gone needs no word
    }
  }
}

Result<void> MemoryFile::begin() {
  next_ = clock_.mono() + kEvery;
  left_ = fleet_.learnt_devices();
  written_ = 0;
  bytes_ = kFirst.size();
  constexpr mode_t kOwner = 0600;
  to_ = FileDescriptor(
      ::open(beside(file_).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwner));
  if (!to_) return fail_errno(errno, beside(file_).string());
  return write_all(to_.get(), kFirst);
}

Result<void> MemoryFile::write_devices(std::size_t most) {
  std::string out;
  for (; most > 0 && !left_.empty(); --most) {
    const std::string id = std::move(left_.back());
    left_.pop_back();
    const std::string kept = fleet_.keep_detector(id);
    if (kept.empty() || id.size() > UINT16_MAX) continue;
    append(out, static_cast<std::uint16_t>(id.size()));
    out += id;
    append(out, static_cast<std::uint32_t>(kept.size()));
    out += kept;
    ++written_;
  }
  bytes_ += out.size();
  if (bytes_ > kLargest) return fail(Errc::kLimit, "more than 2 GiB");
  return write_all(to_.get(), out);
}

Result<void> MemoryFile::finish() {
  std::string end;
  append(end, std::uint16_t{0});
  append(end, written_);
  if (auto done = write_all(to_.get(), end); !done) return done;
  if (::fdatasync(to_.get()) != 0) return fail_errno(errno, beside(file_).string());
  to_.reset();
  std::error_code error;
  std::filesystem::rename(beside(file_), file_, error);
  if (error) return fail(Errc::kIo, file_.string() + ": " + error.message());
  failed_ = false;
  return {};
}

Result<void> MemoryFile::advance(std::size_t most) {
  if (auto done = write_devices(most); !done) return done;
  return left_.empty() ? finish() : Result<void>();
}

void MemoryFile::give_up(const Error& error) {
  to_.reset();
  left_.clear();
  std::error_code ignored;
  std::filesystem::remove(beside(file_), ignored);
  if (std::exchange(failed_, true)) return;
  record_(model::Severity::kWarning, "detectors.unsaved",
          "what was learnt of devices was not saved, and is lost by a restart: " + error.text());
}

void MemoryFile::save_part() {
  if (!to_) {
    if (clock_.mono() < next_) return;
    if (const auto begun = begin(); !begun) return give_up(begun.error());
  }
  if (const auto done = advance(kPart); !done) give_up(done.error());
}

void MemoryFile::save_last() {
  const MonoTime end = clock_.mono() + kLastFor;
  auto done = begin();
  while (done && to_) {
    if (clock_.mono() >= end) {
      done = fail(Errc::kTimeout, "it takes longer than an end may");
      break;
    }
    done = advance(kPart);
  }
  if (!done) give_up(done.error());
}

}  // namespace ota::fleet

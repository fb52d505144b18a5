#include "base/serving.h"

#include <fcntl.h>
#include <sys/file.h>

#include <system_error>

namespace ota {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostBytes = 512;

fs::path lock_file(const fs::path& root) {
  return root / "state" / "serving.lock";
}
fs::path address_file(const fs::path& root) {
  return root / "state" / "serving";
}

std::string first_line(const fs::path& file) {
  const auto text = read_file(file, kMostBytes);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace

std::optional<Serving> serving_at(const fs::path& root) {
  const FileDescriptor lock(::open(lock_file(root).c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock) return std::nullopt;
  // A shared lock for a moment: it is to be had where nobody has the other one.
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return std::nullopt;
  const std::string pid = first_line(lock_file(root));
  return Serving{pid.empty() ? "unknown" : pid, first_line(address_file(root))};
}

Result<ServingMark> ServingMark::claim(const fs::path& root) {
  // Longer than anybody looks whether it is free, and than one that was told to end takes to.
  constexpr int kPatienceMs = 500;
  if (auto made = make_directories(root / "state", 0700); !made) return made.error();
  auto lock = FileLock::acquire(lock_file(root), kPatienceMs);
  if (!lock) return lock.error();
  ServingMark mark(std::move(*lock), address_file(root));
  mark.set_url({});  // of one that was killed
  return mark;
}

ServingMark::~ServingMark() {
  if (!address_.empty()) set_url({});
}

void ServingMark::set_url(const std::string& url) const {
  std::error_code ignored;
  if (url.empty() || !write_file_durably(address_, url + "\n")) fs::remove(address_, ignored);
}

}  // namespace ota

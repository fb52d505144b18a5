// fill-disk: the disk of the console's state is full.
#include <sys/resource.h>

#include <cerrno>

#include "base/file.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {
namespace {

// Without the right to mount: a limit on the sizes of the running console's files makes every write
// that would grow one fail.
Result<void> limit_files(pid_t pid, bool full) {
  if (pid <= 0) return fail(Errc::kConflict, "the console does not run");
  rlimit limit{};
  if (prlimit(pid, RLIMIT_FSIZE, nullptr, &limit) != 0) return fail_errno(errno, "prlimit");
  limit.rlim_cur = full ? 0 : limit.rlim_max;
  if (prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) != 0) return fail_errno(errno, "prlimit");
  return {};
}

}  // namespace

Result<void> run_fill_disk(World& world, const Json& keys) {
  const bool full = keys.at("state").get<std::string>() == "full";
  const SmallDisk* disk = world.state_disk();
  if (disk == nullptr) return limit_files(world.pid_of("console"), full);
  return full ? disk->fill() : disk->make_room();
}

}  // namespace ota::sim

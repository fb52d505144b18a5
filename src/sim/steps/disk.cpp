// fill-disk: the console's files cannot grow any further, as on a full disk.
#include <sys/resource.h>

#include <cerrno>

#include "base/file.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {

// A file-size limit on the running console makes every write that would grow a file fail, which the
// store has to survive just as it has to survive ENOSPC; unlike a small file system it needs no
// privilege.
Result<void> run_fill_disk(World& world, const Json& keys) {
  const pid_t pid = world.pid_of("console");
  if (pid <= 0) return fail(Errc::kConflict, "the console does not run");
  rlimit limit{};
  if (prlimit(pid, RLIMIT_FSIZE, nullptr, &limit) != 0) return fail_errno(errno, "prlimit");
  limit.rlim_cur = keys.at("state").get<std::string>() == "full" ? 0 : limit.rlim_max;
  if (prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) != 0) return fail_errno(errno, "prlimit");
  return {};
}

}  // namespace ota::sim

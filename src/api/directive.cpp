#include "api/directive.h"

namespace ota::api {
namespace {

// Long enough for a slow download and a device's clock that is hours off; short enough that a word
// that was stolen is soon worth nothing.
constexpr std::chrono::hours kLife{24};

}  // namespace

Result<std::string> sign_directive(const tuf::Director& director, const std::string& device,
                                   const fleet::Command& command, WallTime now) {
  const WallTime expires = now + kLife;
  const bool back = command.kind == fleet::Command::Kind::kRollback;
  const std::string nonce =
      tuf::nonce_of(device, back ? "rollback" : command.job_id, command.attempt, command.created);
  if (back)
    return director.sign(tuf::DirectedRollback{device, command.from, command.to, expires, nonce});
  return director.sign(tuf::DirectedJob{command.job_id, device, command.release.sha256,
                                        command.release.version, expires, nonce});
}

}  // namespace ota::api

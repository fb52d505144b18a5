#include "main/headless.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <memory>

#include "base/file.h"
#include "fleet/fleet.h"
#include "main/log.h"

namespace ota::main {
namespace {

FileDescriptor end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, number);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// True where one of the signals came within `patience`.
bool signalled(const FileDescriptor& signals, int patience_ms) {
  pollfd entry{signals.get(), POLLIN, 0};
  return ::poll(&entry, 1, patience_ms) > 0;
}

}  // namespace

int run_headless(const HostOptions& options, const Clock& clock) {
  constexpr milliseconds kPatience{30000};
  constexpr int kLogLook = 250;
  const FileDescriptor signals = end_signals();
  const WallTime started = clock.wall();
  Host host(options, clock);
  host.start();
  const auto ready = host.wait_ready(kPatience);
  if (!ready) {
    std::fprintf(stderr, "ota-console: %s\n", ready.error().text().c_str());
    return 1;
  }
  const model::ServerStatus status = host.status();
  std::fprintf(stderr, "ota-console: authority SHA-256 %s\n", status.ca_fingerprint.c_str());
  std::printf("ready https://%s\n", status.listen.c_str());
  if (std::fflush(stdout) != 0) {  // whoever waits for this line would wait for ever
    std::fprintf(stderr, "ota-console: standard output takes nothing; ending\n");
    return 1;
  }
  EventLog log(started);
  std::shared_ptr<fleet::Fleet> fleet;
  do {
    fleet = host.parts().fleet;
    if (fleet != nullptr) log.print_new(*fleet->snapshot());
  } while (!signalled(signals, kLogLook));
  fleet.reset();
  std::fprintf(stderr, "ota-console: ending\n");
  host.stop();
  return 0;
}

}  // namespace ota::main

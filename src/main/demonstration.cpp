#include "main/demonstration.h"

#include <sys/stat.h>

#include <string>

#include "base/file.h"
#include "config/config.h"
#include "config/demonstration.h"
#include "main/firmware_watcher.h"

namespace ota::main {
namespace fs = std::filesystem;

namespace {

// A file keeps the mode that it has, and a link leads where it led.
Result<void> replace_file(const fs::path& path, std::string_view content) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return fail_errno(errno, path.string());
  std::error_code error;
  const fs::path file = fs::canonical(path, error);
  if (error) return fail_errno(error.value(), path.string());
  return write_file_durably(file, content, about.st_mode & 07777U);
}

}  // namespace

Result<void> start_demonstration(const fs::path& root, FirmwareWatcher& firmware) {
  const fs::path console_file = root / "config" / config::kConsoleFile;
  const fs::path devices_file = root / "config" / config::kWhitelistFile;
  const auto console = read_file(console_file, config::kMaxFileBytes);
  if (!console) return console.error();
  const auto devices = read_file(devices_file, config::kMaxFileBytes);
  if (!devices) return devices.error();
  const auto files = config::with_demonstration(*console, *devices);
  if (!files) return files.error();
  auto written = replace_file(devices_file, files->devices);
  if (written) written = replace_file(console_file, files->console);
  if (!written) {  // it may have failed after the file was there; told is the first failure
    static_cast<void>(replace_file(devices_file, *devices));
    static_cast<void>(replace_file(console_file, *console));
    return written;
  }
  const auto whitelist = config::parse_whitelist(files->devices, devices_file.string());
  if (auto published = firmware.publish_first_samples(whitelist.value); !published) {
    return published.error().within("the demonstration runs, but its images are not published");
  }
  return {};
}

}  // namespace ota::main

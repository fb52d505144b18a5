#include "config/root_check.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
namespace fs = std::filesystem;

TEST_CASE("a root whose folders, database or keys everybody may write to is refused", "[config]") {
  const test::TempFolder temp;
  const fs::path& root = temp.path();
  for (const char* folder : {"config", "firmware/targets", "state/keys/pending", "state/pki"})
    fs::create_directories(root / folder);
  for (const char* file :
       {"config/console.json", "state/ota.db", "state/ota.db-wal", "state/audit-log.key",
        "state/audit-checkpoint", "state/keys/a.pem", "state/keys/journal",
        "state/keys/pending/targets.json", "state/pki/authority.key"}) {
    std::ofstream(root / file) << "x";
  }
  REQUIRE(config::check_root(root).has_value());
  for (const char* path :
       {"config", "firmware", "state", "firmware/targets", "config/console.json", "state/ota.db",
        "state/ota.db-wal", "state/audit-log.key", "state/audit-checkpoint", "state/keys/a.pem",
        "state/keys/journal", "state/keys/pending", "state/keys/pending/targets.json",
        "state/pki/authority.key"}) {
    CAPTURE(path);
    struct stat facts {};
    REQUIRE(::stat((root / path).c_str(), &facts) == 0);
    ::chmod((root / path).c_str(), facts.st_mode | S_IWOTH);
    const auto refused = config::check_root(root);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::kDenied);
    CHECK(refused.error().context.ends_with("chmod o-w " + (root / path).string()));
    ::chmod((root / path).c_str(), facts.st_mode);
  }
  // What a link of the three leads to is what counts.
  fs::rename(root / "firmware", root / "elsewhere");
  fs::create_directory_symlink("elsewhere", root / "firmware");
  CHECK(config::check_root(root).has_value());
  ::chmod((root / "elsewhere").c_str(), 0777);
  CHECK(config::check_root(root).has_error());
}

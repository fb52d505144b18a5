#include "base/beneath.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << content;
}

// Both ways must say the same.
std::error_code outcome(const fs::path& folder, const fs::path& inner) {
  const auto whole = open_beneath(folder, inner);
  const auto steps = open_beneath_by_steps(folder, inner);
  CAPTURE(inner.string());
  CHECK(whole.has_value() == steps.has_value());
  if (!whole && !steps) CHECK(whole.error().code == steps.error().code);
  return whole ? std::error_code() : whole.error().code;
}

}  // namespace

TEST_CASE("a file is opened beneath its folder, and links are not followed there", "[base]") {
  const test::TempFolder temp;
  const fs::path folder = temp.path() / "firmware";
  put(folder / "targets/image", "bytes");
  put(folder / "targets/deep/er/image", "bytes");
  put(temp.path() / "secret", "key");
  fs::create_symlink(temp.path() / "secret", folder / "targets/absolute");
  fs::create_symlink("../../secret", folder / "targets/relative");
  fs::create_symlink("image", folder / "targets/inside");
  fs::create_directory_symlink(temp.path(), folder / "out");
  fs::create_directory_symlink("targets", folder / "same");
  CHECK_FALSE(outcome(folder, "targets/image"));
  CHECK_FALSE(outcome(folder, "targets/deep/er/image"));
  CHECK_FALSE(outcome(folder, "./targets/./image"));
  for (const char* inner : {"targets/absolute", "targets/relative", "targets/inside", "out/secret",
                            "same/image", "../secret", "/etc/passwd"}) {
    CHECK(outcome(folder, inner) == make_error_code(Errc::kDenied));
  }
  for (const char* inner : {"none", "targets/none", "targets", "targets/image/x"})
    CHECK(outcome(folder, inner) == make_error_code(Errc::kNotFound));
  // The folder itself may be a link: an operator set it up.
  fs::create_directory_symlink(folder, temp.path() / "link");
  CHECK(read_beneath(temp.path() / "link", "targets/image", 100).value() == "bytes");
  CHECK(read_beneath(folder, "targets/image", 4).error().code == Errc::kLimit);
}

TEST_CASE("only regular files are opened, and nothing is waited for", "[base]") {
  const test::TempFolder temp;
  REQUIRE(::mkfifo((temp.path() / "pipe").c_str(), 0600) == 0);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (temp.path() / "socket").string();
  REQUIRE(name.size() < sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  for (const char* inner : {"pipe", "socket", "."})
    CHECK(outcome(temp.path(), inner) == make_error_code(Errc::kNotFound));
}

TEST_CASE("a private file that others can read is refused with the command that mends it",
          "[base]") {
  const test::TempFolder temp;
  put(temp.path() / "a.key", "key");
  ::chmod((temp.path() / "a.key").c_str(), 0600);
  CHECK(read_private_beneath(temp.path(), "a.key", 100).value() == "key");
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    ::chmod((temp.path() / "a.key").c_str(), mode);
    const auto refused = read_private_beneath(temp.path(), "a.key", 100);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::kDenied);
    CHECK(refused.error().context.find("chmod 600") != std::string::npos);
  }
}

TEST_CASE("what everybody may write to, or another user owns, is not trusted", "[base]") {
  const test::TempFolder temp;
  put(temp.path() / "file", "x");
  const fs::path file = temp.path() / "file";
  CHECK(check_owner(file).has_value());
  CHECK(check_owner(temp.path() / "none").has_value());
  ::chmod(file.c_str(), 0666);
  CHECK(check_owner(file).error().context.ends_with("chmod o-w " + file.string()));
  ::chmod(file.c_str(), 0644);
  if (::geteuid() != 0) return;  // only root gives files away
  REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  const auto refused = check_owner(file);
  REQUIRE(refused.has_error());
  CHECK(refused.error().context.find("chown 0 " + file.string()) != std::string::npos);
}

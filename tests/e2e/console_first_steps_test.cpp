// The first steps of an operator: a fleet without a device, a port that another program has.
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "tests/support/catch.h"
#include "tests/support/plain_http.h"
#include "tests/support/screen_rig.h"

using namespace ota::test;
using std::chrono::seconds;

namespace {

void write_file(const std::filesystem::path& root, const char* name, const std::string& text) {
  std::filesystem::create_directories(root / "config");
  std::ofstream(root / "config" / name) << text;
}

// As `make install` leaves it: nobody listed, no agents.
void write_empty_root(const std::filesystem::path& root) {
  write_file(root, "console.json", R"({"listen": {"address": "127.0.0.1", "port": 0}})");
  write_file(root, "devices.json", R"({"devices": []})");
}

std::string port_of(const PlainHttpServer& server) {
  const std::string url = server.url();
  return url.substr(url.rfind(':') + 1);
}

PlainHttpServer& other_program() {
  static PlainHttpServer server([](const std::string&) { return PlainAnswer(); });
  return server;
}

void write_root_with_taken_port(const std::filesystem::path& root) {
  write_console_root(root);
  write_file(root, "console.json",
             R"({"listen": {"address": "127.0.0.1", "port": )" + port_of(other_program()) + "}}");
}

std::string port_that_is_free_again() {
  return port_of(PlainHttpServer([](const std::string&) { return PlainAnswer(); }));
}

}  // namespace

TEST_CASE("a on an empty fleet brings the demonstration, and its devices can be updated", "[e2e]") {
  ConsoleRig rig({.write_root = write_empty_root});
  REQUIRE(rig.pty.until_shown("To try it without a device press a", seconds(30)));
  rig.pty.send("a");
  REQUIRE(rig.pty.until_shown("Start the demonstration?"));
  rig.pty.send("\t\r");
  REQUIRE(rig.pty.until_shown("3 online", seconds(30)));
  rig.pty.send(":device iot-001\r");
  REQUIRE(rig.pty.until_shown("stable  risk", seconds(30)));
  rig.pty.send(":push iot-001 2.1.5\r");
  REQUIRE(confirm_update(rig.pty, "v2.1.5") == "");
  rig.pty.send("4");
  REQUIRE(rig.pty.until_shown("succeeded", seconds(60)));
}

TEST_CASE("o serves on another port where console.json's is taken", "[e2e]") {
  ConsoleRig rig({.write_root = write_root_with_taken_port});
  REQUIRE(rig.pty.until_shown("SERVER DOWN", seconds(30)));
  REQUIRE(rig.pty.until_shown("o other port"));
  const std::string port = port_that_is_free_again();
  rig.pty.send("o");
  REQUIRE(rig.pty.until_shown("port for this run: "));
  rig.pty.send("\025" + port + "\r");  // Ctrl-U clears what is proposed
  REQUIRE(rig.pty.until_shown(":" + port + " UP", seconds(30)));
  rig.pty.send("3/for this run\r");
  REQUIRE(rig.pty.until_shown("for this run; console.json has port"));
}

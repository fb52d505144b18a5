// The real agent against a real TLS server: identity, telemetry, a server that goes away, and the
// end.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/file.h"
#include "model/sample_image.h"
#include "tests/support/agent_rig.h"
#include "tests/support/catch.h"
#include "tests/support/wait.h"

using namespace ota;
using test::AgentProcess;
using test::AgentRig;
using test::wait_until;
namespace fs = std::filesystem;

namespace {

// A port that was free a moment ago.
std::uint16_t free_port() {
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

FileDescriptor connect_to_page(std::uint16_t port) {
  FileDescriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  return fd;
}

std::string fetch_page(std::uint16_t port, const std::string& request) {
  const FileDescriptor fd = connect_to_page(port);
  if (!fd) return "";
  ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  std::array<char, 1024> chunk{};
  for (ssize_t got = 0; (got = ::recv(fd.get(), chunk.data(), chunk.size(), 0)) > 0;) {
    answer.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace

TEST_CASE("a code that waits in the device's folder enrols it once and is deleted", "[agent]") {
  AgentRig rig;
  rig.leave_join_code(rig.join_code() + "\n");
  const auto agent = rig.run();
  CHECK(agent->says("Client iot-001 started without a status page\n"));
  CHECK(agent->says("[OTA] enrolled as iot-001\n"));
  REQUIRE(wait_until([&] { return rig.samples().size() >= 2; }));
  CHECK_FALSE(fs::exists(rig.device() / "identity" / "join-code"));
  struct stat info {};
  REQUIRE(::stat((rig.device() / "identity" / "device.key").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  // The server knows what runs before it gets samples.
  const auto requests = rig.requests();
  CHECK(std::find(requests.begin(), requests.end(), "/v1/status") <
        std::find(requests.begin(), requests.end(), "/v1/telemetry"));
  const Json status = rig.statuses().front();
  CHECK(status["running"]["version"] == "2.1.4");
  CHECK(status["hardware"] == "sim-a");
  CHECK(status["agent"].get<std::string>().starts_with("ota-agent "));
}

TEST_CASE("nothing is sent to a server whose authority is not the join code's", "[agent]") {
  AgentRig rig;
  AgentProcess join({"join", "--server", rig.url(), "--code", rig.foreign_join_code(), "--dir",
                     (rig.folder() / "fresh").string()},
                    rig.folder() / "output");
  CHECK(join.wait() == 1);
  CHECK(join.output().find("the server's authority is not the one that the join code names") !=
        std::string::npos);
  CHECK(rig.requests().empty());
  CHECK_FALSE(fs::exists(rig.folder() / "fresh" / "identity" / "device.crt"));
}

TEST_CASE("join by hand makes an identity and a configuration that runs", "[agent]") {
  AgentRig rig;
  const fs::path dir = rig.folder() / "fresh";
  AgentProcess join({"join", "--server", rig.url(), "--code", rig.join_code(), "--dir",
                     dir.string(), "--hardware", "sim-a", "--profile", "stable"},
                    rig.folder() / "output");
  REQUIRE(join.wait() == 0);
  CHECK(join.output().find("joined as iot-001") != std::string::npos);
  AgentProcess agent({"run", "--dir", dir.string()}, rig.folder() / "run-output");
  CHECK(wait_until([&] { return !rig.samples().empty(); }));
  AgentProcess again(
      {"join", "--server", rig.url(), "--code", rig.join_code(), "--dir", dir.string()},
      rig.folder() / "again");
  CHECK(again.wait() == 1);
  CHECK(again.output().find("enrolled already") != std::string::npos);
}

TEST_CASE("a device that is told when to try to join again waits so long, and does", "[agent]") {
  AgentRig rig;
  rig.answer_with("/v1/enroll", 429);  // for a second
  const fs::path dir = rig.folder() / "fresh";
  AgentProcess join(
      {"join", "--server", rig.url(), "--code", rig.join_code(), "--dir", dir.string()},
      rig.folder() / "output");
  REQUIRE(wait_until([&] { return join.output().find("; again in 1s") != std::string::npos; }));
  rig.answer_with("/v1/enroll", 0);
  REQUIRE(join.wait() == 0);
  CHECK(join.output().find("joined as iot-001") != std::string::npos);
}

TEST_CASE("a token that the server refuses is said, and the agent does not run without an identity",
          "[agent]") {
  AgentRig rig;
  rig.answer_with("/v1/enroll", 403);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  CHECK(agent->wait() == 1);
  CHECK(agent->output().find("the server refused to enrol this device") != std::string::npos);
}

TEST_CASE("an agent waits for its server to enrol", "[agent]") {
  AgentRig rig;
  rig.stop_server();
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(agent->says("[OTA] not enrolled: "));
  rig.start_server();
  CHECK(agent->says("[OTA] enrolled as iot-001\n"));
}

TEST_CASE("keys, codes and configurations that are not as they must be stop the agent in words",
          "[agent]") {
  AgentRig rig;
  std::string words;
  int status = 1;
  SECTION("not enrolled and no code") {
    words = "is not enrolled; get a code with `otactl enroll iot-001`";
  }
  SECTION("a code that others can read") {
    rig.leave_join_code(rig.join_code(), 0644);
    words = "can be read by others";
  }
  SECTION("a key that others can read") {
    rig.leave_join_code(rig.join_code());
    auto first = rig.run();
    REQUIRE(first->says("enrolled as"));
    first->signal(SIGTERM);
    REQUIRE(first->wait() == 0);
    ::chmod((rig.device() / "identity" / "device.key").c_str(), 0640);
    words = "device.key";
  }
  SECTION("a bad configuration") {
    rig.configure({{"interval_ms", "fast"}});
    words = "interval_ms is \"fast\"; accepted: a whole number";
    status = 2;
  }
  const auto agent = rig.run();
  CHECK(agent->wait() == status);
  INFO(agent->output());
  CHECK(agent->output().find(words) != std::string::npos);
}

TEST_CASE("a second agent in the same folder is refused", "[agent]") {
  AgentRig rig;
  rig.leave_join_code(rig.join_code());
  const auto first = rig.run();
  REQUIRE(wait_until([&] { return !rig.samples().empty(); }));
  const auto second = rig.run();
  CHECK(second->wait() == 1);
  CHECK(second->output().find("another agent works in") != std::string::npos);
}

TEST_CASE("while the server is away samples are kept, and come without a gap afterwards",
          "[agent]") {
  AgentRig rig;
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(wait_until([&] { return rig.samples().size() >= 3; }));
  rig.stop_server();
  const auto before = rig.samples().size();
  REQUIRE(agent->says("[OTA] server: "));
  rig.start_server();
  REQUIRE(
      wait_until([&] { return rig.samples().size() >= before + 10; }, std::chrono::seconds(20)));
  std::uint64_t seq = 0;
  for (const Json& sample : rig.samples()) {
    CHECK(sample["seq"].get<std::uint64_t>() <=
          seq + 1);  // one may have come twice where its answer was lost
    seq = std::max(seq, sample["seq"].get<std::uint64_t>());
  }
  CHECK(rig.statuses().size() >= 2);  // a server that comes back is told again what runs
}

TEST_CASE("a server that can save nothing gets samples all the same, and the rest once it can",
          "[agent]") {
  AgentRig rig;
  rig.answer_with("/v1/status", 503);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  CHECK(wait_until([&] { return rig.samples().size() > 5; }));
  CHECK(rig.statuses().empty());
  CHECK(agent->says("server: the server answers 503: not possible in the present state\n"));
  rig.answer_with("/v1/status", 0);
  CHECK(wait_until([&] { return !rig.statuses().empty(); }));
  CHECK(rig.polled());

  rig.answer_with("/v1/jobs", 503);
  const model::Version next(2, 1, 5);
  const auto release = rig.publish(next, model::sample_image(next));
  rig.command(rig.update_command("job-1", release));
  CHECK(agent->says("[OTA] Updated to v2.1.5\n"));
  const auto before = rig.samples().size();
  CHECK(wait_until([&] { return rig.samples().size() > before + 5; }));
  CHECK(rig.reports("job-1").empty());
  rig.answer_with("/v1/jobs", 0);
  const auto last = rig.final_report("job-1");
  REQUIRE(last);
  CHECK(last->state == model::JobState::kSucceeded);
}

TEST_CASE("a certificate near its end is renewed without a human", "[agent]") {
  AgentRig rig;
  rig.certificate_lifetime(
      seconds(120));  // valid since before the clock's skew, so most of its term is over
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  CHECK(agent->says("[OTA] certificate renewed\n"));
  const auto before = rig.samples().size();
  CHECK(wait_until([&] { return rig.samples().size() > before + 2; }));
}

TEST_CASE("an agent whose certificate has ended goes on by itself once the operator allows it",
          "[agent]") {
  AgentRig rig;
  rig.answer_with("/v1/renew", 503);  // so that it ends
  rig.certificate_lifetime(seconds(2));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(agent->says("this device is refused, status 403: certificate-expired cert expired"));
  rig.answer_with("/v1/renew", 0);
  // Who is refused asks again after ten seconds.
  CHECK(wait_until(
      [&] {
        return agent->output().find("certificate not renewed: renewal refused, status 403") !=
               std::string::npos;
      },
      seconds(40)));
  const auto before = rig.samples().size();
  rig.allow_renewal();
  CHECK(wait_until([&] { return rig.samples().size() > before + 2; }, seconds(40)));
  CHECK(agent->output().find("[OTA] certificate renewed") != std::string::npos);
  // Its poll too presents the new one: no session of the old one is taken up again.
  const auto polls = [&] {
    const auto requests = rig.requests();
    return std::count(requests.begin(), requests.end(), "/v1/commands");
  };
  const auto polled = polls();
  CHECK(wait_until([&] { return polls() > polled; }, seconds(40)));
}

TEST_CASE("an agent that is answered at once, or refused, leaves its server alone", "[agent]") {
  const unsigned status = GENERATE(204U, 409U, 503U);
  AgentRig rig;
  rig.answer_with("/v1/commands", status);
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  const auto polls = [&] {
    const auto requests = rig.requests();
    return std::count(requests.begin(), requests.end(), "/v1/commands");
  };
  REQUIRE(wait_until([&] { return polls() >= 1; }));
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(wait_until([&] { return polls() >= 5; }, seconds(30)));
  // Four pauses of at least 0.25, 0.5, 1 and 2 s.
  CHECK(std::chrono::steady_clock::now() - start > milliseconds(3500));
  if (status == 409) CHECK(agent->says("[OTA] another device polls with this one's identity"));
}

TEST_CASE("SIGTERM ends an agent in its long poll at once, and the next start goes on", "[agent]") {
  AgentRig rig;
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(wait_until([&] {
    const auto requests = rig.requests();
    return std::find(requests.begin(), requests.end(), "/v1/commands") != requests.end();
  }));
  const auto start = std::chrono::steady_clock::now();
  agent->signal(SIGTERM);
  CHECK(agent->wait() == 0);
  CHECK(std::chrono::steady_clock::now() - start < seconds(3));  // 2 to 10 ms on a quiet machine
  const auto next = rig.run();
  const auto before = rig.samples().size();
  CHECK(wait_until([&] { return rig.samples().size() > before; }));
}

TEST_CASE("the status page answers one question and no other", "[agent]") {
  AgentRig rig;
  const std::uint16_t port = free_port();
  rig.configure({{"status_port", port}});
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(agent->says("Client iot-001 started on port " + std::to_string(port) + "\n"));
  REQUIRE(wait_until([&] { return !rig.samples().empty(); }));
  const std::string page = fetch_page(port, "GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n");
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
  const auto document = parse_json(page.substr(page.find("\r\n\r\n") + 4));
  REQUIRE(document.has_value());
  CHECK((*document)["device_id"] == "iot-001");
  CHECK((*document)["version"] == "2.1.4");
  const std::string own = "\r\nHost: 127.0.0.1\r\n\r\n";
  CHECK(fetch_page(port, "GET /etc/passwd HTTP/1.1" + own).starts_with("HTTP/1.1 404"));
  CHECK(fetch_page(port, "POST / HTTP/1.1" + own).starts_with("HTTP/1.1 405"));
  // A web site whose name was turned to this address, and a client that names nobody.
  for (const char* host : {"Host: attacker.example\r\n", "Host: attacker.example:8000\r\n", "",
                           "Host: localhost\r\nHost: attacker.example\r\n"}) {
    const std::string refused = fetch_page(port, std::string("GET / HTTP/1.1\r\n") + host + "\r\n");
    CHECK(refused.starts_with("HTTP/1.1 421"));
    CHECK(refused.find("iot-001") == std::string::npos);
  }
}

TEST_CASE("who dribbles to the status page is given up, and the agent goes on", "[agent]") {
  AgentRig rig;
  const std::uint16_t port = free_port();
  rig.configure({{"status_port", port}});
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(agent->says("Client iot-001 started on port " + std::to_string(port) + "\n"));
  const FileDescriptor slow = connect_to_page(port);
  REQUIRE(slow);
  const auto start = std::chrono::steady_clock::now();
  // A byte at a time, forever: the whole has one deadline.
  pollfd ended{slow.get(), POLLIN, 0};
  while (::send(slow.get(), "G", 1, MSG_NOSIGNAL) == 1 && ::poll(&ended, 1, 20) == 0 &&
         std::chrono::steady_clock::now() - start < seconds(10)) {
  }
  CHECK(std::chrono::steady_clock::now() - start < seconds(5));
  CHECK(fetch_page(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("an agent leaves no core file", "[agent]") {
  AgentRig rig;
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  REQUIRE(wait_until([&] { return !rig.samples().empty(); }));
  const auto limits = read_file("/proc/" + std::to_string(agent->pid()) + "/limits", 1U << 16);
  REQUIRE(limits.has_value());
  const auto line = limits->find("Max core file size");
  REQUIRE(line != std::string::npos);
  CHECK(limits->substr(line, 45).find(" 0 ") != std::string::npos);
}

TEST_CASE("a status port that is taken is said, and the agent goes on", "[agent]") {
  AgentRig rig;
  const std::string url = rig.url();
  rig.configure({{"status_port", std::stoi(url.substr(url.rfind(':') + 1))}});
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  CHECK(agent->says("[OTA] no status page: port "));
  CHECK(wait_until([&] { return !rig.samples().empty(); }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("the agent stays below 16 MiB of resident memory", "[agent]") {
  AgentRig rig;
  const auto release = rig.publish(model::Version(2, 1, 5), std::string(40'000'000, 'z'));
  rig.leave_join_code(rig.join_code());
  const auto agent = rig.run();
  rig.command(rig.update_command("job-1", release));
  REQUIRE(rig.final_report("job-1"));
  const auto status = read_file("/proc/" + std::to_string(agent->pid()) + "/status", 65536);
  REQUIRE(status.has_value());
  const long kib = std::stol(status->substr(status->find("VmRSS:") + 6));
  INFO(kib << " KiB");
  CHECK(kib < 16 * 1024);
}
#endif

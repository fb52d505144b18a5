#include "tests/bench/peers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/file.h"
#include "pki/authority.h"
#include "sim/scenario.h"
#include "sim/world.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

int core_of(std::uint32_t threads) {
  return threads == 1 ? kServerCore : kAnyCore;
}

// What is started while this lives runs on the server's core.
class OnServerCore {
 public:
  explicit OnServerCore(std::uint32_t threads) : threads_(threads) { pin_self(core_of(threads)); }
  ~OnServerCore() { pin_self(threads_ == 1 ? kClientCore : kAnyCore); }
  OnServerCore(const OnServerCore&) = delete;
  OnServerCore& operator=(const OnServerCore&) = delete;

 private:
  std::uint32_t threads_;
};

std::uint16_t free_port() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

bool listens(std::uint16_t port) {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void wait_until_listens(std::uint16_t port, const char* what) {
  const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
  while (!listens(port)) {
    if (SteadyClock::now() > deadline) throw std::runtime_error(std::string(what) + " not up");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::vector<pid_t> children_of(pid_t parent) {
  const std::string pid = std::to_string(parent);
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<pid_t> out;
  for (pid_t child = 0; file >> child;)
    out.push_back(child);
  return out;
}

// Another program as a child, ended with this object. Its standard input and output are pipes.
class Program : public Peer {
 public:
  Program(std::vector<std::string> words, std::uint32_t threads) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
    std::vector<char*> arguments;
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const OnServerCore placed(threads);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(to[0], STDIN_FILENO);
      ::dup2(from[1], STDOUT_FILENO);
      ::execv(arguments[0], arguments.data());
      std::_Exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    commands_ = FileDescriptor(to[1]);
    replies_ = FileDescriptor(from[0]);
    serving_ = {pid_};
  }
  ~Program() override {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void listens_at(std::uint16_t port) { port_ = port; }
  void read_port() {
    std::array<char, 16> text{};
    if (::read(replies_.get(), text.data(), text.size() - 1) <= 0) {
      throw std::runtime_error("a server did not start");
    }
    port_ = static_cast<std::uint16_t>(std::strtoul(text.data(), nullptr, 10));
  }
  void go() override {
    if (::write(commands_.get(), "g", 1) != 1) throw std::runtime_error("a server went away");
  }
  // nginx serves in its workers.
  void workers_serve(std::size_t workers) {
    while (children_of(pid_).size() < workers)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    serving_ = children_of(pid_);
  }

 private:
  pid_t pid_ = -1;
  FileDescriptor commands_;
  FileDescriptor replies_;
};

std::unique_ptr<Peer> start_own(const char* kind, const Devices& devices, std::uint32_t threads) {
  auto program = std::make_unique<Program>(
      std::vector<std::string>{fs::read_symlink("/proc/self/exe").string(), "serve", kind,
                               devices.root.string(), std::to_string(threads)},
      threads);
  program->read_port();
  return program;
}

}  // namespace

double Peer::cpu() const {
  double total = 0;
  for (const pid_t pid : serving_)
    total += cpu_of(pid);
  return total;
}

double Peer::memory_kib() const {
  double total = 0;
  for (const pid_t pid : serving_)
    total += rss_kib(pid);
  return total;
}

Devices make_devices(Bench& bench, const std::string& name, std::uint32_t count) {
  Devices out;
  out.root = bench.folder / name;
  fs::create_directories(out.root / "config");
  auto known = sim::provision(out.root, count, bench.clock);
  if (!known) throw std::runtime_error(known.error().text());
  out.known = std::move(*known);
  return out;
}

Console::Console(Bench& bench, std::uint32_t devices, std::uint32_t threads)
    : scenario_(std::make_unique<sim::Scenario>()) {
  static int number = 0;
  devices_.root = bench.folder / ("console-" + std::to_string(++number));
  fs::create_directories(devices_.root);
  scenario_->console = Json{{"server", {{"threads", threads}}},
                            {"limits",
                             {{"connections", 1000000},
                              {"stranger_connections", 1000000},
                              {"connections_per_address", 1000000},
                              {"device_events_per_hour", 0},
                              {"device_kib_per_hour", 0},
                              {"idle_timeout_s", 600},
                              {"requests_per_second_per_device", 100000}}}};
  world_ = std::make_unique<sim::World>(sim::WorldOptions{bench.programs, devices_.root},
                                        *scenario_, bench.clock);
  if (auto prepared = world_->prepare(); !prepared) {
    throw std::runtime_error(prepared.error().text());
  }
  auto known = sim::provision(devices_.root, devices, bench.clock);
  if (!known) throw std::runtime_error(known.error().text());
  devices_.known = std::move(*known);
  const OnServerCore placed(threads);
  if (auto started = world_->start_console(); !started) {
    throw std::runtime_error(started.error().text());
  }
  const std::string url = world_->server();
  port_ = static_cast<std::uint16_t>(std::strtoul(url.c_str() + url.rfind(':') + 1, nullptr, 10));
  serving_ = {world_->pid_of("console")};
}

Console::~Console() = default;

std::unique_ptr<Peer> start_nginx(const Devices& devices, std::uint32_t workers) {
  const char* const program = "/usr/sbin/nginx";
  if (!fs::exists(program)) return nullptr;
  // The server's certificate is made by the first server of this root.
  const SystemClock clock;
  const auto authority = pki::Authority::open_or_create(devices.root / "state", {}, clock);
  if (!authority) throw std::runtime_error(authority.error().text());
  const std::uint16_t port = free_port();
  const fs::path folder = devices.root / "nginx";
  fs::create_directories(folder);
  std::ofstream(folder / "nginx.conf")
      << "worker_processes " << workers << ";\n"
      << (::getuid() == 0 ? "user root;\n" : "") << "daemon off;\npid " << (folder / "pid").string()
      << ";\nerror_log /dev/null;\n"
      << "events { worker_connections 12000; }\n"
      << "http { access_log off; sendfile on;\n"
      << "client_body_temp_path " << folder.string() << "/body;\n"
      << "server { listen 127.0.0.1:" << port << " ssl backlog=4096; ssl_protocols TLSv1.3;\n"
      << "ssl_certificate " << (devices.pki() / "server.crt").string() << ";\n"
      << "ssl_certificate_key " << (devices.pki() / "server.key").string() << ";\n"
      << "ssl_client_certificate " << (devices.pki() / "authority.crt").string() << ";\n"
      << "ssl_verify_client optional; ssl_session_cache shared:SSL:10m;\n"
      << "keepalive_requests 100000000; keepalive_timeout 600s; root " << devices.root.string()
      << ";\nlocation / { return 204; }\nlocation /image { } } }\n";
  auto out = std::make_unique<Program>(
      std::vector<std::string>{program, "-c", (folder / "nginx.conf").string()}, workers);
  wait_until_listens(port, "nginx");
  out->listens_at(port);
  out->workers_serve(workers);
  return out;
}

std::unique_ptr<Peer> start_fastapi(const Devices& devices) {
  if (!fs::exists("/usr/bin/uvicorn")) return nullptr;
  const std::uint16_t port = free_port();
  auto out =
      std::make_unique<Program>(std::vector<std::string>{"/usr/bin/python3",
                                                         "-m",
                                                         "uvicorn",
                                                         "peer_fastapi:app",
                                                         "--app-dir",
                                                         "tests/bench",
                                                         "--loop",
                                                         "uvloop",
                                                         "--http",
                                                         "httptools",
                                                         "--no-access-log",
                                                         "--log-level",
                                                         "error",
                                                         "--host",
                                                         "127.0.0.1",
                                                         "--port",
                                                         std::to_string(port),
                                                         "--timeout-keep-alive",
                                                         "600",
                                                         "--ssl-certfile",
                                                         (devices.pki() / "server.crt").string(),
                                                         "--ssl-keyfile",
                                                         (devices.pki() / "server.key").string(),
                                                         "--ssl-ca-certs",
                                                         (devices.pki() / "authority.crt").string(),
                                                         "--ssl-cert-reqs",
                                                         "2"},
                                1);
  wait_until_listens(port, "uvicorn");
  out->listens_at(port);
  return out;
}

std::unique_ptr<Peer> start_http_layer(const Devices& devices, std::uint32_t threads) {
  return start_own("http", devices, threads);
}

std::unique_ptr<Peer> start_floor(const Devices& devices) {
  return start_own("floor", devices, 1);
}

}  // namespace ota::bench

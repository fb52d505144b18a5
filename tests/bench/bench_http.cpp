// What the HTTPS server costs, beside nginx where it is installed: requests, downloads, handshakes,
// the memory of waiting connections and the time to answer them all.
//
// The server under test runs in a child process, so that its CPU time and memory are its own. CPU
// time for each unit of work is the figure to trust on a busy machine; rates are shown beside it.
// Rounds alternate between the servers; medians are printed.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "http/server.h"
#include "pki/authority.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

namespace {

// C++ allocations of this process; OpenSSL's own are not among them.
std::atomic<std::uint64_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
  throw std::bad_alloc();
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}

namespace {

using namespace ota;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::uint64_t kImageBytes = 64ULL << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

// CPU seconds of a process and all its threads, from the scheduler's own count.
double cpu_of(pid_t pid) {
  double total = 0;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    total += nanoseconds / 1e9;
  }
  return total;
}

double rss_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (file >> word) {
    if (word == "VmRSS:") {
      double value = 0;
      file >> value;
      return value;
    }
  }
  return 0;
}

http::Route route(http::Method method, std::string pattern, http::Access access,
                  http::Handler handler) {
  http::Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  made.access = access;
  made.handler = std::move(handler);
  return made;
}

// The child: serves until its standard input ends. "go" on it answers every waiting request.
[[noreturn]] void serve(const fs::path& folder, std::uint32_t threads, int commands, int replies) {
  const SystemClock clock;
  const auto authority = pki::Authority::open_or_create(folder, {}, clock);
  std::mutex mutex;
  std::vector<http::Responder> waiting;
  auto router = std::make_shared<http::Router>();
  const auto accept = [](const http::Request&, http::Responder respond) {
    respond(http::Response::no_content());
  };
  router->add(route(http::Method::kPost, "/v1/telemetry", http::Access::kAnyone, accept));
  router->add(route(http::Method::kGet, "/v1/wait", http::Access::kAnyone,
                    [&](const http::Request&, http::Responder respond) {
                      const std::lock_guard lock(mutex);
                      waiting.push_back(std::move(respond));
                    }));
  router->add(route(http::Method::kGet, "/allocations", http::Access::kAnyone,
                    [](const http::Request&, http::Responder respond) {
                      respond(http::Response::json(allocations.load()));
                    }));
  router->add(route(http::Method::kGet, "/image", http::Access::kAnyone,
                    [&](const http::Request&, http::Responder respond) {
                      http::Response response;
                      http::FileBody file;
                      file.path = (folder / "image").string();
                      response.file = std::move(file);
                      respond(std::move(response));
                    }));
  http::ServerOptions options;
  options.threads = threads;
  options.limits.requests_per_second_per_device = 0;
  http::Server server(options, authority->server_identity(), router, {});
  if (!server.start()) std::_Exit(1);
  const std::string port = std::to_string(server.port()) + "\n";
  if (::write(replies, port.data(), port.size()) < 0) std::_Exit(1);
  std::array<char, 16> command{};
  while (::read(commands, command.data(), command.size()) > 0) {
    const std::lock_guard lock(mutex);
    for (const auto& responder : waiting)
      responder(http::Response::no_content());
    waiting.clear();
  }
  std::_Exit(0);
}

struct Child {
  pid_t pid = 0;
  int commands = -1;
  std::uint16_t port = 0;

  Child(const fs::path& folder, std::uint32_t threads) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe(to.data()) != 0 || ::pipe(from.data()) != 0) throw std::runtime_error("no pipe");
    pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(to[1]);
      serve(folder, threads, to[0], from[1]);
    }
    ::close(to[0]);
    ::close(from[1]);
    commands = to[1];
    std::array<char, 16> text{};
    if (::read(from[0], text.data(), text.size() - 1) <= 0) throw std::runtime_error("no server");
    ::close(from[0]);
    port = static_cast<std::uint16_t>(std::strtoul(text.data(), nullptr, 10));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::close(commands);
    ::waitpid(pid, nullptr, 0);
  }
  void go() const {
    if (::write(commands, "go", 2) < 0) std::perror("go");
  }
};

// nginx with one worker and the same certificate; pid 0 where it is not installed.
struct Nginx {
  pid_t worker = 0;
  pid_t master = 0;
  std::uint16_t port = 0;

  Nginx(const fs::path& folder, const std::string& workers) {
    if (!fs::exists("/usr/sbin/nginx")) return;
    port = 20443;
    std::ofstream(folder / "nginx.conf")
        << "worker_processes " << workers << ";\nuser root;\ndaemon off;\npid "
        << (folder / "nginx.pid").string() << ";\nerror_log /dev/null;\n"
        << "events { worker_connections 12000; }\nhttp { access_log off; sendfile on;\n"
        << "server { listen 127.0.0.1:" << port << " ssl; ssl_protocols TLSv1.3;\n"
        << "ssl_certificate " << (folder / "pki/server.crt").string() << ";\nssl_certificate_key "
        << (folder / "pki/server.key").string() << ";\nssl_client_certificate "
        << (folder / "pki/authority.crt").string()
        << ";\nssl_verify_client optional;\nssl_session_cache shared:SSL:10m;\n"
        << "keepalive_requests 100000000; root " << folder.string() << ";\n"
        << "location /v1/telemetry { return 204; } } }\n";
    master = ::fork();
    if (master == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::execl("/usr/sbin/nginx", "nginx", "-c", (folder / "nginx.conf").c_str(), nullptr);
      std::_Exit(1);
    }
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    while (worker == 0 && Clock::now() < deadline) {
      std::ifstream children("/proc/" + std::to_string(master) + "/task/" + std::to_string(master) +
                             "/children");
      children >> worker;
      ::usleep(20'000);
    }
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;
  ~Nginx() {
    if (master == 0) return;
    ::kill(master, SIGTERM);
    ::waitpid(master, nullptr, 0);
  }
};

struct Load {
  double per_second = 0;
  double p99_ms = 0;
  double cpu_each = 0;  // CPU seconds of the server for each request
};

double number_after(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + label.size(), nullptr);
}

// wrk prints "99%    2.36ms", in us, ms or s.
double p99_of(const std::string& text) {
  const auto at = text.find("99%");
  if (at == std::string::npos) return 0;
  char* unit = nullptr;
  const double value = std::strtod(text.c_str() + at + 3, &unit);
  return value * (*unit == 'u' ? 0.001 : *unit == 'm' ? 1 : 1000);
}

Load wrk(pid_t server, std::uint16_t port, const std::string& options, const std::string& path) {
  const double before = cpu_of(server);
  const std::string command =
      "wrk " + options + " https://127.0.0.1:" + std::to_string(port) + path + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> chunk{};
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    text.append(chunk.data(), got);
  }
  ::pclose(pipe);
  const double used = cpu_of(server) - before;
  double total = 0;
  if (const auto at = text.find(" requests in"); at != std::string::npos) {
    total = std::strtod(text.c_str() + text.rfind('\n', at) + 1, nullptr);
  }
  return {number_after(text, "Requests/sec:"), p99_of(text), total > 0 ? used / total : 0};
}

void compare(const char* what, const fs::path& folder, std::uint32_t threads,
             const std::string& options, const std::string& path, int rounds) {
  const Child ours(folder, threads);
  const Nginx nginx(folder, std::to_string(threads));
  std::vector<double> rate;
  std::vector<double> cpu;
  std::vector<double> rate_ratio;
  std::vector<double> cpu_ratio;
  for (int round = 0; round < rounds; ++round) {
    const Load mine = wrk(ours.pid, ours.port, options, path);
    rate.push_back(mine.per_second);
    cpu.push_back(mine.cpu_each * 1e6);
    if (nginx.worker == 0) continue;
    const Load theirs = wrk(nginx.worker, nginx.port, options, path);
    if (theirs.per_second <= 0) continue;
    rate_ratio.push_back(mine.per_second / theirs.per_second);
    if (threads == 1) cpu_ratio.push_back(theirs.cpu_each / mine.cpu_each);
  }
  std::printf("%-34s %10.1f /s %10.2f us CPU  rate/nginx %.2f  nginx CPU/CPU %.2f\n", what,
              median(rate), median(cpu), median(rate_ratio), median(cpu_ratio));
  std::fflush(stdout);
}

test::Identity device(const fs::path& folder) {
  const SystemClock clock;
  const auto authority = pki::Authority::open_or_create(folder, {}, clock);
  const auto request = pki::DeviceKey::make_csr(folder / "device.key", "iot-001");
  const auto issued = authority->issue_device("iot-001", *request, std::chrono::hours(24));
  return {issued->pem, *read_file(folder / "device.key", 10'000)};
}

// What downloads do to the slowest telemetry posts on the same thread.
void fairness(const fs::path& folder, const std::string& post) {
  const Child ours(folder, 1);
  const std::string options = "-t1 -c16 -d2 --latency" + post;
  std::vector<double> quiet;
  std::vector<double> busy;
  for (int round = 0; round < 3; ++round) {
    quiet.push_back(wrk(ours.pid, ours.port, options, "/v1/telemetry").p99_ms);
    std::thread downloads([&] { wrk(ours.pid, ours.port, "-t1 -c16 -d3 --timeout 30", "/image"); });
    busy.push_back(wrk(ours.pid, ours.port, options, "/v1/telemetry").p99_ms);
    downloads.join();
  }
  std::printf("%-34s %10.2f ms  beside 16 downloads %.2f ms\n", "ingest p99, 16 connections",
              median(quiet), median(busy));
  std::fflush(stdout);
}

void handshakes(const fs::path& folder, const test::Identity& identity, int count) {
  const Child ours(folder, 1);
  const Nginx nginx(folder, "1");
  for (const bool resumed : {false, true}) {
    const auto cost = [&](pid_t pid, std::uint16_t port) {
      std::shared_ptr<ssl_session_st> session;
      const double before = cpu_of(pid);
      int reused = 0;
      for (int i = 0; i < count; ++i) {
        test::TlsClient client(port, identity);
        if (resumed && session) client.resume(session);
        if (!client.handshake() || !client.request("POST", "/v1/telemetry", "{}")) return 0.0;
        reused += client.resumed() ? 1 : 0;
        session = client.session();
      }
      if (resumed && reused < count - 1) std::printf("only %d resumed\n", reused);
      return (cpu_of(pid) - before) / count * 1e6;
    };
    std::vector<double> mine;
    std::vector<double> ratio;
    for (int round = 0; round < 3; ++round) {
      mine.push_back(cost(ours.pid, ours.port));
      if (nginx.worker != 0) ratio.push_back(cost(nginx.worker, nginx.port) / mine.back());
    }
    std::printf("%-34s %13s %10.0f us CPU  nginx CPU/CPU %.2f\n",
                resumed ? "mutual handshake, resumed" : "mutual handshake, full", "", median(mine),
                median(ratio));
    std::fflush(stdout);
  }
}

void count_allocations(const fs::path& folder, const test::Identity& identity) {
  const Child ours(folder, 1);
  test::TlsClient client(ours.port, identity);
  if (!client.handshake()) throw std::runtime_error("handshake");
  constexpr int kRequests = 2000;
  const auto now = [&] { return std::stod(client.request("GET", "/allocations")->body); };
  now();
  const double between = -(now() - now());  // of the question itself
  const double before = now();
  for (int i = 0; i < kRequests; ++i)
    client.request("POST", "/v1/telemetry", "{}");
  std::printf("%-34s %10.3f\n", "C++ allocations, request", (now() - before - between) / kRequests);
}

void waiting(const fs::path& folder, const test::Identity& identity, std::size_t count) {
  const Child ours(folder, 1);
  std::vector<test::TlsClient> clients;
  clients.reserve(count);
  const double before = rss_kib(ours.pid);
  std::shared_ptr<ssl_session_st> session;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(ours.port, identity);
    if (!clients.back().handshake() || !clients.back().request("POST", "/v1/telemetry", "{}")) {
      throw std::runtime_error("connection " + std::to_string(i));
    }
  }
  const double idle = rss_kib(ours.pid);
  std::printf("%-34s %10.1f KiB each\n", "memory, idle mutual TLS",
              (idle - before) / double(count));
  std::vector<double> last;
  std::vector<double> cpu;
  for (int round = 0; round < 5; ++round) {
    for (auto& client : clients)
      client.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n");
    ::usleep(300'000);
    if (round == 0) {
      std::printf("%-34s %10.1f KiB each\n", "memory, parked long poll",
                  (rss_kib(ours.pid) - before) / double(count));
    }
    const double used = cpu_of(ours.pid);
    const auto start = Clock::now();
    ours.go();
    for (auto& client : clients) {
      pollfd one{client.descriptor(), POLLIN, 0};
      ::poll(&one, 1, 10'000);
    }
    last.push_back(seconds_since(start) * 1000);
    cpu.push_back((cpu_of(ours.pid) - used) / double(count) * 1e6);
    for (auto& client : clients)
      client.read_reply();
  }
  std::printf("%-34s %10.1f ms  %10.2f us CPU each\n",
              ("fan-out to " + std::to_string(count)).c_str(), median(last), median(cpu));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "";
  const auto wanted = [&](const char* row) { return only.empty() || only == row; };
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const test::TempFolder temporary;
    const fs::path folder = temporary.path();
    const test::Identity identity = device(folder);
    std::ofstream(folder / "image") << std::string(kImageBytes, 'x');
    std::ofstream(folder / "post.lua") << "wrk.method = 'POST'\nwrk.body = string.rep('x', 250)\n";
    const std::string post = " -s " + (folder / "post.lua").string();
    if (wanted("ingest")) {
      compare("ingest, 64 connections", folder, 1, "-t1 -c64 -d2" + post, "/v1/telemetry", 5);
      compare("ingest, 1000 connections", folder, 1, "-t1 -c1000 -d2" + post, "/v1/telemetry", 3);
      compare("ingest, 2 threads", folder, 2, "-t1 -c64 -d2" + post, "/v1/telemetry", 3);
    }
    if (wanted("download")) {
      compare("download 64 MiB, 1 client", folder, 1, "-t1 -c1 -d3 --timeout 30", "/image", 3);
      compare("download 64 MiB, 16 clients", folder, 1, "-t1 -c16 -d6 --timeout 30", "/image", 3);
    }
    if (wanted("fairness")) fairness(folder, post);
    if (wanted("allocations")) count_allocations(folder, identity);
    if (wanted("handshake")) handshakes(folder, identity, 300);
    if (wanted("waiting")) waiting(folder, identity, 2000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-http: %s\n", error.what());
    return 1;
  }
  return 0;
}

// Downloads of 64 MiB beside nginx, and what they do to the telemetry of others.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/bench/load.h"
#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

constexpr std::uint64_t kImageBytes = 64ULL << 20;

void write_image(const std::filesystem::path& root) {
  std::ofstream out(root / "image", std::ios::binary);
  const std::string block(1U << 20, 'x');
  for (std::uint64_t done = 0; done < kImageBytes; done += block.size())
    out << block;
}

struct Got {
  double gib = 0;
  double seconds = 0;
};

constexpr const char* kNothing = "nothing was downloaded: make deps-bench installs wrk";

// wrk downloads with `clients` connections for some seconds; nothing where it is not installed.
Got download(const Peer& peer, unsigned clients, unsigned seconds) {
  const std::string command =
      "wrk -t1 -c" + std::to_string(clients) + " -d" + std::to_string(seconds) +
      " --timeout 60 https://127.0.0.1:" + std::to_string(peer.port()) + "/image 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> chunk{};
  const auto start = SteadyClock::now();
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    text.append(chunk.data(), got);
  }
  ::pclose(pipe);
  // "  75 requests in 2.03s, 4.69GB read": the bytes of requests under way count too.
  Got out;
  out.seconds = seconds_since(start);
  const auto at = text.find("requests in ");
  if (at == std::string::npos) return out;
  const auto comma = text.find(", ", at);
  char* unit = nullptr;
  const double value = std::strtod(text.c_str() + comma + 2, &unit);
  out.gib = *unit == 'G' ? value : *unit == 'M' ? value / 1024 : 0;
  out.seconds = std::strtod(text.c_str() + at + 12, nullptr);
  return out;
}

struct Downloader {
  explicit Downloader(const Peer& server) : peer(server) {}
  const Peer& peer;
  Series gib_per_s;
  Series cpu_per_gib;

  void run(unsigned clients, unsigned seconds) {
    const double before = peer.cpu();
    const Got got = download(peer, clients, seconds);
    if (got.gib <= 0) return;
    gib_per_s.add(got.gib / got.seconds);
    cpu_per_gib.add((peer.cpu() - before) / got.gib);
  }
  std::string told() const {
    if (gib_per_s.empty()) return kNothing;
    return cpu_per_gib.text(2) + " CPU s/GiB, " + gib_per_s.text(2) + " GiB/s";
  }
};

}  // namespace

Lines download_row(Bench& bench) {
  const Devices devices = make_devices(bench, "download", 1);
  write_image(devices.root);
  const auto layer = start_http_layer(devices, 1);
  const auto nginx = start_nginx(devices, 1);
  Lines lines;
  for (const unsigned clients : {1U, 16U}) {
    Downloader ours(*layer);
    Downloader theirs(nginx ? *nginx : *layer);
    for (int round = 0; round < 4; ++round) {
      ours.run(clients, 3);
      if (nginx) theirs.run(clients, 3);
    }
    const std::string what =
        "download 64 MiB, " + std::to_string(clients) + (clients == 1 ? " client" : " clients");
    if (!nginx || ours.gib_per_s.empty()) {
      lines.push_back(
          {what, ours.told(), nginx ? "" : "nginx is not installed", "", "", Met::kNoAim});
      continue;
    }
    const double ratio = ours.cpu_per_gib.ratio_to(theirs.cpu_per_gib);
    lines.push_back({what, ours.told(), "nginx: " + theirs.told(),
                     fixed(ratio, 2) + " of its CPU, " +
                         fixed(ours.gib_per_s.ratio_to(theirs.gib_per_s), 2) + " of its speed",
                     "CPU at most 1.20", met_if(ratio <= 1.2)});
  }
  return lines;
}

// Posts at a steady rate on the same server thread: the slowest of a hundred, alone and beside 16
// downloads that never end.
Lines fairness_row(Bench& bench) {
  const Devices devices = make_devices(bench, "fairness", 16);
  write_image(devices.root);
  const auto layer = start_http_layer(devices, 1);
  const auto nginx = start_nginx(devices, 1);
  constexpr double kPostsPerSecond = 2000;
  struct Posts {
    Posts(const Peer& server, const sim::Provisioned& known)
        : peer(server), load(server.port(), known, 16) {}
    const Peer& peer;
    PostLoad load;
    Series quiet;
    Series busy;
    Series gib_per_s;
    void run() {
      quiet.add(load.run_at(kPostsPerSecond, 1.5).p99_ms);
      std::thread downloads([this] {
        const Got got = download(peer, 16, 3);
        if (got.gib > 0) gib_per_s.add(got.gib / got.seconds);
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      busy.add(load.run_at(kPostsPerSecond, 1.5).p99_ms);
      downloads.join();
    }
    std::string told() const {
      return quiet.text(2) + " ms alone, " + busy.text(2) + " ms beside " + gib_per_s.text(2) +
             " GiB/s";
    }
  };
  Posts ours(*layer, devices.known);
  std::unique_ptr<Posts> theirs;
  if (nginx) theirs = std::make_unique<Posts>(*nginx, devices.known);
  for (int round = 0; round < 4; ++round) {
    ours.run();
    if (theirs) theirs->run();
  }
  const std::string what = "telemetry p99 beside 16 downloads";
  // Beside nothing there is nothing to be fair to.
  if (ours.gib_per_s.empty()) return {{what, kNothing, "", "", "", Met::kNoAim}};
  const double ratio = ours.busy.ratio_to(ours.quiet);
  std::string peer;
  if (theirs) {
    peer = "nginx: " + theirs->told() + ", " + fixed(theirs->busy.ratio_to(theirs->quiet), 1) +
           " times";
  }
  return {{what, ours.told(), peer, fixed(ratio, 1) + " times", "at most 3.0 times",
           met_if(ratio <= 3)}};
}

}  // namespace ota::bench

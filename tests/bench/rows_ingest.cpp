// Telemetry on the wire: our whole program (certificate, decode, detect, state, four snapshots a
// second) beside nginx, which answers 204 and knows nothing, and beside FastAPI with pydantic.
#include "tests/bench/load.h"
#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

constexpr double kSeconds = 1.5;

struct Contest {
  const char* what;
  std::uint32_t threads;
  std::size_t connections;
  int rounds;
  double aim;  // of nginx's requests a second
};

struct Contestant {
  Contestant(const Peer& server, const sim::Provisioned& devices, std::size_t connections)
      : peer(server), load(server.port(), devices, connections) {}
  const Peer& peer;
  PostLoad load;
  Series rate;
  Series cpu_us;
  Series p99_ms;
  double refused = 0;

  void run(double seconds) {
    const double before = peer.cpu();
    const Load result = load.run(seconds);
    cpu_us.add((peer.cpu() - before) / (result.per_second * seconds) * 1e6);
    rate.add(result.per_second);
    p99_ms.add(result.p99_ms);
    refused += result.refused;
  }
};

std::string told(const Contestant& contestant) {
  std::string out = contestant.rate.text(0) + " /s, " + contestant.cpu_us.text(1) +
                    " us CPU, p99 " + fixed(contestant.p99_ms.median(), 1) + " ms";
  if (contestant.refused > 0) out += ", " + fixed(contestant.refused, 0) + " REFUSED";
  return out;
}

void run_contest(Bench& bench, const Contest& contest, Lines& lines) {
  const Console console(bench, static_cast<std::uint32_t>(contest.connections), contest.threads);
  const auto nginx = start_nginx(console.place(), contest.threads);
  const auto fastapi =
      contest.threads == 1 && contest.connections <= 64 ? start_fastapi(console.place()) : nullptr;
  Contestant ours(console, console.devices(), contest.connections);
  std::unique_ptr<Contestant> theirs;
  std::unique_ptr<Contestant> reference;
  if (nginx) theirs = std::make_unique<Contestant>(*nginx, console.devices(), contest.connections);
  if (fastapi) {
    reference = std::make_unique<Contestant>(*fastapi, console.devices(), contest.connections);
  }
  ours.load.run(0.5);  // every device has its verdict
  for (int round = 0; round < contest.rounds; ++round) {
    ours.run(kSeconds);
    if (theirs) theirs->run(kSeconds);
    if (reference && round < 3) reference->run(kSeconds);
  }
  const auto ratio = [&](const Contestant& other) {
    return fixed(ours.rate.ratio_to(other.rate), 2) + " (CPU " +
           fixed(other.cpu_us.ratio_to(ours.cpu_us), 2) + ")";
  };
  if (theirs) {
    lines.push_back({contest.what, told(ours), "nginx: " + told(*theirs), ratio(*theirs),
                     "at least " + fixed(contest.aim, 2),
                     met_if(ours.rate.ratio_to(theirs->rate) >= contest.aim)});
  } else {
    lines.push_back({contest.what, told(ours), "nginx is not installed", "", "", Met::kNoAim});
  }
  if (reference) {
    lines.push_back({std::string(contest.what) + ", FastAPI", told(ours),
                     "FastAPI: " + told(*reference), ratio(*reference), "at least 11",
                     met_if(ours.rate.ratio_to(reference->rate) >= 11)});
  }
}

}  // namespace

Lines ingest_row(Bench& bench) {
  Lines lines;
  run_contest(bench, {"ingest, 1 thread, 64 connections", 1, 64, 5, 0.8}, lines);
  run_contest(bench, {"ingest, 2 threads, 64 connections", 2, 64, 5, 0.75}, lines);
  run_contest(bench, {"ingest, 1 thread, 1,000 connections", 1, 1000, 4, 0.75}, lines);
  return lines;
}

}  // namespace ota::bench

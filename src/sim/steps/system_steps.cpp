// Steps that start, stop and hurt the programs: start, stop, restart, kill, network, tamper, keep,
// put-back, publish, forge-certificate, join.
#include <fnmatch.h>
#include <poll.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "delta/encoder.h"
#include "pki/authority.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxFile = 128U << 20;

Result<int> signal_number(const std::string& word) {
  if (word == "KILL") return SIGKILL;
  if (word == "TERM") return SIGTERM;
  if (word == "STOP") return SIGSTOP;
  if (word == "CONT") return SIGCONT;
  return fail(Errc::kInvalid, "signal " + word + "; accepted: KILL, TERM, STOP, CONT");
}

// Files below the root that a pattern names: its last part may be a shell pattern with '*'.
Result<std::vector<fs::path>> files_of(const World& world, const std::string& pattern) {
  if (pattern.find("..") != std::string::npos || pattern.starts_with('/')) {
    return fail(Errc::kInvalid, pattern + ": a path below the root");
  }
  const fs::path folder = (world.root() / pattern).parent_path();
  const std::string name = fs::path(pattern).filename().string();
  if (name.find('*') == std::string::npos) return std::vector<fs::path>{world.root() / pattern};
  std::vector<fs::path> out;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (::fnmatch(name.c_str(), entry.path().filename().c_str(), FNM_PERIOD) == 0)
      out.push_back(entry.path());
  }
  if (out.empty()) return fail(Errc::kNotFound, "no file " + pattern);
  return out;
}

// A patch as whole as any, that makes an image of somebody else's.
Result<std::string> own_patch() {
  constexpr std::size_t kImage = 100000;
  const Bytes image(kImage, 'x');
  std::string blocks;
  const auto head = delta::encode({}, image, {}, [&](ByteView coded) -> Result<void> {
    blocks += as_text(coded);
    return {};
  });
  if (!head) return head.error();
  return std::string(as_text(delta::serialize(*head))) + blocks;
}

Result<std::string> tampered(std::string bytes, const std::string& how, const Json& keys) {
  if (how == "flip-byte") {
    if (bytes.empty()) return fail(Errc::kInvalid, "the file is empty");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x01);
    return bytes;
  }
  if (how == "flip-last-byte") {
    if (bytes.empty()) return fail(Errc::kInvalid, "the file is empty");
    bytes.back() = static_cast<char>(bytes.back() ^ 0x01);
    return bytes;
  }
  if (how == "truncate") return bytes.substr(0, bytes.size() / 2);
  if (how == "append") return bytes + keys.value("with", "appended");
  if (how == "replace") return keys.value("with", "");
  if (how == "own-patch") return own_patch();
  return fail(Errc::kInvalid, "how " + how +
                                  "; accepted: flip-byte, flip-last-byte, truncate, append, "
                                  "replace, own-patch, remove");
}

}  // namespace

Result<void> run_start(World& world, const Json& keys) {
  for (const std::string& what : texts_of(keys, "what")) {
    if (what == "console") {
      if (auto done = world.start_console(); !done) return done.error();
      continue;
    }
    for (const std::string& id : world.agents_of(what)) {
      if (auto done = world.start_agent(id); !done) return done.error();
    }
  }
  return {};
}

Result<void> run_stop(World& world, const Json& keys) {
  for (const std::string& what : texts_of(keys, "what")) {
    for (const std::string& each : world.agents_of(what)) {
      if (auto done = world.stop(each); !done) return done.error();
    }
  }
  return {};
}

Result<void> run_restart(World& world, const Json& keys) {
  for (const std::string& what : texts_of(keys, "what")) {
    for (const std::string& each : world.agents_of(what)) {
      if (world.running(each)) {
        if (auto done = world.stop(each); !done) return done.error();
      }
      auto started = each == "console" ? world.start_console() : world.start_agent(each);
      if (!started) return started.error();
    }
  }
  return {};
}

Result<void> run_kill(World& world, const Json& keys) {
  const auto number = signal_number(keys.value("signal", "KILL"));
  if (!number) return number.error();
  const std::string what = keys.at("what").get<std::string>();
  const std::size_t from = world.log_of(what).size();
  const std::string text = keys.value("when_log", "");
  const std::string file = keys.value("when_file", "");
  const MonoTime until = world.clock().mono() + within_of(world, keys);
  // A tight look: what is waited for may last a millisecond.
  while (true) {
    std::error_code ignored;
    const bool printed = text.empty() || world.log_of(what).find(text, from) != std::string::npos;
    const bool there = file.empty() || fs::exists(world.root() / file, ignored);
    if (printed && there) return world.signal(what, *number);
    if (world.clock().mono() >= until) {
      return fail(Errc::kTimeout, "never seen: " + (printed ? file : text));
    }
    poll(nullptr, 0, 1);
  }
}

Result<void> run_network(World& world, const Json& keys) {
  const std::string state = keys.at("state").get<std::string>();
  const std::vector<std::string> named = texts_of(keys, "device");
  std::vector<std::string> devices = named;
  if (named.empty()) {
    for (const ScenarioDevice& device : world.scenario().devices)
      devices.push_back(device.id);
  }
  for (const std::string& id : devices) {
    Proxy* wire = world.wire(id);
    if (wire == nullptr) return fail(Errc::kNotFound, "no device " + id);
    if (state == "cut") {
      wire->set_wire(Wire::kCut);
    } else if (state == "whole") {
      wire->set_wire(Wire::kWhole);
      wire->set_rate(0);
    } else if (state == "slow") {
      wire->set_rate(static_cast<std::uint64_t>(keys.value("bytes_per_second", 16384.0)));
    } else {
      return fail(Errc::kInvalid, "state " + state + "; accepted: cut, whole, slow");
    }
  }
  return {};
}

Result<void> run_tamper(World& world, const Json& keys) {
  const auto files = files_of(world, keys.at("file").get<std::string>());
  if (!files) return files.error();
  const std::string how = keys.at("how").get<std::string>();
  for (const fs::path& file : *files) {
    if (how == "remove") {
      std::error_code failed;
      fs::remove(file, failed);
      continue;
    }
    auto bytes = read_file(file, kMaxFile);
    if (!bytes && !(how == "replace" && bytes.error().code == Errc::kNotFound)) {
      return bytes.error();
    }
    const auto changed = tampered(bytes ? std::move(*bytes) : std::string(), how, keys);
    if (!changed) return changed.error();
    if (auto written = write_file_durably(file, *changed); !written) return written.error();
  }
  return {};
}

Result<void> run_keep(World& world, const Json& keys) {
  std::error_code failed;
  const fs::path copy = world.root() / "kept" / keys.at("as").get<std::string>();
  fs::remove_all(copy, failed);
  fs::create_directories(copy.parent_path(), failed);
  fs::copy(world.root() / keys.at("path").get<std::string>(), copy, fs::copy_options::recursive,
           failed);
  if (failed) return fail(Errc::kIo, "keep: " + failed.message());
  return {};
}

Result<void> run_put_back(World& world, const Json& keys) {
  std::error_code failed;
  const fs::path target = world.root() / keys.at("path").get<std::string>();
  if (keys.value("exactly", false)) fs::remove_all(target, failed);
  fs::copy(world.root() / "kept" / keys.at("as").get<std::string>(), target,
           fs::copy_options::recursive | fs::copy_options::overwrite_existing, failed);
  if (failed) return fail(Errc::kIo, "put-back: " + failed.message());
  return {};
}

Result<void> run_publish(World& world, const Json& keys) {
  const auto release = parse_release(keys, "publish");
  if (!release) return release.error();
  return world.publish(*release);
}

// A certificate for the device's own key and name, by an authority that nobody trusts.
Result<void> run_forge_certificate(World& world, const Json& keys) {
  const std::string id = keys.at("device").get<std::string>();
  const fs::path identity = world.agent_folder(id) / "identity";
  const auto foreign =
      pki::Authority::open_or_create(world.root() / "foreign", {"localhost"}, world.clock());
  if (!foreign) return foreign.error();
  const auto csr = pki::DeviceKey::make_csr(identity / "device.key", id);
  if (!csr) return csr.error();
  const auto issued = foreign->issue_device(id, *csr, std::chrono::hours(24));
  if (!issued) return issued.error();
  return write_file_durably(identity / "device.crt", issued->pem, 0600);
}

// Tries to join with a code; what is expected of it is said by `expect`.
Result<void> run_join(World& world, const Json& keys) {
  const std::string id = keys.at("device").get<std::string>();
  std::string text = keys.value("code", "");
  if (text.empty()) {
    const auto enrolment = world.post("/v1/enrolments", {{"device", id}, {"ttl_s", 600}});
    if (!enrolment) return enrolment.error();
    text = cli::text_at(*enrolment, "code");
  }
  if (keys.value("wrong_fingerprint", false)) {
    auto code = pki::JoinCode::parse(text);
    if (!code) return code.error();
    code->fingerprint.front() = code->fingerprint.front() == '0' ? '1' : '0';
    text = code->text();
  }
  auto joined = world.join(id, text);
  const std::string expect = keys.value("expect", "joined");
  if (expect == "joined") return joined;
  if (joined) return fail(Errc::kConflict, id + " joined, but should have been refused");
  if (joined.error().text().find(expect) == std::string::npos) return joined.error();
  return {};
}

}  // namespace ota::sim

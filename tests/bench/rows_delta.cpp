// Patches between images made of Debian packages, beside bsdiff, xdelta3 and zstd --patch-from: how
// much travels, and what it costs to make and to apply. Sizes are exact; every result is compared
// with the image.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "base/text.h"
#include "tests/bench/bench.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

struct ProcessCost {
  double cpu = 0;   // seconds
  double wall = 0;  // seconds
  double mib = 0;   // the most that the process had
};

// Nothing where the program is not installed; throws where it fails.
std::optional<ProcessCost> run_timed(const std::string& command) {
  const std::string program = command.substr(0, command.find(' '));
  const std::string known = "command -v " + program + " >/dev/null 2>&1";
  if (std::system(known.c_str()) != 0) return std::nullopt;
  const auto start = SteadyClock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", ("exec " + command + " >/dev/null 2>&1").c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child || status != 0)
    throw std::runtime_error("failed: " + command);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return ProcessCost{seconds(used.ru_utime) + seconds(used.ru_stime), seconds_since(start),
                     static_cast<double>(used.ru_maxrss) / 1024};
}

struct PatchTool {
  std::string name;
  std::string make, apply;  // %b base, %i image, %p patch, %o output
};

std::string filled(std::string command, const fs::path& base, const fs::path& image,
                   const fs::path& patch, const fs::path& out) {
  const std::pair<const char*, const fs::path*> places[] = {
      {"%b", &base}, {"%i", &image}, {"%p", &patch}, {"%o", &out}};
  for (const auto& [mark, path] : places) {
    if (const auto at = command.find(mark); at != std::string::npos)
      command.replace(at, 2, path->string());
  }
  return command;
}

struct PatchFigures {
  double bytes = 0;
  ProcessCost make, apply;
  std::string text() const {
    return fixed(bytes, 0) + " B, made in " + fixed(make.cpu, 1) + " s CPU (" +
           fixed(make.wall, 1) + " s by the clock), " + fixed(make.mib, 0) + " MiB; applied in " +
           fixed(apply.cpu, 2) + " s CPU, " + fixed(apply.mib, 1) + " MiB";
  }
};

std::optional<PatchFigures> measure_tool(const PatchTool& tool, const fs::path& base,
                                         const fs::path& image, const fs::path& folder) {
  const fs::path patch = folder / "patch";
  const fs::path out = folder / "out";
  fs::remove(patch);
  fs::remove(out);
  const auto made = run_timed(filled(tool.make, base, image, patch, out));
  if (!made) return std::nullopt;
  const auto applied = run_timed(filled(tool.apply, base, image, patch, out));
  if (!applied) return std::nullopt;
  run_timed("cmp " + image.string() + " " + out.string());
  return PatchFigures{static_cast<double>(fs::file_size(patch)), *made, *applied};
}

struct ImagePair {
  std::string name, base, image;
  bool bsdiff = true;  // which needs nine times the image in memory
};

void compare_tools(const ImagePair& pair, const Bench& bench, const fs::path& images,
                   Lines& lines) {
  const fs::path base = images / pair.base;
  const fs::path image = images / pair.image;
  if (!fs::exists(base) || !fs::exists(image)) {
    lines.push_back({pair.name + ": not made (tests/bench/delta_images)", "", "", "", ""});
    return;
  }
  const std::string ours = (bench.programs / "ota-delta").string();
  const double mib = static_cast<double>(fs::file_size(image)) / (1 << 20);
  const auto patch = measure_tool(
      {"ours", ours + " make --quiet --base %b %i %p", ours + " apply --base %b %p %o"}, base,
      image, bench.folder);
  const double cpu_per_100 = patch->apply.cpu / mib * 100;
  lines.push_back({pair.name + ": applying 100 MiB; the decoder's memory",
                   fixed(cpu_per_100, 2) + " s CPU; " + fixed(patch->apply.mib, 1) + " MiB", "", "",
                   "0.5 s, 12 MiB", met_if(cpu_per_100 <= 0.5 && patch->apply.mib <= 12)});
  const PatchTool peers[] = {
      {"bsdiff", "bsdiff %b %i %p", "bspatch %b %o %p"},
      {"zstd -19 --patch-from", "zstd -q -f -19 --long=30 --patch-from=%b %i -o %p",
       "zstd -q -f -d --long=30 --patch-from=%b %p -o %o"},
      {"xdelta3 -9", "xdelta3 -9 -f -B 536870912 -e -s %b %i %p",
       "xdelta3 -f -B 536870912 -d -s %b %p %o"}};
  for (const PatchTool& peer : peers) {
    if (peer.name == "bsdiff" && !pair.bsdiff) continue;
    const auto theirs = measure_tool(peer, base, image, bench.folder);
    const double aim = peer.name == "bsdiff" ? 0.95 : peer.name == "xdelta3 -9" ? 0 : 0.85;
    Line line{pair.name + ": bytes of a patch", patch->text(),
              peer.name + ": " + (theirs ? theirs->text() : "not installed"), "", ""};
    if (theirs) {
      const double ratio = patch->bytes / theirs->bytes;
      line.ratio = fixed(ratio, 2);
      if (aim > 0) {
        line.aim = fixed(aim, 2);
        line.met = met_if(ratio <= aim);
      }
    }
    lines.push_back(line);
  }
  const auto packed = measure_tool({"packed", ours + " make --quiet %i %p", ours + " apply %p %o"},
                                   {}, image, bench.folder);
  lines.push_back({pair.name + ": bytes of the packed image", packed->text(),
                   "as such: " + fixed(mib * (1 << 20), 0) + " B",
                   fixed(packed->bytes / (mib * (1 << 20)), 2), ""});
}

}  // namespace

Lines delta_row(Bench& bench) {
  // Made once, since it downloads and takes minutes.
  const fs::path images = fs::current_path() / "build" / "bench" / "delta";
  const std::string make = "tests/bench/delta_images " + images.string() + " u b s";
  const bool made = fs::exists(images / "b-new.ext4") && fs::exists(images / "s-new.ext4");
  if (!made && std::system(make.c_str()) != 0)
    std::cerr << "bench: no images: " << make << " failed\n";
  Lines lines;
  const ImagePair pairs[] = {
      {"8 packages in their next version, tar", "u-old.tar", "u-new.tar"},
      {"the same, ext4 of 64 MiB", "u-old.ext4", "u-new.ext4"},
      {"41 packages and a kernel, ext4 of 512 MiB", "b-old.ext4", "b-new.ext4", false},
      {"libssl3 and openssl alone, ext4 of 512 MiB", "s-old.ext4", "s-new.ext4", false}};
  for (const ImagePair& pair : pairs)
    compare_tools(pair, bench, images, lines);
  return lines;
}

}  // namespace ota::bench

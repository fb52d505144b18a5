#include "cli/patch_maker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "delta/patch_file.h"

namespace ota::cli {
namespace {

namespace fs = std::filesystem;

// A packed image that saves less than a tenth is not worth its signature and its place.
constexpr double kWorthPacking = 0.9;
constexpr std::size_t kMostBases = 4;
// What encoding takes beside the base's index: buffers of each thread, and the program.
constexpr std::uint64_t kFixedMemory = std::uint64_t{64} << 20;
constexpr std::uint64_t kThreadMemory = std::uint64_t{48} << 20;
constexpr std::uint64_t kLeastMemory = std::uint64_t{256} << 20;
constexpr std::size_t kErrorBytes = 300;

// Where the memory of a program under a sanitizer is no measure, it has no limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsMemory = false;
#else
constexpr bool kLimitsMemory = true;
#endif

delta::EncodeOptions options_for(std::uint64_t memory, const std::string& what) {
  delta::EncodeOptions options;
  options.threads = static_cast<unsigned>(
      std::clamp<std::uint64_t>((memory - kFixedMemory) / 2 / kThreadMemory, 1,
                                std::max(1U, std::thread::hardware_concurrency())));
  options.index_bytes = memory - kFixedMemory - kThreadMemory * options.threads;
  if (::isatty(STDERR_FILENO) == 0) return options;
  const auto start = std::chrono::steady_clock::now();
  options.progress = [what, start](std::size_t done, std::size_t all) {
    const auto passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
    const double left =
        passed.count() / static_cast<double>(done) * static_cast<double>(all - done);
    std::fprintf(stderr, "\r%s: %zu of %zu blocks, %.0f s left   %s", what.c_str(), done, all, left,
                 done == all ? "\n" : "");
  };
  return options;
}

// In the child: what it ends with is its exit status, and in the pipe why.
[[noreturn]] void make_in_child(int pipe, const fs::path& base, const fs::path& image,
                                const fs::path& patch, std::uint64_t memory,
                                const std::string& what) {
  ::setpriority(PRIO_PROCESS, 0, 19);
  const rlimit limit{memory, memory};
  if (kLimitsMemory) ::setrlimit(RLIMIT_DATA, &limit);
  std::string why;
  try {
    const auto made = delta::make_patch(base, image, patch, options_for(memory, what));
    if (!made) why = made.error().text();
  } catch (const std::exception&) {
    why = "not enough memory: see --patch-memory";
  }
  static_cast<void>(write_all(pipe, why.substr(0, kErrorBytes)));
  ::_exit(why.empty() ? 0 : 1);
}

std::string read_to_end(int fd) {
  std::string out;
  std::array<char, kErrorBytes> chunk{};
  while (true) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || out.size() > kErrorBytes) return out;
    out.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

std::string saving(std::uint64_t part, std::uint64_t whole) {
  return format_bytes(part) + " of " + format_bytes(whole);
}

}  // namespace

Result<MadePatches> MadePatches::begin(const fs::path& parent) {
  if (auto made = make_directories(parent); !made) return made.error();
  std::string folder = (parent / ".patches.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return fail_errno(errno, "make " + folder);
  return MadePatches(folder);
}

MadePatches::MadePatches(MadePatches&& other) noexcept
    : folder_(std::exchange(other.folder_, {})),
      files_(std::move(other.files_)),
      left_out_(std::move(other.left_out_)),
      image_length_(other.image_length_) {}

MadePatches::~MadePatches() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

// Why it was not made; empty where it was.
Result<std::string> MadePatches::make_one(const PatchBase* base, const fs::path& image,
                                          std::uint64_t memory_bytes) {
  const std::string what = base == nullptr ? "packed" : "patch from " + base->version.label();
  const fs::path file = folder_ / std::to_string(files_.size() + left_out_.size());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe");
  const FileDescriptor from(ends[0]);
  FileDescriptor to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "start a child");
  if (child == 0)
    make_in_child(to.get(), base == nullptr ? fs::path() : base->image, image, file, memory_bytes,
                  what);
  to.reset();
  std::string why = read_to_end(from.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0 && why.empty()) why = "the child was ended: see --patch-memory";
  if (!why.empty()) return why;

  const auto head = delta::read_head(file);
  if (!head) return head.error();
  const auto digest = delta::file_digest(file);
  if (!digest) return digest.error();
  if (base != nullptr && to_hex(head->base) != base->sha256)
    return base->image.string() + " is not what was published";
  image_length_ = head->image_length;
  const std::uint64_t length = head->file_length();
  std::uint64_t without = image_length_;  // what a device fetches that does not have it
  if (!files_.empty() && files_.front().patch.from.empty()) without = files_.front().patch.length;
  const double worth = base == nullptr ? kWorthPacking : tuf::kWorthPatching;
  if (static_cast<double>(length) >= worth * static_cast<double>(without)) {
    return base == nullptr
               ? "it would be " + saving(length, without) +
                     ": what is compressed already travels as it is"
               : "it would be " + saving(length, without) +
                     "; an image that is compressed itself makes a poor base, and so does another "
                     "system's";
  }
  tuf::PatchFile made;
  if (base != nullptr) made.patch = {base->sha256, base->version};
  made.patch.length = length;
  made.patch.sha256 = to_hex(*digest);
  made.patch.head = to_hex(sha256(delta::serialize(*head)));
  made.file = file;
  made.makes = to_hex(head->image);
  files_.push_back(std::move(made));
  return std::string();
}

Result<void> MadePatches::make(const fs::path& image, const std::vector<PatchBase>& bases,
                               std::uint64_t memory_bytes) {
  const auto one = [&](const PatchBase* base, const std::string& name) -> Result<void> {
    auto why = make_one(base, image, memory_bytes);
    if (!why) return why.error();
    if (!why->empty()) left_out_.push_back("no " + name + ": " + *why);
    return {};
  };
  if (auto done = one(nullptr, "packed image"); !done) return done;
  for (const PatchBase& base : bases) {
    if (auto done = one(&base, "patch from " + base.version.label()); !done) return done;
  }
  return {};
}

std::vector<std::string> MadePatches::words() const {
  std::vector<std::string> out;
  for (const tuf::PatchFile& file : files_) {
    out.push_back((file.patch.from.empty()
                       ? "packed "
                       : "patch from " + file.patch.from_version.label() + ": ") +
                  saving(file.patch.length, image_length_));
  }
  return out;
}

std::uint64_t default_patch_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long size = ::sysconf(_SC_PAGESIZE);
  return std::max(kLeastMemory,
                  static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) / 3);
}

Result<std::uint64_t> patch_memory(const Context& context) {
  const auto mebibytes = context.arguments.number("--patch-memory");
  if (!mebibytes) return mebibytes.error();
  if (!*mebibytes) return default_patch_memory();
  constexpr std::uint64_t kMost = std::uint64_t{1} << 24;
  if (**mebibytes > kMost || **mebibytes << 20 < kLeastMemory)
    return usage_error("--patch-memory takes 256 to 16777216 (MiB)");
  return **mebibytes << 20;
}

namespace {

// The versions that devices of these models confirm, most devices first.
std::vector<model::Version> confirmed_versions(Context& context,
                                               const std::vector<std::string>& models) {
  const auto rows = fetch_devices(context.api);
  if (!rows) return {};
  std::map<model::Version, std::size_t> devices;
  for (const Json& row : *rows) {
    const auto version = model::Version::parse(text_at(row, "version"));
    if (version && std::ranges::find(models, text_at(row, "hardware")) != models.end())
      ++devices[*version];
  }
  std::vector<std::pair<std::size_t, model::Version>> order;
  order.reserve(devices.size());
  for (const auto& [version, count] : devices)
    order.emplace_back(count, version);
  std::ranges::sort(order, std::greater<>());
  std::vector<model::Version> out;
  out.reserve(order.size());
  for (const auto& [count, version] : order)
    out.push_back(version);
  return out;
}

}  // namespace

Result<std::vector<PatchBase>> patch_bases(Context& context, const tuf::Repository& repository,
                                           const std::vector<std::string>& models,
                                           const model::Version& version) {
  const auto releases = repository.releases();
  if (!releases) return releases.error();
  std::vector<model::Version> wanted;
  const bool named = context.arguments.has("--patches-from");
  for (const std::string& text : context.arguments.list("--patches-from")) {
    auto parsed = model::Version::parse(text);
    if (!parsed) return parsed.error();
    wanted.push_back(std::move(*parsed));
  }
  if (!named) wanted = confirmed_versions(context, models);
  std::vector<PatchBase> out;
  for (const model::Version& from : wanted) {
    const std::size_t before = out.size();
    for (const model::Release& release : *releases) {
      const auto fits = [&](const std::string& model) { return release.fits(model); };
      if (release.version != from || from >= version || std::ranges::none_of(models, fits))
        continue;
      // Models may share an image.
      const auto same = [&](const PatchBase& known) { return known.sha256 == release.sha256; };
      if (std::ranges::none_of(out, same))
        out.push_back({from, release.sha256, repository.image_of(release)});
    }
    if (named && out.size() == before)
      return fail(Errc::kNotFound, "--patches-from " + from.text() +
                                       ": no older release of these models has this version");
    if (!named && out.size() >= kMostBases) break;
  }
  if (!named && out.size() > kMostBases) out.resize(kMostBases);
  return out;
}

}  // namespace ota::cli

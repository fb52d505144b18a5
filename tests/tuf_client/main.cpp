// tuf-client: the command that the public TUF conformance suite drives, over src/tuf.
//
//   tuf-client --metadata-dir D init ROOTFILE
//   tuf-client --metadata-url U --metadata-dir D refresh
//   tuf-client --metadata-url U --metadata-dir D --target-name N [--target-name N2 ...]
//              --target-dir T --target-base-url B download
//
// Options stand before or after the command. Exit 0: all done; exit 1: anything else, with the
// reason on standard error. Plain http is allowed and no clock floor is kept, as the suite needs
// it;
// --https-only and --clock-floor TIME turn both on.
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "tests/tuf_client/fetcher.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/updater.h"

namespace ota::tuf_client {
namespace {

struct Options {
  std::string command;
  std::string root_file;
  std::filesystem::path metadata_dir;
  std::string metadata_url;
  std::vector<std::string> target_names;
  std::filesystem::path target_dir;
  std::string target_base_url;
  Scheme scheme = Scheme::kHttpAllowed;
  std::optional<WallTime> clock_floor;
};

// URLs are given percent-encoded: they are only ever appended to.
std::string folder_url(std::string url) {
  if (!url.ends_with('/')) url += '/';
  return url;
}

Result<Options> parse_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("--")) {
      (options.command.empty() ? options.command : options.root_file) = word;
      continue;
    }
    if (word == "--https-only") {
      options.scheme = Scheme::kHttpsOnly;
      continue;
    }
    if (++i == words.size()) return fail(ota::Errc::kInvalid, word + " needs a value");
    const std::string& value = words[i];
    if (word == "--metadata-dir") {
      options.metadata_dir = value;
    } else if (word == "--metadata-url") {
      options.metadata_url = folder_url(value);
    } else if (word == "--target-name") {
      options.target_names.push_back(value);
    } else if (word == "--target-dir") {
      options.target_dir = value;
    } else if (word == "--target-base-url") {
      options.target_base_url = folder_url(value);
    } else if (word == "--clock-floor") {
      const auto floor = parse_rfc3339(value);
      if (!floor) return floor.error();
      options.clock_floor = *floor;
    } else {
      return fail(ota::Errc::kInvalid, "unknown option " + word);
    }
  }
  if (options.metadata_dir.empty()) return fail(ota::Errc::kInvalid, "--metadata-dir is missing");
  return options;
}

Result<void> init(const Options& options) {
  constexpr std::size_t kMaxRootBytes = 512000;
  const auto root = read_file(options.root_file, kMaxRootBytes);
  if (!root) return root.error();
  return tuf::Updater::pin_root(options.metadata_dir, *root);
}

Result<void> run_step(tuf::Updater& updater, Fetcher& fetcher, const std::string& base) {
  while (const auto fetch = updater.next())
    updater.feed(fetcher.get(base + fetch->path, fetch->max_bytes));
  return updater.result();
}

// True where `path` already holds the target, which is then left as it is.
bool is_there(const std::filesystem::path& path, const tuf::TargetInfo& target) {
  const auto content = read_file(path, target.length);
  tuf::TargetCheck check(target);
  return content && check.update(*content) && check.finish();
}

// One flat, injective and visible name for each target: "../x" stays inside the folder.
std::string file_name_of(const std::string& target) {
  std::string name = tuf::percent_encode(target);
  if (name.starts_with('.')) name.replace(0, 1, "%2E");
  return name;
}

Result<void> download(const Options& options, tuf::Updater& updater, Fetcher& fetcher,
                      const std::string& name) {
  updater.start_lookup(name);
  if (auto found = run_step(updater, fetcher, options.metadata_url); !found) return found;
  if (auto made = make_directories(options.target_dir); !made) return made;
  const std::filesystem::path place = options.target_dir / file_name_of(name);
  if (is_there(place, updater.target())) return {};
  const tuf::Fetched fetched =
      fetcher.get(options.target_base_url + updater.target_path(), updater.target().length);
  switch (fetched.status) {
    case tuf::Fetched::Status::kOk:
      break;
    case tuf::Fetched::Status::kNotFound:
      return fail(tuf::Errc::kMissing, name);
    case tuf::Fetched::Status::kTooLarge:
      return fail(tuf::Errc::kEndlessData, name + ": " + fetched.detail);
    case tuf::Fetched::Status::kTooSlow:
      return fail(tuf::Errc::kSlowRetrieval, name + ": " + fetched.detail);
    case tuf::Fetched::Status::kTransportError:
      return fail(tuf::Errc::kUnavailable, name + ": " + fetched.detail);
  }
  tuf::TargetCheck check(updater.target());
  if (auto fed = check.update(fetched.body); !fed) return fed;
  if (auto checked = check.finish(); !checked) return checked;
  return write_file_durably(place, fetched.body);
}

Result<void> run(const std::vector<std::string>& words) {
  const auto options = parse_options(words);
  if (!options) return options.error();
  if (options->command == "init") return init(*options);
  if (options->command != "refresh" && options->command != "download") {
    return fail(ota::Errc::kInvalid, "commands: init ROOTFILE, refresh, download");
  }
  tuf::UpdaterOptions limits;
  limits.clock_floor = options->clock_floor;
  auto updater = tuf::Updater::open(options->metadata_dir, limits);
  if (!updater) return updater.error();
  Fetcher fetcher(options->scheme);
  updater->start_refresh(SystemClock().wall());
  if (auto done = run_step(*updater, fetcher, options->metadata_url); !done) return done;
  if (options->command == "refresh") return {};
  for (const std::string& name : options->target_names) {
    // Whoever reads the folder tells the order by the files' times: let the clock that stamps them
    // tick in between (10 ms at 100 Hz).
    constexpr milliseconds kTick{11};
    if (&name != &options->target_names.front()) std::this_thread::sleep_for(kTick);
    if (auto done = download(*options, *updater, fetcher, name); !done) return done;
  }
  return {};
}

}  // namespace
}  // namespace ota::tuf_client

int main(int argc, char** argv) {
  try {
    const auto result = ota::tuf_client::run(std::vector<std::string>(argv + 1, argv + argc));
    if (result) return 0;
    std::cerr << ota::tuf::word_of(result.error().code) << ": " << result.error().text() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << error.what() << '\n';
  } catch (...) {
    std::cerr << "internal error\n";
  }
  return 1;
}

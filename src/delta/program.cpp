#include "delta/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "delta/patch_file.h"

namespace ota::delta {
namespace {

struct Options {
  std::string base;
  std::string first;
  std::string second;
  unsigned threads = 0;
  bool quiet = false;
  bool json = false;
};

int refused(const Error& error, std::ostream& err) {
  err << "ota-delta: " << error.text() << '\n';
  return 1;
}

int make(const Options& options, std::ostream& out, std::ostream& err) {
  EncodeOptions how;
  how.threads =
      options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  if (!options.quiet) {
    how.progress = [&err, told = std::size_t{0}](std::size_t done, std::size_t all) mutable {
      const std::size_t tenths = 10 * done / all;
      if (tenths == told || all < 10) return;
      told = tenths;
      err << "ota-delta: " << 10 * tenths << " % of " << all << " blocks\n" << std::flush;
    };
  }
  const auto head = make_patch(options.base, options.first, options.second, how);
  if (!head) return refused(head.error(), err);
  out << options.second << ": " << format_bytes(head->file_length()) << " for an image of "
      << format_bytes(head->image_length) << (head->base_length == 0 ? ", packed" : ", as a patch")
      << '\n';
  return 0;
}

int apply(const Options& options, std::ostream& out, std::ostream& err) {
  const auto head = apply_patch(options.base, options.first, options.second);
  if (!head) return refused(head.error(), err);
  out << options.second << ": " << format_bytes(head->image_length) << ", sha256 "
      << to_hex(head->image) << '\n';
  return 0;
}

int show(const Options& options, std::ostream& out, std::ostream& err) {
  const auto head = read_head(options.first);
  if (!head) return refused(head.error(), err);
  const std::string digest = to_hex(sha256(serialize(*head)));
  if (options.json) {
    Json document{{"format", kFormat},
                  {"length", head->file_length()},
                  {"head", digest},
                  {"image", {{"length", head->image_length}, {"sha256", to_hex(head->image)}}},
                  {"block_bytes", head->block_size()},
                  {"window_bytes", std::uint64_t{1} << head->window_log},
                  {"blocks", head->blocks.size()}};
    if (head->base_length > 0)
      document["base"] = {{"length", head->base_length}, {"sha256", to_hex(head->base)}};
    out << document.dump(2) << '\n';
    return 0;
  }
  std::uint32_t largest = 0;
  for (const Block& block : head->blocks)
    largest = std::max(largest, block.coded_length);
  out << "ota-patch/" << int{kFormat} << ", " << head->file_length() << " bytes\n";
  if (head->base_length > 0) {
    out << "from    " << head->base_length << " bytes, sha256 " << to_hex(head->base) << '\n';
  } else {
    out << "from    nothing: a packed full image\n";
  }
  out << "makes   " << head->image_length << " bytes, sha256 " << to_hex(head->image) << '\n'
      << "blocks  " << head->blocks.size() << " of " << format_bytes(head->block_size())
      << ", the largest takes " << format_bytes(largest) << "; window "
      << format_bytes(std::uint64_t{1} << head->window_log) << '\n'
      << "head    " << head->head_length() << " bytes, sha256 " << digest << '\n';
  return 0;
}

}  // namespace

int run(std::span<const std::string> words, std::ostream& out, std::ostream& err) {
  CLI::App app("ota-delta: patches between images, and packed images (ota-patch/1)", "ota-delta");
  app.require_subcommand(1);
  Options options;
  CLI::App* making = app.add_subcommand("make", "make a patch, or without --base a packed image");
  making->add_option("--base", options.base, "the image that devices run");
  making->add_option("IMAGE", options.first, "the image that they are to run")->required();
  making->add_option("PATCH", options.second, "written whole or not at all")->required();
  making->add_option("--threads", options.threads, "default: as many as processors")
      ->check(CLI::Range(1, 256));
  making->add_flag("--quiet", options.quiet, "no word of how far it is");
  CLI::App* applying = app.add_subcommand("apply", "make the image out of base and patch");
  applying->add_option("--base", options.base, "the image that the patch was made from");
  applying->add_option("PATCH", options.first)->required();
  applying->add_option("IMAGE", options.second, "written whole or not at all")->required();
  CLI::App* showing = app.add_subcommand("show", "what a patch is from and for");
  showing->add_option("PATCH", options.first)->required();
  showing->add_flag("--json", options.json, "as JSON");
  app.footer(
      "exit codes: 0 done; 1 not done: no patch, damaged, another base, a file that cannot be read "
      "or written; 2 usage");
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : 2;
  }
  try {
    if (*making) return make(options, out, err);
    if (*applying) return apply(options, out, err);
    return show(options, out, err);
  } catch (const std::bad_alloc&) {
    err << "ota-delta: not enough memory\n";
    return 1;
  }
}

}  // namespace ota::delta

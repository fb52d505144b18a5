// otactl audit export: the log as files, as a tiled log is served (c2sp.org/tlog-tiles).
#include <filesystem>

#include "audit/log_key.h"
#include "base/file.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/log_source.h"

namespace ota::cli {
namespace {

struct Exported {
  std::uint64_t events = 0;
  std::uint64_t first = 1;  // the first whose entry is there
  std::uint64_t files = 0;
};

class Export {
 public:
  Export(LogSource& source, std::filesystem::path folder)
      : source_(source), folder_(std::move(folder)) {}

  Result<Exported> run() {
    const auto verifier = source_.verifier();
    if (!verifier) return verifier.error();
    const auto note = source_.checkpoint();
    if (!note) return note.error();
    const auto checkpoint = audit::open_checkpoint(*note, *verifier);
    if (!checkpoint) return checkpoint.error();
    out_.events = checkpoint->size;
    const auto root = source_.tree(checkpoint->size).root();
    if (!root) return root.error();
    if (*root != checkpoint->root)
      return fail(Errc::kInvalid, "the log is not the one that was signed (otactl audit verify)");
    if (auto done = write_tiles(checkpoint->size); !done) return done.error();
    if (auto done = write_entries(checkpoint->size); !done) return done.error();
    if (auto done = write(std::string(audit::kLogVerifierFile), verifier->text() + "\n"); !done)
      return done.error();
    // Last: a folder that has it is whole.
    if (auto done = write("checkpoint", *note); !done) return done.error();
    return out_;
  }

 private:
  Result<void> write_tiles(std::uint64_t size) {
    for (unsigned level = 0; level < audit::kMostLevels; ++level) {
      for (std::uint64_t n = 0;; ++n) {
        const audit::TilePath path{level, n, audit::tile_width(size, level, n)};
        if (path.width == 0) break;
        const auto bytes = source_.file(path);
        if (!bytes) return bytes.error().within(path.text());
        if (auto done = write(path.text(), *bytes); !done) return done;
      }
    }
    return {};
  }

  // Bundles from the beginning may have left; behind one that is there, none is missing.
  Result<void> write_entries(std::uint64_t size) {
    bool begun = false;
    for (std::uint64_t n = 0;; ++n) {
      const audit::TilePath path{std::nullopt, n, audit::tile_width(size, 0, n)};
      if (path.width == 0) return {};
      const auto bytes = source_.file(path);
      if (!bytes && bytes.error().code == Errc::kNotFound && !begun) {
        out_.first = (n + 1) * audit::kTileWidth + 1;
        continue;
      }
      if (!bytes) return bytes.error().within(path.text());
      begun = true;
      if (auto done = write(path.text(), *bytes); !done) return done;
    }
  }

  Result<void> write(const std::string& name, std::string_view bytes) {
    const std::filesystem::path file = folder_ / name;
    if (auto made = make_directories(file.parent_path()); !made) return made;
    ++out_.files;
    return write_file_durably(file, bytes);
  }

  LogSource& source_;
  std::filesystem::path folder_;
  Exported out_;
};

Result<ExitCode> run_audit_export(Context& context) {
  const std::string folder = context.arguments.text("DIR");
  auto source = LogSource::open(context);
  if (!source) return source.error();
  const auto exported = Export(*source, folder).run();
  if (!exported) return exported.error();
  context.out.document(Json{{"folder", folder},
                            {"events", exported->events},
                            {"first", exported->first},
                            {"files", exported->files}});
  context.out.line("EXPORTED: " + std::to_string(exported->events) + " events as " +
                       std::to_string(exported->files) + " files to " + folder,
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command audit_export_command() {
  return {.name = "audit export",
          .summary = "write the log as the files of a tiled log",
          .details =
              "checkpoint, tile/L/N and tile/entries/N (c2sp.org/tlog-tiles), which other people's "
              "tools verify, and the key's text by which they do.",
          .positionals = {{"DIR", "a folder; files that are there are replaced"}},
          .options = {{"--offline", "", "read the database itself; the console must not run"}},
          .examples = {{"otactl audit export /mnt/safe/log", "of the running console"}},
          .run = &run_audit_export};
}

}  // namespace ota::cli

// otactl audit export: the log as files, as a tiled log is served (c2sp.org/tlog-tiles).
#include <algorithm>
#include <filesystem>
#include <map>
#include <span>

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
  std::uint64_t closed = 0;  // logs that came with an import
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
    const auto imports = source_.imports();
    if (!imports) return imports.error();
    for (const Json& import : *imports) {
      if (auto done = write_closed(import); !done) return done.error();
    }
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

  // A log that came with an import, as a tiled log in a folder of its own: its head is signed, if
  // it is, by whoever kept that log, and what the import's event says of it must be so.
  Result<void> write_closed(const Json& import) {
    const std::uint64_t log = count_at(import, "log");
    if (log == 0) return {};
    const std::string name = "closed/" + std::to_string(log);
    audit::Hashes leaves;
    std::map<std::uint64_t, std::string> bundles;
    if (auto read = read_closed(log, leaves, bundles); !read) return read.error().within(name);
    audit::TreeEdge edge;
    std::vector<audit::Tile> grown;
    for (const audit::Hash& leaf : leaves) {
      edge.append(leaf, grown);
      grown.clear();
    }
    if (edge.size() != count_at(import, "events") || to_hex(edge.root()) != text_at(import, "root"))
      return fail(Errc::kInvalid, name + " is not what event " +
                                      std::to_string(count_at(import, "seq")) +
                                      " says was imported");
    for (const auto& [n, bundle] : bundles) {
      const audit::TilePath path{std::nullopt, n, audit::tile_width(edge.size(), 0, n)};
      if (auto done = write(name + "/" + path.text(), bundle); !done) return done;
    }
    if (auto done = write_rows(name, std::move(leaves)); !done) return done;
    ++out_.closed;
    const std::string head = text_at(import, "checkpoint");
    return head.empty() ? Result<void>() : write(name + "/checkpoint", head);
  }

  Result<void> read_closed(std::uint64_t log, audit::Hashes& leaves,
                           std::map<std::uint64_t, std::string>& bundles) {
    while (true) {
      const auto page = source_.closed_entries(log, leaves.size());
      if (!page) return page.error();
      if (page->empty()) return {};
      for (const store::LogEntry& entry : *page) {
        if (entry.seq != leaves.size() + 1) return fail(Errc::kInvalid, "an event is missing");
        if (entry.document.starts_with('{')) {
          if (auto done =
                  audit::append_entry(bundles[leaves.size() / audit::kTileWidth], entry.document);
              !done)
            return done;
          leaves.push_back(audit::leaf_hash(entry.document));
          continue;
        }
        const auto bytes = audit::from_base64(entry.document);
        if (!bytes) return bytes.error();
        const auto left = audit::hashes_of(as_text(*bytes));
        if (!left || left->empty()) return fail(Errc::kInvalid, "hashes are missing");
        leaves.insert(leaves.end(), left->begin(), left->end());
      }
    }
  }

  // The tiles of every level over these leaves.
  Result<void> write_rows(const std::string& name, audit::Hashes row) {
    for (unsigned level = 0; !row.empty(); ++level) {
      audit::Hashes above;
      for (std::size_t at = 0; at < row.size(); at += audit::kTileWidth) {
        const auto tile =
            std::span(row).subspan(at, std::min<std::size_t>(audit::kTileWidth, row.size() - at));
        const audit::TilePath path{level, at / audit::kTileWidth, tile.size()};
        if (auto done = write(name + "/" + path.text(), audit::to_bytes(tile)); !done) return done;
        if (tile.size() == audit::kTileWidth) above.push_back(audit::root_of(tile));
      }
      row = std::move(above);
    }
    return {};
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
                            {"files", exported->files},
                            {"closed", exported->closed}});
  context.out.line("EXPORTED: " + std::to_string(exported->events) + " events as " +
                       std::to_string(exported->files) + " files to " + folder,
                   Tone::kGood);
  if (exported->closed > 0)
    context.out.line("Below closed/ lie " + std::to_string(exported->closed) +
                     " that came with an import of a state and were kept apart.");
  return ExitCode::kDone;
}

}  // namespace

Command audit_export_command() {
  return {
      .name = "audit export",
      .summary = "write the log as the files of a tiled log",
      .details =
          "checkpoint, tile/L/N and tile/entries/N (c2sp.org/tlog-tiles), which other people's "
          "tools verify, and the key's text by which they do. Logs that came with an import lie "
          "in\nfolders of their own below closed/.",
      .positionals = {{"DIR", "a folder; files that are there are replaced"}},
      .options = {{"--offline", "", "read the database itself; the console must not run"}},
      .examples = {{"otactl audit export /mnt/safe/log", "of the running console"}},
      .run = &run_audit_export};
}

}  // namespace ota::cli

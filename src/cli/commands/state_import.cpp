// otactl state import: replaces the state by an export; the log of events goes on.
#include <istream>
#include <iterator>

#include "base/file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"
#include "store/log_import.h"
#include "tuf/journal.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxState = 1024U << 20;

Result<std::string> read_document(Context& context, const std::string& file) {
  if (file != "-") return read_file(file, kMaxState);
  std::string text(std::istreambuf_iterator<char>(context.in), {});
  if (text.size() > kMaxState) return fail(Errc::kLimit, "standard input");
  return text;
}

Result<void> import(Context& context, const std::string& document) {
  if (!context.arguments.has("--offline")) {
    return context.api.post_text("/v1/state/import", document, seconds(600));
  }
  const auto store = open_local_store(context);
  if (!store) return store.error();
  if (auto word =
          store::announcement(**store, document, tuf::local_actor(), context.clock.wall())) {
    if (auto told = store::write_down(**store, std::move(*word)); !told) return told;
  }
  return (*store)->import_state(document);
}

Result<ExitCode> run_state_import(Context& context) {
  const std::string file = context.arguments.text("FILE");
  if (file == "-" && !context.arguments.has("--yes")) {
    return usage_error("standard input is the document, so nobody can be asked there: give --yes");
  }
  const auto document = read_document(context, file);
  if (!document) return document.error();
  if (const auto code = unless_confirmed(context, "Replace the whole state by " + file + "?",
                                         "Nothing was imported.")) {
    return *code;
  }
  if (const auto imported = import(context, *document); !imported) return imported.error();
  context.out.document(Json{{"file", file}, {"bytes", document->size()}});
  context.out.line("IMPORTED: " + format_bytes(document->size()) + " from " + file, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command state_import_command() {
  return {.name = "state import",
          .summary = "replace the whole state by an export",
          .details =
              "All of it or nothing: a document that does not verify is refused. The log of events "
              "is not replaced: it goes on, with an event on the import, and the imported events "
              "are kept apart. Only an empty database takes them over as its log.",
          .positionals = {{"FILE", "an export; - for standard input"}},
          .options = {{"--offline", "", "write the database itself; the console must not run"},
                      {"--yes", "", "do not ask"}},
          .examples = {{"otactl state import backup.json", "into the running console"},
                       {"otactl state import backup.json --offline --yes", "before it starts"}},
          .run = &run_state_import};
}

}  // namespace ota::cli

// otactl state import: replaces the whole state by an export.
#include <istream>
#include <iterator>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"
#include "pki/key_file.h"
#include "store/audit_head.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxState = 1024U << 20;

Result<std::string> read_document(Context& context, const std::string& file) {
  if (file != "-") return read_file(file, kMaxState);
  std::string text(std::istreambuf_iterator<char>(context.in), {});
  if (text.size() > kMaxState) return fail(Errc::kLimit, "standard input");
  return text;
}

// The signed head is of the chain that is gone. Without an authority here there is nobody to sign:
// the console does when it starts.
Result<void> sign_anew(const Context& context, store::Store& store) {
  const std::filesystem::path file = context.root / "state" / store::kAuditHeadFile;
  std::error_code error;
  std::filesystem::remove(file, error);
  if (error) return fail_errno(error.value(), "remove " + file.string());
  const auto key = pki::read_key_file(context.root / "state/pki/authority.key");
  if (!key && key.error().code == Errc::kNotFound) return {};
  if (!key) return key.error();
  store::AuditKeeper keeper(
      file, store, [&](std::string_view text) { return pki::sign_text(key->get(), text); }, {});
  return keeper.sign(context.clock.wall());
}

Result<void> import(Context& context, const std::string& document) {
  if (!context.arguments.has("--offline")) {
    return context.api.post_text("/v1/state/import", document, seconds(600));
  }
  const auto store = open_local_store(context);
  if (!store) return store.error();
  auto imported = (*store)->import_state(document);
  return imported ? sign_anew(context, **store) : imported;
}

Result<ExitCode> run_state_import(Context& context) {
  const std::string file = context.arguments.text("FILE");
  const auto document = read_document(context, file);
  if (!document) return document.error();
  if (!context.arguments.has("--yes") && file != "-" &&
      !context.confirm("Replace the whole state by " + file + "?")) {
    context.out.line("Nothing was imported.");
    return ExitCode::kError;
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
          .details = "All of it or nothing: a document that does not verify is refused.",
          .positionals = {{"FILE", "an export; - for standard input"}},
          .options = {{"--offline", "", "write the database itself; the console must not run"},
                      {"--yes", "", "do not ask"}},
          .examples = {{"otactl state import backup.json", "into the running console"},
                       {"otactl state import backup.json --offline --yes", "before it starts"}},
          .run = &run_state_import};
}

}  // namespace ota::cli

// otactl audit prove: that an event is in the log, for somebody who has neither server nor
// database.
#include "audit/checkpoint.h"
#include "base/file.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/log_source.h"

namespace ota::cli {
namespace {

struct Proven {
  audit::EntryProof proof;
  audit::Checkpoint checkpoint;
};

Result<std::string> entry_at(LogSource& source, std::uint64_t index, std::uint64_t size) {
  const std::uint64_t n = index / audit::kTileWidth;
  const auto bundle = source.file({std::nullopt, n, audit::tile_width(size, 0, n)});
  if (!bundle) return bundle.error();
  const auto entries = audit::entries_of(*bundle);
  if (!entries) return entries.error();
  const auto place = static_cast<std::size_t>(index % audit::kTileWidth);
  if (place >= entries->size()) return fail(Errc::kInvalid, "the bundle lacks the entry");
  return entries->at(place);
}

// What is written was verified as whoever gets it will do.
Result<Proven> prove(LogSource& source, std::uint64_t seq) {
  const auto verifier = source.verifier();
  if (!verifier) return verifier.error();
  const auto note = source.checkpoint();
  if (!note) return note.error();
  const auto checkpoint = audit::open_checkpoint(*note, *verifier);
  if (!checkpoint) return checkpoint.error();
  if (seq > checkpoint->size) {
    return fail(Errc::kNotFound, "event " + std::to_string(seq) +
                                     "; the log is signed until event " +
                                     std::to_string(checkpoint->size));
  }
  const auto entry = entry_at(source, seq - 1, checkpoint->size);
  if (!entry) return entry.error().within("event " + std::to_string(seq));
  auto hashes = source.tree(checkpoint->size).inclusion(seq - 1);
  if (!hashes) return hashes.error();
  audit::EntryProof proof{seq - 1, std::move(*hashes), *note, *entry};
  const auto good = audit::verify_entry(proof, *entry, *verifier);
  if (!good) return good.error().within("event " + std::to_string(seq) + " is not proven");
  return Proven{std::move(proof), *good};
}

Result<ExitCode> run_audit_prove(Context& context) {
  const auto number = context.arguments.number("SEQ");
  if (!number) return number.error();
  const std::uint64_t seq = number->value_or(0);
  if (seq == 0) return usage_error("SEQ is an event's number, from 1");
  auto source = LogSource::open(context);
  if (!source) return source.error();
  const auto proven = prove(*source, seq);
  if (!proven) return proven.error();
  std::string file = context.arguments.text("--out");
  if (file.empty()) file = "event-" + std::to_string(seq) + ".tlog-proof";
  if (const auto written = write_file_durably(file, proven->proof.text()); !written)
    return written.error();
  context.out.document(Json{{"event", seq},
                            {"file", file},
                            {"origin", proven->checkpoint.origin},
                            {"size", proven->checkpoint.size}});
  context.out.line("PROVEN: event " + std::to_string(seq) + " is in " + proven->checkpoint.origin +
                       " of " + std::to_string(proven->checkpoint.size) + " events: " + file,
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command audit_prove_command() {
  return {.name = "audit prove",
          .summary = "write a proof that an event is in the log",
          .details =
              "The file (c2sp.org/tlog-proof) holds the event, its path through the log's tree and "
              "the signed checkpoint. Whoever has state/audit-log.vkey verifies it without server "
              "or database: otactl audit verify --proof FILE --log VKEYFILE, or any tool for that "
              "format.",
          .positionals = {{"SEQ", "the event's number"}},
          .options = {{"--out", "FILE", "where to (event-SEQ.tlog-proof)"},
                      {"--offline", "", "read the database itself; the console must not run"}},
          .examples = {{"otactl audit prove 4318", "writes event-4318.tlog-proof"}},
          .run = &run_audit_prove};
}

}  // namespace ota::cli

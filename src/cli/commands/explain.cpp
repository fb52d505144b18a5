// otactl explain EVENT: what a decision or a verdict was made of, made again and compared.
#include "base/digest.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"
#include "cli/local_store.h"
#include "gate/record.h"

namespace ota::cli {
namespace {

Result<Json> stored_page(const Context& context, const store::EventQuery& query) {
  const auto store = open_local_store(context);
  if (!store) return store.error();
  const auto events = (*store)->events(query);
  if (!events) return events.error();
  return Json(*events);
}

Result<Json> find_event(Context& context, std::uint64_t seq) {
  store::EventQuery query;
  query.after = seq - 1;
  query.limit = 1;
  Json events;
  if (context.arguments.has("--offline")) {
    auto found = stored_page(context, query);
    if (!found) return found.error();
    events = std::move(*found);
  } else {
    const auto page =
        context.api.get("/v1/events?after=" + std::to_string(query.after) + "&limit=1");
    if (!page) return page.error();
    events = list_at(*page, "events");
  }
  if (events.empty() || count_at(events.front(), "seq") != seq) {
    return fail(Errc::kNotFound, "there is no event " + std::to_string(seq));
  }
  return events.front();
}

// How the stored words stand beside those that were made again.
struct Comparison {
  std::string stored;
  std::string made;
  bool identical() const { return stored == made; }
};

Comparison compare_words(const Json& data, const gate::Recomputed& made) {
  if (made.decision) return {dump_json(object_at(data, "decision")), dump_json(*made.decision)};
  return {dump_json(object_at(data, "verdict")), dump_json(made.verdict)};
}

std::string difference(const Comparison& both) {
  std::size_t at = 0;
  while (at < both.stored.size() && at < both.made.size() && both.stored[at] == both.made[at])
    ++at;
  constexpr std::size_t kShown = 60;
  const std::size_t from = at < kShown / 2 ? 0 : at - kShown / 2;
  return "at byte " + std::to_string(at) + ": stored …" + both.stored.substr(from, kShown) +
         "… made …" + both.made.substr(from, kShown) + "…";
}

void print_explained(Output& out, const Json& event, const gate::Recomputed& made,
                     const Comparison& both) {
  const Json& data = object_at(event, "data");
  // Ages as of then: the reasons are told as they stood.
  const WallTime then = stamp_at(event, "at");
  out.line("Event " + std::to_string(count_at(event, "seq")) + ", " + text_at(event, "at") + ", " +
           text_at(event, "kind") + (text_at(event, "actor").empty() ? "" : " by ") +
           text_at(event, "actor"));
  out.line("  " + text_at(event, "message"));
  out.line("");
  print_verdict(out, made.verdict, then);
  if (made.decision) {
    out.line("");
    print_decision(out, object_at(data, "decision"), Checks::kAll);
  }
  const Json& record = object_at(data, "record");
  out.line("");
  out.line("Made by engine " + std::to_string(count_at(record, "engine")) + " of " +
           std::to_string(dump_json(record).size()) + " bytes of record.");
  if (both.identical()) {
    out.line("IDENTICAL: made again, byte for byte (" + std::to_string(both.made.size()) +
                 " bytes, sha256 " + sha256_hex(both.made).substr(0, 16) + ")",
             Tone::kGood);
  } else {
    out.line("DIFFERS " + difference(both), Tone::kBad);
  }
}

Result<ExitCode> run_explain(Context& context) {
  const auto given = context.arguments.number("EVENT");
  if (!given) return given.error();
  const std::uint64_t seq = given->value_or(0);
  if (seq == 0) return usage_error("EVENT 0: events are numbered from 1, as otactl logs");
  const auto event = find_event(context, seq);
  if (!event) return event.error();
  const Json& data = object_at(*event, "data");
  const Json& record = object_at(data, "record");
  if (record.empty()) {
    return fail(Errc::kInvalid, "event " + std::to_string(seq) + " (" + text_at(*event, "kind") +
                                    ") has no record: only decisions and verdicts do");
  }
  const auto made = gate::recompute(record);
  if (!made) return made.error().within("event " + std::to_string(seq));
  const Comparison both = compare_words(data, *made);
  Json document{{"event", *event}, {"verdict", made->verdict}, {"identical", both.identical()}};
  if (made->decision) document["decision"] = *made->decision;
  context.out.document(document);
  print_explained(context.out, *event, *made, both);
  return both.identical() ? ExitCode::kDone : ExitCode::kError;
}

}  // namespace

Command explain_command() {
  return {.name = "explain",
          .summary = "why was it decided so: the record of a decision, made again",
          .details =
              "Takes what a decision (gate.*) or a verdict (verdict.*) was made of out of its "
              "event, makes it again and compares the bytes. Exit 1 where they differ.",
          .positionals = {{"EVENT", "the event's number, as in otactl logs",
                           Positional::Count::kOne, Kind::kNumber}},
          .options = {{"--offline", "", "read the database itself; the console must not run"}},
          .examples = {{"otactl explain 214", "every signal behind a refusal, and the proof"}},
          .run = &run_explain};
}

}  // namespace ota::cli

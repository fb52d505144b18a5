#include "store/audit_head.h"

#include "base/file.h"
#include "base/json.h"
#include "model/time_json.h"

namespace ota::store {
namespace {

constexpr std::size_t kMaxDocument = 4096;
constexpr std::size_t kPage = 1000;
constexpr std::string_view kCutRecorded = "audit.cut";  // the event that the server makes of a cut

std::string signed_at(const AuditHead& head) {
  return "signed " + format_rfc3339(head.at, Fraction::kNone);
}

std::string no_head_text(const Error& error) {
  if (error.code != Errc::kNotFound) return error.text();
  return "there is no signed head (state/audit-head.json), so a cut at the end would not show; the "
         "console signs one when it starts";
}

}  // namespace

std::string AuditHead::document() const {
  return dump_json({{"version", 1},
                    {"seq", seq},
                    {"hash", hash},
                    {"at", model::time_json(at)},
                    {"signature", signature}}) +
         "\n";
}

Result<AuditHead> AuditHead::parse(std::string_view document) {
  auto json = parse_json(document);
  if (!json) return json.error();
  try {
    if (json->at("version") != 1) return fail(Errc::kInvalid, "a signed head of another version");
    AuditHead head;
    json->at("seq").get_to(head.seq);
    if (head.seq == 0) return fail(Errc::kInvalid, "a signed head of no event");
    json->at("hash").get_to(head.hash);
    json->at("signature").get_to(head.signature);
    head.at = model::time_at(*json, "at");
    return head;
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string("signed head: ") + misfit(error));
  }
}

std::string signed_text(const AuditHead& head) {
  return "ota audit head 1\n" + std::to_string(head.seq) + "\n" + head.hash + "\n" +
         format_rfc3339(head.at) + "\n";
}

Json audit_json(const AuditReport& report) {
  if (report.fault) {
    return {{"ok", false}, {"seq", report.fault->seq}, {"what", report.fault->what}};
  }
  return {{"ok", true},
          {"events", report.events},
          {"head", report.head},
          {"signed_until", report.signed_until},
          {"signed_at", model::time_json(report.signed_at)}};
}

Result<AuditHead> read_audit_head(const std::filesystem::path& file) {
  const auto text = read_file(file, kMaxDocument);
  if (!text) return text.error();
  auto head = AuditHead::parse(*text);
  if (!head) return head.error().within(file.string());
  return head;
}

Result<AuditReport> verify_audit(Store& store, const Result<AuditHead>& head,
                                 const CheckSignature& good) {
  AuditReport report;
  ChainVerifier verifier;
  std::optional<ChainFault> fault;
  const auto note = [&](std::uint64_t seq, std::string what) {
    if (!fault) fault = ChainFault{seq, std::move(what)};
  };
  EventQuery query;
  query.limit = kPage;
  while (true) {
    const auto events = store.events(query);
    if (!events) return events.error();
    for (const model::Event& event : *events) {
      if (!fault) fault = verifier.check(event);
      if (head && event.seq == head->seq && event.hash != head->hash) {
        note(event.seq, "event " + std::to_string(event.seq) + " is not the one that was " +
                            signed_at(*head) + ": the chain was cut before it and went on");
      }
      if (event.kind == kCutRecorded) {
        note(event.seq, "event " + std::to_string(event.seq) + " records a cut: " + event.message);
      }
      query.after = event.seq;
    }
    if (events->size() < query.limit) break;
  }
  report.events = verifier.verified();
  report.head = verifier.head();
  if (!head) {
    note(query.after, no_head_text(head.error()));
  } else if (!good(signed_text(*head), head->signature)) {
    note(head->seq, "the signed head's signature is not by this authority");
  } else {
    report.signed_until = head->seq;
    report.signed_at = head->at;
    if (query.after < head->seq) {
      note(query.after + 1, "the chain ends with event " + std::to_string(query.after) +
                                ", but event " + std::to_string(head->seq) + " was " +
                                signed_at(*head) + ": the end is missing");
    }
  }
  report.fault = std::move(fault);
  return report;
}

Result<std::optional<std::string>> AuditKeeper::check() const {
  const auto head = read_audit_head(file_);
  if (!head) {
    if (head.error().code == Errc::kNotFound) return head.error();
    return std::optional(head.error().text());
  }
  if (!good_(signed_text(*head), head->signature)) {
    return std::optional<std::string>("the signed head's signature is not by this authority");
  }
  EventQuery query;
  query.after = head->seq - 1;
  query.limit = 1;
  const auto found = store_.events(query);
  if (!found) return found.error();
  if (found->empty()) {
    return std::optional("the chain ends with event " + std::to_string(store_.last_event()) +
                         ", but event " + std::to_string(head->seq) + " was " + signed_at(*head));
  }
  if (found->front().seq != head->seq || found->front().hash != head->hash) {
    return std::optional("event " + std::to_string(head->seq) + " is not the one that was " +
                         signed_at(*head));
  }
  return std::optional<std::string>();
}

Result<void> AuditKeeper::sign(WallTime now) {
  EventQuery query;
  query.limit = 1;
  query.newest_first = true;
  const auto last = store_.events(query);
  if (!last) return last.error();
  if (last->empty() || last->front().hash == signed_hash_) return {};
  AuditHead head{last->front().seq, last->front().hash, now, {}};
  auto signature = sign_(signed_text(head));
  if (!signature) return signature.error();
  head.signature = std::move(*signature);
  if (auto written = write_file_durably(file_, head.document(), 0600); !written) return written;
  signed_hash_ = head.hash;
  return {};
}

}  // namespace ota::store

#include "store/audit_head.h"

#include "base/beneath.h"
#include "base/file.h"
#include "base/json.h"
#include "model/time_json.h"
#include "store/event_document.h"

namespace ota::store {
namespace {

constexpr std::size_t kMaxDocument = 4096;

std::string signed_at(const AuditHead& head) {
  return "signed " + format_rfc3339(head.at, Fraction::kNone);
}

}  // namespace

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

Result<AuditHead> read_audit_head(const std::filesystem::path& file) {
  const auto text = read_beneath(file.parent_path(), file.filename(), kMaxDocument);
  if (!text) return text.error();
  auto head = AuditHead::parse(*text);
  if (!head) return head.error().within(file.string());
  return head;
}

Result<std::optional<std::string>> what_breaks(Store& store, const AuditHead& head,
                                               const CheckSignature& good) {
  if (!good(signed_text(head), head.signature))
    return std::optional<std::string>("the signed head's signature is not by this authority");
  const auto found = store.entries(head.seq - 1, 1);
  if (!found) return found.error();
  if (found->empty()) {
    return std::optional("the chain ends with event " + std::to_string(store.last_event()) +
                         ", but event " + std::to_string(head.seq) + " was " + signed_at(head));
  }
  const LogEntry& entry = found->front();
  const auto first = store.entries(0, 1);
  if (!first) return first.error();
  if (first->front().seq > head.seq) return std::optional<std::string>();
  if (entry.seq != head.seq || event_of(entry.seq, entry.document).hash != head.hash) {
    return std::optional("event " + std::to_string(head.seq) + " is not the one that was " +
                         signed_at(head));
  }
  return std::optional<std::string>();
}

Result<std::optional<ChainEnd>> find_chain_end(Store& store) {
  // The hash of the first event that is stored from `seq` on; empty: it is not of the chain.
  const auto link_at = [&](std::uint64_t seq) -> Result<ChainEnd> {
    const auto found = store.entries(seq - 1, 1);
    if (!found) return found.error();
    if (found->empty()) return ChainEnd{};
    const LogEntry& entry = found->front();
    return ChainEnd{entry.seq, event_of(entry.seq, entry.document).hash};
  };
  auto last = link_at(1);
  if (!last) return last.error();
  if (last->hash.empty()) return std::optional<ChainEnd>();
  std::uint64_t behind = store.last_event() + 1;
  while (behind - last->seq > 1) {
    const std::uint64_t middle = last->seq + (behind - last->seq) / 2;
    auto found = link_at(middle);
    if (!found) return found.error();
    if (found->hash.empty()) {
      behind = middle;
    } else {
      last = std::move(*found);
    }
  }
  return std::optional(std::move(*last));
}

}  // namespace ota::store

#include "store/log_verify.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "store/event_document.h"
#include "store/state_file.h"

namespace ota::store {
namespace {

using audit::Hash;
using audit::Hashes;
using audit::kTileWidth;

constexpr std::string_view kOurKinds = R"("kind":"audit.)";  // of events that say how the log went

std::string event_name(std::uint64_t seq) {
  return "event " + std::to_string(seq);
}
std::string events_name(std::uint64_t from, std::uint64_t to) {
  if (from == to) return event_name(from);
  return "events " + std::to_string(from) + " to " + std::to_string(to);
}

// The hashes of the unfinished tile as they were when the log was signed last, which stand with the
// checkpoint: those in the events' own rows would go where a row is moved to.
struct SignedLeaves {
  std::uint64_t tile = 0;
  Hashes hashes;
};

SignedLeaves signed_leaves(Store& store) {
  const auto document = store.get(std::string(kCheckpointCollection), std::string(kCheckpointKey));
  if (!document || !*document) return {};
  const auto json = parse_json(**document);
  if (!json || !json->is_object()) return {};
  const auto checkpoint = audit::Checkpoint::parse(json->value("note", std::string()));
  const auto bytes = audit::from_base64(json->value("leaves", std::string()));
  if (!checkpoint || !bytes) return {};
  auto hashes = audit::hashes_of(as_text(*bytes));
  if (!hashes || hashes->size() != checkpoint->size % kTileWidth) return {};
  return {checkpoint->size / kTileWidth, std::move(*hashes)};
}

// The stored events and the hashes that the tree has of them, by number; two tiles' worth are held.
class Places {
 public:
  Places(Store& store, std::uint64_t size)
      : store_(store), size_(size), signed_(signed_leaves(store)) {}

  // What is stored as this event; null: nothing.
  Result<const LogEntry*> stored(std::uint64_t seq) {
    auto page = page_of(seq);
    if (!page) return page.error();
    const auto found = (*page)->entries.find(seq);
    return found == (*page)->entries.end() ? nullptr : &found->second;
  }
  // Its hash as stored; none: nothing is.
  Result<std::optional<Hash>> stored_hash(std::uint64_t seq) {
    const auto entry = stored(seq);
    if (!entry) return entry.error();
    if (*entry == nullptr) return std::optional<Hash>();
    return std::optional(audit::leaf_hash((*entry)->document));
  }
  // As the tree has it; none: the tree does not go so far, or lacks it.
  Result<std::optional<Hash>> expected(std::uint64_t seq) {
    auto page = page_of(seq);
    if (!page) return page.error();
    const auto at = static_cast<std::size_t>((seq - 1) % kTileWidth);
    if (at >= (*page)->hashes.size()) return std::optional<Hash>();
    return std::optional((*page)->hashes[at]);
  }

 private:
  struct Page {
    std::map<std::uint64_t, LogEntry> entries;
    Hashes hashes;
  };

  Result<Page*> page_of(std::uint64_t seq) {
    const std::uint64_t n = (seq - 1) / kTileWidth;
    if (const auto found = pages_.find(n); found != pages_.end()) return &found->second;
    auto entries = store_.entries(n * kTileWidth, kTileWidth);
    if (!entries) return entries.error();
    Page page;
    for (LogEntry& entry : *entries) {
      if (entry.seq <= (n + 1) * kTileWidth) page.entries.emplace(entry.seq, std::move(entry));
    }
    if (const auto width = audit::tile_width(size_, 0, n); width > 0) {
      auto hashes = store_.tile(0, n, width);
      if (!hashes) return hashes.error();
      page.hashes = std::move(*hashes);
      const bool unfinished = width < kTileWidth && n == signed_.tile;
      if (unfinished && signed_.hashes.size() > page.hashes.size())
        page.hashes.resize(signed_.hashes.size());
      if (unfinished) std::copy(signed_.hashes.begin(), signed_.hashes.end(), page.hashes.begin());
    }
    while (pages_.size() > 1)
      pages_.erase(pages_.begin());
    return &(pages_[n] = std::move(page));
  }

  Store& store_;
  std::uint64_t size_;
  SignedLeaves signed_;
  std::map<std::uint64_t, Page> pages_;
};

class Verification {
 public:
  Verification(Store& store, const Result<audit::Checkpoint>& head)
      : store_(store), head_(head), size_(store.last_event()), places_(store, size_) {}

  Result<LogReport> run() {
    report_.events = size_;
    if (head_) {
      report_.signed_until = head_->size;
      report_.origin = head_->origin;
    }
    for (std::uint64_t seq = 1; seq <= size_; ++seq) {
      if (auto done = look_at(seq); !done) return done.error();
    }
    if (auto done = look_beyond(); !done) return done.error();
    for (const auto& [first, last] : gaps_) {
      if (last <= retired_until_) continue;  // they left while the log was read
      const std::uint64_t lost = std::max(first, retired_until_ + 1);
      note(lost, event_name(lost) + " is missing");
      break;
    }
    hold_against_head();
    if (missing_until_ > retired_until_) {
      note(retired_until_ + 1, "missing: " + events_name(retired_until_ + 1, missing_until_) +
                                   "; nothing in the log says that such events left");
    }
    report_.first = missing_until_ + 1;
    report_.root = to_hex(edge_.root());
    report_.fault = std::move(fault_);
    return std::move(report_);
  }

 private:
  void note(std::uint64_t seq, std::string what) {
    if (!fault_ || seq < fault_->seq) fault_ = ChainFault{seq, std::move(what)};
  }

  Result<void> look_at(std::uint64_t seq) {
    const auto expected = places_.expected(seq);
    if (!expected) return expected.error();
    const auto entry = places_.stored(seq);
    if (!entry) return entry.error();
    if (*entry == nullptr && missing_until_ + 1 == seq) {
      missing_until_ = seq;  // from the beginning on: it may have left rightly
    } else if (*entry == nullptr) {
      if (gaps_.empty() || gaps_.back().second + 1 != seq) gaps_.emplace_back(seq, seq);
      gaps_.back().second = seq;
    } else if (!*expected) {
      note(seq, "the tree lacks the hash of " + event_name(seq));
    } else {
      if (auto done = compare(seq, (*entry)->document, **expected); !done) return done;
    }
    return grow(expected->value_or(Hash{}), seq);
  }

  Result<void> compare(std::uint64_t seq, const std::string& document, const Hash& expected);
  Result<std::string> what_happened(std::uint64_t seq, const Hash& found, const Hash& expected);
  void follow_chain(std::uint64_t seq, const std::string& document);
  void take_our_word(const model::Event& event);
  Result<void> look_beyond();
  void hold_against_head();
  Result<void> grow(const Hash& leaf, std::uint64_t seq);

  Store& store_;
  const Result<audit::Checkpoint>& head_;
  const std::uint64_t size_;
  Places places_;
  LogReport report_;
  std::optional<ChainFault> fault_;
  std::uint64_t missing_until_ = 0;                            // of the beginning
  std::uint64_t retired_until_ = 0;                            // as the log says
  std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps_;  // missing behind one that is there
  ChainVerifier chain_;
  bool chain_ended_ = false;
  audit::TreeEdge edge_;
  std::optional<Hash> signed_root_;  // the tree's at the checkpoint's size
};

Result<void> Verification::compare(std::uint64_t seq, const std::string& document,
                                   const Hash& expected) {
  const Hash found = audit::leaf_hash(document);
  if (found != expected) {
    auto what = what_happened(seq, found, expected);
    if (!what) return what.error();
    note(seq, std::move(*what));
  }
  if (document.find(kOurKinds) != std::string::npos) take_our_word(event_of(seq, document));
  if (document.find(R"("hash":")") != std::string::npos) follow_chain(seq, document);
  return {};
}

// Names what can be told from what stands around it.
Result<std::string> Verification::what_happened(std::uint64_t seq, const Hash& found,
                                                const Hash& expected) {
  const auto next_expected = places_.expected(seq + 1);
  if (!next_expected) return next_expected.error();
  const auto next_found = places_.stored_hash(seq + 1);
  if (!next_found) return next_found.error();
  const std::string name = event_name(seq);
  const bool expected_follows = *next_found && **next_found == expected;
  if (*next_expected && **next_expected == found) {
    return expected_follows ? "events " + std::to_string(seq) + " and " + std::to_string(seq + 1) +
                                  " have changed places"
                            : name + " is missing: " + event_name(seq + 1) + " stands in its place";
  }
  if (expected_follows) return "an event was put in where " + name + " belongs";
  const std::uint64_t first = (seq - 1) / kTileWidth * kTileWidth + 1;
  for (std::uint64_t other = first; other < first + kTileWidth; ++other) {
    const auto theirs = places_.expected(other);
    if (!theirs) return theirs.error();
    if (*theirs && **theirs == found)
      return event_name(other) + " stands where " + name + " belongs";
  }
  return name + " was edited: its content does not have the hash that the tree has";
}

void Verification::follow_chain(std::uint64_t seq, const std::string& document) {
  const model::Event event = event_of(seq, document);
  if (event.hash.empty()) return;
  if (chain_ended_)
    return note(seq, event_name(seq) + " is of the chain, and stands behind its end");
  // The events before it have left.
  if (chain_.verified() == 0 && missing_until_ + 1 == seq)
    chain_ = ChainVerifier(missing_until_, event.previous);
  if (auto fault = chain_.check(event)) note(fault->seq, std::move(fault->what));
}

void Verification::take_our_word(const model::Event& event) {
  if (!event.data.is_object()) return;
  if (event.kind == kLogCut || event.kind == kLogForked) {
    note(event.seq, event_name(event.seq) + " records a break: " + event.message);
  } else if (event.kind == kLogRetired) {
    retired_until_ = std::max(retired_until_, event.data.value("until", std::uint64_t{0}));
  } else if (event.kind == kLogFromChain) {
    chain_ended_ = true;
    const bool held = chain_.verified() == 0 || chain_.head() == event.data.value("hash", "");
    if (!held) note(event.seq, "the chain does not end as " + event_name(event.seq) + " says");
  }
}

Result<void> Verification::grow(const Hash& leaf, std::uint64_t seq) {
  std::vector<audit::Tile> grown;
  edge_.append(leaf, grown);
  if (head_ && seq == head_->size) signed_root_ = edge_.root();
  for (const audit::Tile& tile : grown) {
    if (tile.level == 0) continue;
    const auto stored = store_.tile(tile.level, tile.n, tile.hashes.size());
    if (!stored) return stored.error();
    if (stored->size() == tile.hashes.size() && stored->back() == tile.hashes.back()) continue;
    const std::uint64_t span = std::uint64_t{1} << (audit::kTileHeight * tile.level);
    note(seq - span + 1,
         "the hashes of " + events_name(seq - span + 1, seq) + " do not fit the tree above them");
  }
  return {};
}

// The log goes on while it is read: what the writer put behind its end is no stranger's, and events
// may have left meanwhile.
Result<void> Verification::look_beyond() {
  constexpr std::size_t kPage = 256;
  std::optional<std::uint64_t> end;
  for (std::uint64_t after = size_;;) {
    const auto more = store_.entries(after, kPage);
    if (!more) return more.error();
    if (more->empty()) return {};
    if (!end || more->back().seq > *end) {
      (void)store_.flush();  // a commit under way is counted when it is done; one that fails is not
      end = store_.last_event();
    }
    for (const LogEntry& entry : *more) {
      if (entry.seq > *end) {
        note(entry.seq, event_name(entry.seq) + " stands beyond the log's end: it was put in");
        return {};
      }
      const model::Event event = event_of(entry.seq, entry.document);
      if (event.kind == kLogRetired && event.data.is_object())
        retired_until_ = std::max(retired_until_, event.data.value("until", std::uint64_t{0}));
    }
    after = more->back().seq;
  }
}

void Verification::hold_against_head() {
  if (!head_) {
    const bool none = head_.error().code == Errc::kNotFound;
    return note(size_ + 1, none ? "there is no signed checkpoint (state/audit-checkpoint), so a "
                                  "cut at the end would not show; the console signs one when it "
                                  "starts"
                                : head_.error().text());
  }
  if (head_->size > size_) {
    return note(size_ + 1, "the log ends with event " + std::to_string(size_) + ", but event " +
                               std::to_string(head_->size) + " was signed: the end is missing");
  }
  const Hash root = signed_root_.value_or(audit::root_of({}));
  if (root != head_->root && !fault_) {
    note(1, "the log up to event " + std::to_string(head_->size) +
                " is not the one that was signed: its hashes were made to fit");
  }
}

}  // namespace

Json log_json(const LogReport& report) {
  if (report.fault)
    return {{"ok", false}, {"seq", report.fault->seq}, {"what", report.fault->what}};
  return {{"ok", true},
          {"events", report.events},
          {"first", report.first},
          {"head", report.root},
          {"signed_until", report.signed_until},
          {"origin", report.origin}};
}

Result<LogReport> verify_log(Store& store, const Result<audit::Checkpoint>& signed_head) {
  return Verification(store, signed_head).run();
}

audit::TreeReader tree_of(Store& store, std::uint64_t size) {
  return audit::TreeReader(size, [&store](unsigned level, std::uint64_t n, std::uint64_t width) {
    return store.tile(level, n, width);
  });
}

Result<std::string> tile_bytes(Store& store, const audit::TilePath& path) {
  const auto hashes = store.tile(path.level.value_or(0), path.n, path.width);
  if (!hashes) return hashes.error();
  if (hashes->size() != path.width) return fail(Errc::kNotFound, path.text());
  return audit::to_bytes(*hashes);
}

Result<std::string> bundle_bytes(Store& store, const audit::TilePath& path) {
  const std::uint64_t first = path.n * kTileWidth;
  const auto entries = store.entries(first, static_cast<std::size_t>(path.width));
  if (!entries) return entries.error();
  if (entries->size() != path.width || entries->back().seq != first + path.width)
    return fail(Errc::kNotFound, path.text());
  std::string bundle;
  for (const LogEntry& entry : *entries) {
    if (auto added = audit::append_entry(bundle, entry.document); !added) return added.error();
  }
  return bundle;
}

Result<std::optional<std::string>> what_breaks(Store& store, const audit::Checkpoint& older) {
  const std::uint64_t size = store.last_event();
  if (older.size > size) {
    return std::optional("the log ends with event " + std::to_string(size) + ", but event " +
                         std::to_string(older.size) + " was signed");
  }
  const auto root = tree_of(store, size).root_at(older.size);
  if (!root && root.error().code != Errc::kInvalid) return root.error();
  if (!root || *root != older.root) {
    return std::optional("the log up to event " + std::to_string(older.size) +
                         " is not the one that was signed");
  }
  return std::optional<std::string>();
}

}  // namespace ota::store

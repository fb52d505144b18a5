#include "store/state_file.h"

#include <simdjson.h>

#include <algorithm>
#include <set>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/tile_path.h"
#include "audit/tile_tree.h"
#include "base/json.h"
#include "base/text.h"

namespace ota::store {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kFormat = "secure-ota-state";
constexpr std::int64_t kVersion = 2;
constexpr std::int64_t kBeforeTree = 1;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxNameBytes = 512;

Error not_a_state(const std::string& what) {
  return fail(Errc::kInvalid, "the state document " + what);
}
Error not_a_state(simdjson::error_code code, const std::string& where) {
  return not_a_state("cannot be read " + where + ": " + simdjson::error_message(code));
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && printable(name, kMaxNameBytes) == name;
}

// On-demand parsing looks only at what it is asked for; this looks at all of a document.
class WholeCheck {
 public:
  WholeCheck() { allocated_ = parser_.allocate(4096, kMaxDepth) == simdjson::SUCCESS; }
  bool is_json(std::string_view text) {
    simdjson::dom::element root;
    return allocated_ && parser_.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS;
  }

 private:
  simdjson::dom::parser parser_;
  bool allocated_ = false;
};

Result<std::string> minified(std::string_view text) {
  std::string out(text.size() + simdjson::SIMDJSON_PADDING, '\0');
  std::size_t length = 0;
  const auto code = simdjson::minify(text.data(), text.size(), out.data(), length);
  if (code != simdjson::SUCCESS) return fail(Errc::kInvalid, simdjson::error_message(code));
  out.resize(length);
  return out;
}

class StateParser {
 public:
  Result<State> parse(std::string_view text) {
    const simdjson::padded_string padded(text);
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object members;
    if (auto code = parser.iterate(padded).get(document)) return not_a_state(code, "at its start");
    if (auto code = document.get_object().get(members)) return not_a_state(code, "at its start");
    for (auto field : members) {
      ondemand::field member;
      std::string_view name;
      if (auto code = std::move(field).get(member)) return not_a_state(code, "at its top");
      if (auto code = member.unescaped_key().get(name)) return not_a_state(code, "at its top");
      if (!seen_.emplace(name).second) return not_a_state("has two members " + std::string(name));
      if (auto read = read_member(std::string(name), member.value()); !read) return read.error();
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
      return not_a_state("goes on after its end");
    for (const char* needed : {"format", "version", "documents", "events"}) {
      if (!seen_.contains(needed)) return not_a_state("lacks the member " + std::string(needed));
    }
    if (version_ != kBeforeTree && !seen_.contains("retired"))
      return not_a_state("lacks the member retired");
    return number_events();
  }

 private:
  Result<void> read_member(const std::string& name, ondemand::value value) {
    if (name == "format") {
      std::string_view format;
      if (value.get_string().get(format) != simdjson::SUCCESS || format != kFormat) {
        return not_a_state("is not of the format \"" + std::string(kFormat) + "\"");
      }
      return {};
    }
    if (name == "version") {
      if (value.get_int64().get(version_) != simdjson::SUCCESS || version_ < kBeforeTree ||
          version_ > kVersion) {
        return not_a_state("is of another version; this program reads versions " +
                           std::to_string(kBeforeTree) + " to " + std::to_string(kVersion));
      }
      return {};
    }
    if (name == "documents") return read_collections(value);
    if (name == "retired") return read_retired(value);
    if (name == "events") return read_events(value);
    return not_a_state("has an unknown member " + printable(name, 80));
  }

  Result<void> read_collections(ondemand::value value) {
    ondemand::object collections;
    if (auto code = value.get_object().get(collections)) return not_a_state(code, "at documents");
    for (auto field : collections) {
      ondemand::field member;
      std::string_view name;
      ondemand::object documents;
      if (auto code = std::move(field).get(member)) return not_a_state(code, "at documents");
      if (auto code = member.unescaped_key().get(name)) return not_a_state(code, "at documents");
      const std::string collection(name);
      const std::string where = "at documents/" + printable(collection, 80);
      if (!good_name(collection)) return not_a_state("has a collection with an unusable name");
      if (auto code = member.value().get_object().get(documents)) return not_a_state(code, where);
      for (auto entry : documents) {
        ondemand::field document;
        if (auto code = std::move(entry).get(document)) return not_a_state(code, where);
        if (auto read = read_document(collection, document); !read) return read;
      }
    }
    return {};
  }

  Result<void> read_document(const std::string& collection, ondemand::field& field) {
    std::string_view name;
    std::string_view raw;
    if (auto code = field.unescaped_key().get(name)) return not_a_state(code, "at " + collection);
    const std::string key(name);
    const std::string where = collection + "/" + printable(key, 80);
    if (!good_name(key)) return not_a_state("has an unusable key in " + collection);
    if (auto code = simdjson::to_json_string(field.value()).get(raw)) {
      return not_a_state(code, "at " + where);
    }
    if (!check_.is_json(raw)) return not_a_state("holds malformed JSON at " + where);
    if (!names_.emplace(collection, key).second) return not_a_state("holds " + where + " twice");
    auto document = minified(raw);
    if (!document) return document.error();
    state_.documents.push_back({collection, key, std::move(*document)});
    return {};
  }

  Result<void> read_retired(ondemand::value value) {
    ondemand::array bundles;
    if (auto code = value.get_array().get(bundles)) return not_a_state(code, "at retired");
    for (auto entry : bundles) {
      std::string_view text;
      if (auto code = entry.get_string().get(text)) return not_a_state(code, "at retired");
      const auto bytes = audit::from_base64(text);
      if (!bytes || bytes->size() != audit::kTileWidth * sizeof(audit::Hash))
        return not_a_state("holds a bundle of retired events that is no 256 hashes");
      const auto hashes = audit::hashes_of(as_text(*bytes));
      state_.retired.insert(state_.retired.end(), hashes->begin(), hashes->end());
    }
    return {};
  }

  Result<void> read_events(ondemand::value value) {
    ondemand::array events;
    if (auto code = value.get_array().get(events)) return not_a_state(code, "at events");
    for (auto entry : events) {
      ondemand::value element;
      std::string_view raw;
      const std::string where = "at event " + std::to_string(state_.events.size() + 1);
      if (auto code = entry.get(element)) return not_a_state(code, where);
      if (auto code = simdjson::to_json_string(element).get(raw)) return not_a_state(code, where);
      auto json = parse_json(raw, {.max_bytes = 8U << 20, .max_depth = kMaxDepth});
      if (!json) return json.error().within("the state document, " + where);
      auto event = json_as<model::Event>(*json, where);
      if (!event) return event.error().within("the state document");
      auto document = minified(raw);
      if (!document) return document.error();
      if (document->size() > audit::kMaxEntryBytes)
        return not_a_state("holds an event that is too large, " + where);
      state_.events.push_back({std::move(*event), std::move(*document)});
    }
    return {};
  }

  // An event's number is its place. Those of the chain, which come first, must still form it.
  Result<State> number_events() {
    std::uint64_t seq = state_.retired.size();
    ChainVerifier chain;
    bool in_chain = true;
    for (StoredEvent& stored : state_.events) {
      model::Event& event = stored.event;
      if (event.hash.empty()) {
        if (version_ == kBeforeTree) return not_a_state("holds an event without its hash");
        in_chain = false;
        event.seq = ++seq;
        continue;
      }
      if (!in_chain) return not_a_state("holds an event of the chain behind the chain's end");
      if (chain.verified() == 0 && seq > 0) chain = ChainVerifier(seq, event.previous);
      if (auto fault = chain.check(event))
        return not_a_state("holds a broken chain of events: " + fault->what);
      ++seq;
    }
    if (auto right = hold_against_checkpoint(); !right) return right.error();
    return std::move(state_);
  }

  // Not its signature, for which the log's key would be needed: the next start looks at that.
  Result<void> hold_against_checkpoint() {
    for (const Put& put : state_.documents) {
      if (put.collection != kCheckpointCollection || put.key != kCheckpointKey) continue;
      const auto json = parse_json(put.document);
      state_.checkpoint = json && json->is_object() ? json->value("note", "") : "";
      const auto checkpoint = audit::Checkpoint::parse(state_.checkpoint);
      if (!checkpoint) return not_a_state("holds a checkpoint that cannot be read");
      audit::TreeEdge edge;
      std::vector<audit::Tile> grown;
      const auto add = [&](const audit::Hash& leaf) {
        if (edge.size() < checkpoint->size) edge.append(leaf, grown);
        grown.clear();
      };
      std::for_each(state_.retired.begin(), state_.retired.end(), add);
      for (const StoredEvent& stored : state_.events)
        add(audit::leaf_hash(stored.document));
      if (edge.size() != checkpoint->size || edge.root() != checkpoint->root)
        return not_a_state("holds other events than its checkpoint says");
    }
    return {};
  }

  State state_;
  std::int64_t version_ = 0;
  WholeCheck check_;
  std::set<std::string> seen_;
  std::set<std::pair<std::string, std::string>> names_;
};

}  // namespace

Result<State> parse_state(std::string_view text) {
  return StateParser().parse(text);
}

struct StateText::Checker : WholeCheck {};

StateText::StateText()
    : checker_(std::make_unique<Checker>()),
      text_("{\"format\":\"" + std::string(kFormat) + "\",\"version\":" + std::to_string(kVersion) +
            ",\n\"documents\":{") {}
StateText::~StateText() = default;

Result<void> StateText::append_json(std::string_view document) {
  if (!checker_->is_json(document)) return fail(Errc::kInvalid, "it is not JSON");
  auto compact = minified(document);
  if (!compact) return compact.error();
  text_ += *compact;
  return {};
}

Result<void> StateText::add_document(std::string_view collection, std::string_view key,
                                     std::string_view document) {
  const bool opens = !any_in_part_ || collection != collection_;
  if (opens) {
    if (any_in_part_) text_ += "},";
    text_ += "\n" + dump_json(Json(collection)) + ":{";
    collection_ = collection;
  }
  text_ += opens ? "\n" : ",\n";
  text_ += dump_json(Json(key)) + ":";
  any_in_part_ = true;
  if (auto added = append_json(document); !added) {
    return added.error().within("document " + std::string(collection) + "/" + std::string(key));
  }
  return {};
}

void StateText::begin_retired() {
  if (part_ != Part::kDocuments) return;
  text_ += any_in_part_ ? "}},\n\"retired\":[" : "},\n\"retired\":[";
  part_ = Part::kRetired;
  any_in_part_ = false;
}

void StateText::begin_events() {
  begin_retired();
  if (part_ == Part::kEvents) return;
  text_ += "],\n\"events\":[";
  part_ = Part::kEvents;
  any_in_part_ = false;
}

void StateText::add_retired(std::span<const audit::Hash> hashes) {
  begin_retired();
  text_ += any_in_part_ ? ",\n\"" : "\n\"";
  any_in_part_ = true;
  text_ += audit::to_base64(as_bytes(audit::to_bytes(hashes))) + "\"";
}

Result<void> StateText::add_event(std::string_view document) {
  begin_events();
  text_ += any_in_part_ ? ",\n" : "\n";
  any_in_part_ = true;
  if (auto added = append_json(document); !added) return added.error().within("an event");
  return {};
}

std::string StateText::finish() {
  begin_events();
  text_ += "]}\n";
  return std::move(text_);
}

}  // namespace ota::store

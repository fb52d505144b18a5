// A store in memory that commits when the test says so, and fails when the test says so.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audit/tile_tree.h"
#include "store/event_document.h"
#include "store/store.h"

namespace ota::test {

class MemoryStore : public store::Store {
 public:
  void commit(store::Batch batch, store::Done done) override {
    queue_.push_back([this, batch = std::move(batch), done = std::move(done)]() mutable {
      auto committed = write(std::move(batch));
      const bool news = committed && !committed->events.empty();
      if (done) done(std::move(committed));
      if (news && bell_) bell_();
    });
  }

  void take(std::string collection, std::string key, store::Taken done) override {
    queue_.push_back(
        [this, collection = std::move(collection), key = std::move(key), done = std::move(done)] {
          if (full) return done(fail(Errc::kFull, "no space left"));
          auto node = documents[collection].extract(key);
          if (node.empty()) return done(fail(Errc::kNotFound, collection + "/" + key));
          done(std::move(node.mapped()));
        });
  }

  // Writes all that is queued, in order, and calls back; also what is queued meanwhile.
  Result<void> flush() override {
    while (!queue_.empty()) {
      const auto next = std::move(queue_.front());
      queue_.pop_front();
      next();
    }
    return {};
  }

  void on_change(std::function<void()> bell) override { bell_ = std::move(bell); }

  Result<std::vector<store::Document>> load(const std::string& collection) override {
    std::vector<store::Document> out;
    for (const auto& [key, document] : documents[collection])
      out.push_back({key, document, revision_of(collection, key)});
    return out;
  }
  Result<std::optional<std::string>> get(const std::string& collection,
                                         const std::string& key) override {
    const auto found = documents[collection].find(key);
    if (found == documents[collection].end()) return std::optional<std::string>{};
    return std::optional<std::string>(found->second);
  }
  Result<std::vector<store::Document>> range(const std::string& collection, const std::string& from,
                                             const std::string& to, std::size_t limit) override {
    std::vector<store::Document> out;
    const auto& keys = documents[collection];
    for (auto it = keys.lower_bound(from); it != keys.end() && it->first < to; ++it) {
      if (out.size() == limit) break;
      out.push_back({it->first, it->second, revision_of(collection, it->first)});
    }
    return out;
  }
  Result<std::vector<model::Event>> events(const store::EventQuery& query) override {
    auto out = events_;
    if (query.newest_first) out = {events_.rbegin(), events_.rend()};
    std::erase_if(out, [&](const model::Event& event) {
      return event.seq <= query.after || event.seq >= query.before ||
             event.severity < query.at_least || !event.kind.starts_with(query.kind_prefix) ||
             (!query.source.empty() && event.source != query.source);
    });
    if (out.size() > query.limit) out.resize(query.limit);
    return out;
  }
  Result<std::vector<store::LogEntry>> entries(std::uint64_t after, std::size_t limit) override {
    std::vector<store::LogEntry> out;
    for (auto it = log.upper_bound(after); it != log.end() && out.size() < limit; ++it)
      out.push_back({it->first, it->second});
    return out;
  }
  Result<std::vector<store::LogEntry>> closed_entries(std::uint64_t, std::uint64_t,
                                                      std::size_t) override {
    return std::vector<store::LogEntry>();  // nothing was imported
  }
  Result<audit::Hashes> tile(unsigned level, std::uint64_t n, std::uint64_t width) override {
    audit::Hashes out = tiles_[{level, n}];
    if (out.empty() && level == 0) {
      for (std::size_t i = n * audit::kTileWidth; i < leaves_.size(); ++i)
        out.push_back(leaves_[i]);
    }
    out.resize(std::min<std::size_t>(out.size(), width));
    return out;
  }
  std::uint64_t last_event() const override { return leaves_.size(); }
  Result<std::vector<store::Change>> changes(std::uint64_t after, std::size_t limit) override {
    std::vector<store::Change> out;
    for (const model::Event& event : events_) {
      if (event.seq > after && out.size() < limit) out.push_back({event, touched_[event.seq]});
    }
    return out;
  }
  Result<std::string> export_state() override { return std::string(); }
  Result<void> import_state(std::string_view) override { return {}; }
  store::Health health() const override { return state; }

  // Events on disk of this kind.
  std::vector<model::Event> of_kind(const std::string& kind) const {
    std::vector<model::Event> out;
    for (const auto& event : events_) {
      if (event.kind == kind) out.push_back(event);
    }
    return out;
  }

  // An entry as some other program wrote it, to the byte.
  void put_entry(const std::string& document) {
    append(store::event_of(leaves_.size() + 1, document), document);
  }

  bool full = false;
  store::Health state;
  std::map<std::string, std::map<std::string, std::string>> documents;
  std::map<std::uint64_t, std::string> log;  // the entries by number, for those who alter them

 private:
  using Keys = std::vector<std::pair<std::string, std::string>>;

  std::uint64_t revision_of(const std::string& collection, const std::string& key) {
    const auto found = revisions_.find({collection, key});
    return found == revisions_.end() ? 1 : found->second;  // put there by the test itself
  }

  Result<store::Committed> write(store::Batch batch) {
    if (full) return fail(Errc::kFull, "no space left");
    for (const store::Put& put : batch.puts) {
      if (!put.expected) continue;
      const bool there = documents[put.collection].contains(put.key);
      const std::uint64_t found = there ? revision_of(put.collection, put.key) : 0;
      if (found != *put.expected)
        return fail(Errc::kConflict, put.collection + "/" + put.key + " was changed meanwhile");
    }
    auto claims = claims_;
    for (const std::string& name : batch.releases)
      claims.erase(name);
    for (const store::Claim& claim : batch.claims) {
      const std::string& holder = claims.try_emplace(claim.name, claim.holder).first->second;
      if (holder != claim.holder)
        return fail(Errc::kConflict, claim.name + " is held by " + holder);
    }
    claims_ = std::move(claims);
    return apply(std::move(batch));
  }

  store::Committed apply(store::Batch batch) {
    ++writes_;
    Keys keys;
    for (const auto& gone : batch.ranges) {
      auto& in = documents[gone.collection];
      in.erase(in.lower_bound(gone.from), in.lower_bound(gone.to));
    }
    for (auto& put : batch.puts) {
      keys.emplace_back(put.collection, put.key);
      revisions_[keys.back()] = writes_;
      documents[put.collection][put.key] = std::move(put.document);
    }
    for (auto& erase : batch.erases) {
      documents[erase.collection].erase(erase.key);
      keys.emplace_back(erase.collection, erase.key);
    }
    const std::uint64_t until = batch.retire_until / audit::kTileWidth * audit::kTileWidth;
    std::erase_if(events_, [&](const model::Event& event) { return event.seq <= until; });
    log.erase(log.begin(), log.upper_bound(until));
    int number = 0;
    for (model::Event& event : batch.events) {
      event.id = "1.1." + std::to_string(writes_) + "." + std::to_string(++number);
      event.seq = leaves_.size() + 1;
      append(event, store::event_document(event));
    }
    if (!batch.events.empty()) touched_[batch.events.back().seq] = std::move(keys);
    return {std::move(batch.events)};
  }

  void append(const model::Event& event, std::string document) {
    leaves_.push_back(audit::leaf_hash(document));
    log[event.seq] = std::move(document);
    std::vector<audit::Tile> grown;
    edge_.append(leaves_.back(), grown);
    for (audit::Tile& tile : grown)
      tiles_[{tile.level, tile.n}] = std::move(tile.hashes);
    events_.push_back(event);
  }

  std::deque<std::function<void()>> queue_;
  std::function<void()> bell_;
  std::vector<model::Event> events_;
  std::map<std::uint64_t, Keys> touched_;  // by the event's batch
  audit::Hashes leaves_;                   // of all events that ever were
  audit::TreeEdge edge_;
  std::map<std::pair<unsigned, std::uint64_t>, audit::Hashes> tiles_;
  std::map<std::string, std::string> claims_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> revisions_;
  std::uint64_t writes_ = 0;
};

}  // namespace ota::test

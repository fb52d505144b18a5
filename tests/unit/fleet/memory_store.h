// A store in memory that commits when the test says so, and fails when the test says so.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/audit_chain.h"
#include "store/store.h"

namespace ota::test {

class MemoryStore : public store::Store {
 public:
  std::vector<model::Event> commit(store::Batch batch, store::Done done) override {
    for (model::Event& event : batch.events) {
      store::link(event, head_seq_ + 1, head_);
      ++head_seq_;
      head_ = event.hash;
    }
    auto events = batch.events;
    queue_.emplace_back(std::move(batch), std::move(done));
    return events;
  }

  // Writes all that is queued, in order, and calls back; also what is queued meanwhile.
  Result<void> flush() override {
    while (!queue_.empty()) {
      auto [batch, done] = std::move(queue_.front());
      queue_.pop_front();
      if (full) {
        head_seq_ = events_.size();
        head_ = events_.empty() ? store::kChainStart : events_.back().hash;
        if (done) done(fail(Errc::kFull, "no space left"));
        continue;
      }
      for (const auto& gone : batch.ranges) {
        auto& keys = documents[gone.collection];
        keys.erase(keys.lower_bound(gone.from), keys.lower_bound(gone.to));
      }
      for (auto& put : batch.puts)
        documents[put.collection][put.key] = put.document;
      for (auto& erase : batch.erases)
        documents[erase.collection].erase(erase.key);
      for (auto& event : batch.events) {
        store::link(event, events_.size() + 1,
                    events_.empty() ? store::kChainStart : events_.back().hash);
        events_.push_back(event);
      }
      if (done) done({});
    }
    return {};
  }

  Result<std::vector<store::Document>> load(const std::string& collection) override {
    std::vector<store::Document> out;
    for (const auto& [key, document] : documents[collection])
      out.push_back({key, document});
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
      out.push_back({it->first, it->second});
    }
    return out;
  }
  Result<std::vector<model::Event>> events(const store::EventQuery& query) override {
    auto out = events_;
    if (query.newest_first) out = {events_.rbegin(), events_.rend()};
    std::erase_if(out, [&](const model::Event& event) {
      return event.seq <= query.after || event.seq >= query.before;
    });
    if (out.size() > query.limit) out.resize(query.limit);
    return out;
  }
  std::uint64_t last_event() const override { return head_seq_; }
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

  // What an attacker does who wants the last events gone.
  void cut_events(std::size_t left) {
    events_.resize(left);
    head_seq_ = left;
    head_ = events_.empty() ? store::kChainStart : events_.back().hash;
  }

  bool full = false;
  store::Health state;
  std::map<std::string, std::map<std::string, std::string>> documents;

 private:
  std::deque<std::pair<store::Batch, store::Done>> queue_;
  std::vector<model::Event> events_;
  std::uint64_t head_seq_ = 0;
  std::string head_ = store::kChainStart;
};

}  // namespace ota::test

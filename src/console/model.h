// What a frame is drawn from: the newest immutable snapshots, and the rows and events of them that
// pass the filters.
//
// Built once a frame by arrange() and then only read; the pointers in it live as long as the
// snapshots that it holds. Thread: UI only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "console/backend.h"
#include "console/row_order.h"
#include "console/state.h"
#include "model/server_status.h"

namespace ota::console {

// Readings of a device from the store, for graphs that reach further back than memory does.
struct StoredHistory {
  std::string device;
  WallTime from;  // what was asked for
  WallTime to;
  std::vector<fleet::HistoryPoint> points;  // oldest first
};

// How many events came since the log was paused and pass its filter: counted as they come, as they
// may leave memory before it is followed again.
struct NewEvents {
  std::uint64_t since = 0;  // what was counted for
  LogFilter filter;
  std::uint64_t counted_to = 0;
  std::size_t count = 0;
};

struct Model {
  std::shared_ptr<const fleet::Snapshot> fleet;       // never null
  std::shared_ptr<const Agents> agents;               // never null
  std::shared_ptr<const fleet::DeviceDetail> detail;  // of UiState::device; null: not known
  model::ServerStatus server;
  std::shared_ptr<const tuf::TrustPage> trust = std::make_shared<const tuf::TrustPage>();
  // Readings of the devices that a wide screen draws in a row each; else empty.
  std::map<std::string, std::vector<fleet::HistoryPoint>> histories;
  Events older;                                 // events read from the store, before the snapshot's
  std::shared_ptr<const StoredHistory> stored;  // null: none was asked for
  WallTime now;

  // Filtered and sorted by arrange().
  RowOrder order;  // of the rows
  std::vector<const fleet::DeviceRow*> rows;
  std::vector<const model::Event*> events;
  std::vector<const model::Job*> jobs;
  std::shared_ptr<const Events> newest;  // what `events` shows behind `older`; keeps them
  NewEvents new_events;
};

// Fills the filtered lists. Cost: the rows that changed since the last call, and one pass over
// events.
void arrange(Model& model, const UiState& state);

// The filter of `/`: words that must all be in the text, "!word" must not; case ignored.
bool passes(std::string_view filter, std::string_view text);

// Where something is in a list; none where it is not.
std::optional<std::size_t> index_of_device(const Model& model, const std::string& id);
std::optional<std::size_t> index_of(const std::vector<const model::Event*>& events,
                                    std::uint64_t seq);
std::optional<std::size_t> index_of(const std::vector<const model::Job*>& jobs,
                                    const std::string& id);

// The selected one of the changes that wait for signatures; 0 where none waits.
std::size_t pending_index(const Model& model, const UiState& state);

// The oldest event that is here, by its sequence number; 0: none is.
std::uint64_t oldest_loaded(const Model& model);

// Whether a verdict blocks for longer than block_escalate_after.
bool block_is_old(const Model& model, model::Level level, WallTime since);

// Whether the readings of a row are fresh enough to be shown as the present.
bool is_live(const Model& model, const fleet::DeviceRow& row);
bool server_down(const Model& model);
// Up, and no device is listed or has connected.
bool fleet_empty(const Model& model);
// Of a device whose server is down nothing is known.
fleet::DeviceState shown_state(const Model& model, const fleet::DeviceRow& row);

}  // namespace ota::console

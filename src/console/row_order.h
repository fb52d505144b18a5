// The rows of the summary that the filter leaves, in the order of the chosen column, kept from
// frame to frame.
//
// A snapshot shares its unchanged chunks with the one before; those are not looked at again. A row
// whose rank in the column stays the same keeps its place. So a frame over 100,000 devices costs
// what changed since the last one, not a filter and a sort of all. Ties stand in the order of ids.
// Thread: UI only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "console/state.h"
#include "fleet/device_filter.h"
#include "fleet/snapshot.h"

namespace ota::console {

// Numbers for values such that their order is the values'. A new value renumbers all.
template <class T>
class Ranks {
 public:
  std::uint64_t of(const T& value) {
    const auto [place, fresh] = known_.try_emplace(value, 0);
    grown_ = grown_ || fresh;
    return place->second;
  }
  // True where values came since the last call: what of() said before is void.
  bool renumber() {
    if (!grown_) return false;
    std::uint64_t next = 0;
    for (auto& [value, rank] : known_)
      rank = next++;
    grown_ = false;
    return true;
  }

 private:
  std::map<T, std::uint64_t> known_;
  bool grown_ = false;
};

class RowOrder {
 public:
  // What passes state.filter at `now`, sorted by state.sort; all where that is no filter. The
  // pointers live as long as the snapshot.
  void arrange(const std::shared_ptr<const fleet::Snapshot>& fleet, const UiState& state,
               WallTime now, std::vector<const fleet::DeviceRow*>& rows);

 private:
  struct Entry {
    const fleet::DeviceRow* row = nullptr;
    std::uint64_t rank = 0;
    bool shown = false;
  };
  struct Place {
    std::uint64_t rank;
    std::uint32_t entry;
    auto operator<=>(const Place&) const = default;
  };
  bool same_shape(const fleet::Snapshot& fleet) const;
  void start_anew(const fleet::Snapshot& fleet, const UiState& state);
  enum class Look : std::uint8_t { kChanged, kAll };
  void take_changes(const fleet::Snapshot& fleet, Look look);
  void take(const fleet::DeviceRow& row, std::size_t index);
  std::uint64_t rank_of(const fleet::DeviceRow& row);
  void sort_all();
  void sort_moved();

  std::shared_ptr<const fleet::Snapshot> fleet_;  // what entries_ was made of
  std::string filter_;
  fleet::DeviceFilter wanted_;  // what it says
  WallTime now_;
  WallTime looked_;  // at all of them: a filter may ask how long ago something was
  SortColumn sort_ = SortColumn::kState;
  bool reverse_ = false;
  Ranks<std::string> texts_;
  Ranks<model::Version> versions_;
  std::vector<Entry> entries_;        // in id order
  std::vector<Place> order_;          // of those that are shown
  std::vector<std::uint32_t> moved_;  // entries whose place is new
  std::vector<bool> is_moved_;
};

}  // namespace ota::console

// The order that is kept from frame to frame is the one that a sort of everything gives.
#include "console/row_order.h"

#include <algorithm>
#include <random>

#include "console/model.h"
#include "tests/support/catch.h"

using namespace ota;
using console::SortColumn;
using fleet::DeviceRow;
using Rows = std::vector<const DeviceRow*>;

namespace {

std::string id_of(std::size_t number) {
  std::string digits = std::to_string(number);
  return "d-" + std::string(5 - digits.size(), '0') + digits;
}

class Play {
 public:
  explicit Play(std::size_t devices) {
    for (std::size_t i = 0; i < devices; ++i)
      rows_.push_back(random_row(id_of(i)));
  }
  // Chunks without a change are the ones of the snapshot before.
  std::shared_ptr<const fleet::Snapshot> publish() {
    auto snapshot = std::make_shared<fleet::Snapshot>();
    for (std::size_t i = 0; i < rows_.size(); i += fleet::kRowsPerChunk) {
      const std::size_t end = std::min(rows_.size(), i + fleet::kRowsPerChunk);
      fleet::RowChunk chunk(rows_.begin() + static_cast<std::ptrdiff_t>(i),
                            rows_.begin() + static_cast<std::ptrdiff_t>(end));
      const std::size_t at = i / fleet::kRowsPerChunk;
      if (last_ && at < last_->rows.size() && *last_->rows[at] == chunk) {
        snapshot->rows.push_back(last_->rows[at]);
      } else {
        snapshot->rows.push_back(std::make_shared<const fleet::RowChunk>(std::move(chunk)));
      }
    }
    return last_ = snapshot;
  }
  void change(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& row = rows_[random(rows_.size())];
      row = random_row(row->id);
    }
  }
  void add() { rows_.push_back(random_row(id_of(rows_.size()))); }
  std::size_t random(std::size_t below) { return random_() % below; }

 private:
  std::shared_ptr<const DeviceRow> random_row(const std::string& id) {
    auto row = std::make_shared<DeviceRow>();
    row->id = id;
    auto spec = std::make_shared<model::DeviceSpec>();
    spec->hardware = "model-" + std::to_string(random(7));
    spec->group = random(2) == 0 ? "Lab" : "line-" + std::to_string(random(3));
    row->spec = std::move(spec);
    row->state = static_cast<fleet::DeviceState>(random(7));
    row->risk = static_cast<int>(random(101));
    row->label = random(3) == 0 ? "High Load" : "Stable";
    row->gate = random(3) == 0 ? "cpu, mem" : "pass";
    row->last_seen = WallTime(milliseconds(random(50)));
    if (random(3) != 0) {
      auto record = std::make_shared<model::DeviceRecord>();
      record->facts.confirmed =
          model::Image{model::Version(2, static_cast<std::uint32_t>(random(4)), 1), ""};
      row->record = std::move(record);
    }
    for (auto& value : row->values) {
      if (random(4) != 0) value = static_cast<float>(random(1000)) / 10;
    }
    return row;
  }
  std::minstd_rand random_{42};
  std::vector<std::shared_ptr<const DeviceRow>> rows_;
  std::shared_ptr<const fleet::Snapshot> last_;
};

// What the operator is promised, in the plainest way.
bool before(const DeviceRow& a, const DeviceRow& b, const console::UiState& state) {
  const auto reading = [&](const DeviceRow& row) {
    const auto metric =
        static_cast<std::size_t>(state.sort) - static_cast<std::size_t>(SortColumn::kCpu);
    return row.values.at(metric) ? -static_cast<long>(*row.values.at(metric) * 10) : 10'000L;
  };
  const auto version = [](const DeviceRow& row) {
    return row.facts().confirmed ? row.facts().confirmed->version : model::Version();
  };
  const auto order = [&]() -> std::strong_ordering {
    switch (state.sort) {
      case SortColumn::kState:
        return a.state <=> b.state;
      case SortColumn::kDevice:
        return std::strong_ordering::equal;
      case SortColumn::kModel:
        return a.hardware() <=> b.hardware();
      case SortColumn::kGroup:
        return a.group() <=> b.group();
      case SortColumn::kVersion:
        return version(a) <=> version(b);
      case SortColumn::kRisk:
        return b.risk <=> a.risk;
      case SortColumn::kSeen:
        return a.last_seen <=> b.last_seen;
      default:
        return reading(a) <=> reading(b);
    }
  }();
  if (order != 0) return state.reverse ? order > 0 : order < 0;
  return a.id < b.id;
}

Rows sorted(const fleet::Snapshot& snapshot, const console::UiState& state) {
  Rows rows;
  for (const auto& chunk : snapshot.rows) {
    for (const auto& row : *chunk) {
      const std::string text = row->id + " " + row->hardware() + " " + row->group() + " " +
                               std::string(to_text(row->state)) + " " + row->label + " " +
                               row->gate;
      if (console::passes(state.filter, text)) rows.push_back(row.get());
    }
  }
  std::sort(rows.begin(), rows.end(),
            [&](const DeviceRow* a, const DeviceRow* b) { return before(*a, *b, state); });
  return rows;
}

}  // namespace

const WallTime kNow = WallTime(seconds(1'800'000'000));

TEST_CASE("rows stand in the column's order whatever changed since the last frame", "[console]") {
  for (std::size_t column = 0; column < console::kSortColumns; ++column) {
    Play play(700);
    console::RowOrder order;
    Rows rows;
    console::UiState state;
    state.sort = static_cast<SortColumn>(column);
    state.reverse = column % 2 == 1;
    for (int frame = 0; frame < 30; ++frame) {
      INFO("column " << console::name_of(state.sort) << ", frame " << frame);
      const auto snapshot = play.publish();
      order.arrange(snapshot, state, kNow, rows);
      REQUIRE(rows == sorted(*snapshot, state));
      // Nothing, a few, many, another device, another wish.
      if (frame % 5 == 1) play.change(3);
      if (frame % 5 == 2) play.change(400);
      if (frame % 5 == 3) play.add();
      if (frame == 9) state.filter = "lab !rollback";
      if (frame == 14) state.reverse = !state.reverse;
      if (frame == 19) state.filter = "high cpu";
      if (frame == 24) state.filter.clear();
    }
  }
}

TEST_CASE("a frame over the same snapshot leaves the rows as they are", "[console]") {
  Play play(300);
  console::RowOrder order;
  console::UiState state;
  Rows rows;
  const auto snapshot = play.publish();
  order.arrange(snapshot, state, kNow, rows);
  rows.assign(1, nullptr);
  order.arrange(snapshot, state, kNow, rows);
  CHECK(rows == Rows{nullptr});
}

TEST_CASE("a filter that asks how long ago is asked again by the passing of time", "[console]") {
  Play play(300);
  console::RowOrder order;
  console::UiState state;
  Rows rows;
  const auto snapshot = play.publish();
  const WallTime newest = [&] {
    WallTime found;
    for (const auto& chunk : snapshot->rows) {
      for (const auto& row : *chunk)
        found = std::max(found, row->last_seen);
    }
    return found;
  }();
  state.filter = "!seen:never seen:>1h";
  order.arrange(snapshot, state, newest, rows);
  const std::size_t before = rows.size();
  order.arrange(snapshot, state, newest + std::chrono::hours(2), rows);
  CHECK(rows.size() > before);
}

// Builds snapshots that share what did not change with the one before.
//
// Rows lie in chunks of kRowsPerChunk in id order. A publication copies the chunks that hold a
// changed row (pointers only) and builds those rows; counts follow by difference. Devices that come
// or go cost a whole rebuild. Thread: any; publications follow one another.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fleet/catalogue.h"
#include "fleet/device_table.h"
#include "fleet/snapshot.h"

namespace ota::fleet {

class Publisher {
 public:
  Publisher() : snapshot_(std::make_shared<const Snapshot>()) {}

  // What a snapshot holds besides rows.
  struct Rest {
    WallTime now;
    std::shared_ptr<const model::Settings> settings;
    std::shared_ptr<const Catalogue> catalogue = std::make_shared<const Catalogue>();
    std::shared_ptr<const std::vector<std::shared_ptr<const model::Event>>> events;
    std::vector<std::shared_ptr<const model::Job>> jobs;
    JobCounts job_counts;
    std::size_t running_jobs = 0;
    std::vector<ConfigProblem> config_problems;
    bool store_writable = true;
    std::string store_problem;
    WallTime store_problem_since;
    std::vector<model::DdiWaiting> ddi_waiting;
    std::shared_ptr<const model::Stop> stop = nullptr;
  };

  // Publishes where `rest_changed` or a row did.
  enum class RestChanged : std::uint8_t { kNo, kYes };
  void publish(DeviceTable& table, Rest rest, RestChanged rest_changed);
  // Devices came or went: the next publication orders all rows anew.
  void order_anew();

  std::shared_ptr<const Snapshot> latest() const;

 private:
  void rebuild(DeviceTable& table, const Rest& rest);
  bool update(DeviceTable& table, const Rest& rest);
  void count(const DeviceRow& row, std::ptrdiff_t step);
  static bool count_alike(const DeviceRow& a, const DeviceRow& b);

  std::mutex build_;  // one publication at a time
  bool order_anew_ = true;
  std::uint64_t revision_ = 0;
  std::vector<std::shared_ptr<RowChunk>> chunks_;  // published ones are never written again
  Counts counts_;
  std::map<std::string, std::size_t> versions_;

  mutable std::mutex latest_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace ota::fleet

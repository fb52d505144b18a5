// Jobs that are over, in the store: how many of each end there were, which numbers were given, and
// which of them leave.
//
// An open job (running, or a success under watch) lies in the collection "jobs", which a start
// reads whole. One that is over moves to "ended-jobs" with the write that ends it; a start reads
// the newest of those only. The oldest leave by count and by age, whole ranges of numbers at a
// time, without being read: a mark of each day's first number says how old they are.
//
// Documents of "fleet":
//   "jobs":     {"last": 1042, "expired": 0, "ended": {"succeeded": 950, "failed": 3},
//                "sent_bytes": 4123456789, "saved_bytes": 61234567890, "skipped": [[401, 900]]}
//   "job-number": {"last": 1042}
//   "job-days": {"days": [["2026-11-30T00:00:00Z", 1000]]}
// The first two are written in the batch of each job that is made or ends. Without the first the
// store is of a program before it, and its ended jobs are counted and moved as they are loaded. The
// second stays where another state is imported: it is the highest number that was ever given here,
// and "last" the newest of the history that is here now. Where the next job leaves numbers out for
// that, they are "skipped", and are no jobs when the newest so many are counted.
//
// Thread: the fleet's strand; counts() any.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"
#include "fleet/snapshot.h"
#include "model/job.h"
#include "store/store.h"

namespace ota::fleet {

inline constexpr std::string_view kEndedJobs = "ended-jobs";
inline constexpr std::string_view kFleet = "fleet";
inline constexpr std::string_view kJobsDocument = "jobs";
inline constexpr std::string_view kJobDaysDocument = "job-days";

// Neither running nor under watch: nothing will change it by itself.
inline bool is_over(const model::Job& job) {
  return model::is_final(job.state) && job.watch != model::Watch::kWatching;
}

class JobArchive {
 public:
  static constexpr std::uint64_t kLoaded = 1000;  // newest ended ones, at a start

  // Of ended jobs in the store: how many at most, and for how long since their making.
  struct Keep {
    std::uint64_t most;
    milliseconds time;
  };

  // The key of an ended job: its number, so that keys sort by age.
  static std::string key_of(std::uint64_t number);

  // Forgets all but the highest number, which is given to no second job.
  void clear();
  // A document of "fleet"; of other keys nothing is taken. kInvalid.
  Result<void> read(std::string_view key, std::string_view document);
  bool was_read() const { return was_read_; }
  // What changed of them.
  void put_documents(store::Batch& batch);
  // A write of them failed: all is to be put again.
  void not_written() { days_changed_ = true; }
  // The highest number that was ever given.
  std::uint64_t last() const { return given_; }
  // That is not on the disk by itself: the state is another fleet's, or a program's before that.
  bool number_unsaved() const { return saved_given_ < given_; }
  // The newest number of this history, and where the newest `count` that were given in it begin.
  std::uint64_t newest() const { return newest_; }
  std::uint64_t first_of_newest(std::uint64_t count) const;

  // A job was made with this number, or ended.
  void made(std::uint64_t number, WallTime now);
  void ended(const model::Job& job);
  // A device was sent so much of an image.
  void sent(std::uint64_t bytes);

  // What leaves now. Cheap, and nothing where nothing does.
  void expire(store::Batch& batch, Keep keep, WallTime now);

  JobCounts counts() const;

 private:
  // Numbers, both included.
  struct Span {
    std::uint64_t first, last;
  };
  void skip(Span span);

  static constexpr std::size_t kMostSkipped = 16;  // of more imports the oldest counts as jobs

  std::uint64_t given_ = 0;
  std::uint64_t saved_given_ = 0;  // as "job-number" has it
  std::uint64_t newest_ = 0;
  std::deque<Span> skipped_;                             // ascending
  std::deque<std::pair<WallTime, std::uint64_t>> days_;  // a day, the first number made in it
  std::uint64_t expired_ = 0;                            // numbers below it have left
  bool days_changed_ = false;
  bool was_read_ = false;
  mutable Mutex mutex_;
  JobCounts counts_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::fleet

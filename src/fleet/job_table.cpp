#include "fleet/job_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace ota::fleet {
namespace {

constexpr std::string_view kPrefix = "job-";

std::uint64_t number_of(std::string_view id) {
  std::uint64_t number = 0;
  if (id.substr(0, kPrefix.size()) != kPrefix) return 0;
  id.remove_prefix(kPrefix.size());
  std::from_chars(id.data(), id.data() + id.size(), number);
  return number;
}

}  // namespace

std::string JobTable::id_of(std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "job-%06llu", static_cast<unsigned long long>(number));
  return text.data();
}

std::string JobTable::next_id() {
  return id_of(++last_number_);
}

JobTable::Entry& JobTable::put(model::Job job, Pending pending) {
  const std::lock_guard lock(mutex_);
  changed_ = true;
  const bool is_new = jobs_.count(job.id) == 0;
  if (is_new) make_room();
  last_number_ = std::max(last_number_, number_of(job.id));
  const auto follow = [&job](std::unordered_map<std::string, std::string>& index, bool belongs) {
    const auto found = index.find(job.device);
    if (belongs) {
      index[job.device] = job.id;
    } else if (found != index.end() && found->second == job.id) {
      index.erase(found);
    }
  };
  const bool runs = !model::is_final(job.state);
  const bool watched = job.watch == model::Watch::kWatching;
  follow(running_, runs);
  follow(watching_, watched);
  if (runs) {
    running_ids_.insert(job.id);
  } else {
    running_ids_.erase(job.id);
  }
  if (is_new) by_device_[job.device].insert(job.id);
  if (runs || watched) {
    over_.erase(job.id);
  } else {
    over_.insert(job.id);
  }
  Entry& entry = jobs_[job.id];
  if (is_new) entry.pending = pending == Pending::kYes;
  entry.job = std::make_shared<const model::Job>(std::move(job));
  return entry;
}

void JobTable::confirm(Entry& entry) {
  const std::lock_guard lock(mutex_);
  entry.pending = false;
}

void JobTable::make_room() {
  while (jobs_.size() >= kKept && !over_.empty()) {
    const std::string oldest = *over_.begin();
    forget(oldest);
  }
}

void JobTable::erase(const std::string& id) {
  const std::lock_guard lock(mutex_);
  forget(id);
}

void JobTable::forget(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  changed_ = true;
  const std::string device = found->second.job->device;
  for (auto* index : {&running_, &watching_}) {
    const auto entry = index->find(device);
    if (entry != index->end() && entry->second == id) index->erase(entry);
  }
  running_ids_.erase(id);
  over_.erase(id);
  const auto ids = by_device_.find(device);
  ids->second.erase(id);
  if (ids->second.empty()) by_device_.erase(ids);
  jobs_.erase(found);
}

void JobTable::clear() {
  const std::lock_guard lock(mutex_);
  last_number_ = 0;
  due_ = {};
  watching_.clear();
  over_.clear();
  jobs_.clear();
  running_.clear();
  running_ids_.clear();
  by_device_.clear();
  changed_ = true;
}

JobTable::Entry* JobTable::find(const std::string& id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

JobTable::Entry* JobTable::entry_of(const std::unordered_map<std::string, std::string>& index,
                                    const std::string& device) {
  const auto found = index.find(device);
  return found == index.end() ? nullptr : find(found->second);
}

JobTable::Entry* JobTable::running(const std::string& device) {
  return entry_of(running_, device);
}
JobTable::Entry* JobTable::watching(const std::string& device) {
  return entry_of(watching_, device);
}

std::vector<std::string> JobTable::open_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : jobs_) {
    if (over_.count(id) == 0) ids.push_back(id);
  }
  return ids;
}

// -- timers --

void JobTable::due_by(Entry& entry, WallTime at) {
  if (at >= entry.due_at) return;
  entry.due_at = at;
  due_.push({at, entry.job->id});
}

JobTable::Entry* JobTable::take_due(WallTime now) {
  while (!due_.empty() && due_.top().at <= now) {
    const Due due = due_.top();
    due_.pop();
    Entry* entry = find(due.id);
    if (entry == nullptr || entry->due_at != due.at) continue;  // it was to be earlier, and was
    entry->due_at = WallTime::max();
    return entry;
  }
  return nullptr;
}

void JobTable::all_due(WallTime now) {
  due_ = {};
  for (auto& [id, entry] : jobs_) {
    entry.due_at = WallTime::max();
    if (over_.count(id) == 0) due_by(entry, now);
  }
}

// -- what others read --

JobTable::JobPtr JobTable::job(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second.job;
}

JobTable::JobPtr JobTable::running_job(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(device);
  return found == running_.end() ? nullptr : jobs_.at(found->second).job;
}

JobTable::JobPtr JobTable::told_job(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(device);
  if (found == running_.end()) return nullptr;
  const Entry& entry = jobs_.at(found->second);
  return entry.pending ? nullptr : entry.job;
}

std::vector<JobTable::JobPtr> JobTable::newest(const std::string& device, std::size_t limit) const {
  std::vector<JobPtr> out;
  const std::lock_guard lock(mutex_);
  if (device.empty()) {
    for (auto job = jobs_.rbegin(); job != jobs_.rend() && out.size() < limit; ++job)
      out.push_back(job->second.job);
    return out;
  }
  const auto ids = by_device_.find(device);
  if (ids == by_device_.end()) return out;
  for (auto id = ids->second.rbegin(); id != ids->second.rend() && out.size() < limit; ++id)
    out.push_back(jobs_.at(*id).job);
  return out;
}

std::vector<JobTable::JobPtr> JobTable::shown() const {
  std::vector<JobPtr> out;
  const std::lock_guard lock(mutex_);
  for (auto id = running_ids_.rbegin(); id != running_ids_.rend() && out.size() < kShown; ++id)
    out.push_back(jobs_.at(*id).job);
  for (auto job = jobs_.rbegin(); job != jobs_.rend() && out.size() < kShown; ++job) {
    if (model::is_final(job->second.job->state)) out.push_back(job->second.job);
  }
  return out;
}

std::vector<std::string> JobTable::running_ids() const {
  const std::lock_guard lock(mutex_);
  return {running_ids_.begin(), running_ids_.end()};
}

std::size_t JobTable::running_count() const {
  const std::lock_guard lock(mutex_);
  return running_ids_.size();
}

bool JobTable::take_changed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changed_, false);
}

}  // namespace ota::fleet

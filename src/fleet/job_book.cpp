#include "fleet/job_book.h"

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

std::string JobBook::next_id() {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "job-%06llu",
                static_cast<unsigned long long>(++last_number_));
  return text.data();
}

JobBook::Entry& JobBook::put(model::Job job) {
  changed_ = true;
  if (jobs_.count(job.id) == 0) make_room();
  last_number_ = std::max(last_number_, number_of(job.id));
  const auto follow = [&job](std::unordered_map<std::string, std::string>& index, bool belongs) {
    const auto found = index.find(job.device);
    if (belongs) {
      index[job.device] = job.id;
    } else if (found != index.end() && found->second == job.id) {
      index.erase(found);
    }
  };
  follow(running_, !model::is_final(job.state));
  follow(watching_, job.watch == model::Watch::kWatching);
  by_device_[job.device].insert(job.id);
  if (model::is_final(job.state) && job.watch != model::Watch::kWatching) {
    over_.insert(job.id);
  } else {
    over_.erase(job.id);
  }
  Entry& entry = jobs_[job.id];
  entry.job = std::make_shared<const model::Job>(std::move(job));
  return entry;
}

void JobBook::make_room() {
  while (jobs_.size() >= kKept && !over_.empty()) {
    const std::string oldest = *over_.begin();
    erase(oldest);
  }
}

void JobBook::erase(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  changed_ = true;
  const std::string device = found->second.job->device;
  for (auto* index : {&running_, &watching_}) {
    const auto entry = index->find(device);
    if (entry != index->end() && entry->second == id) index->erase(entry);
  }
  const auto ids = by_device_.find(device);
  ids->second.erase(id);
  over_.erase(id);
  if (ids->second.empty()) by_device_.erase(ids);
  jobs_.erase(found);
}

JobBook::Entry* JobBook::find(const std::string& id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

JobBook::Entry* JobBook::entry_of(const std::unordered_map<std::string, std::string>& index,
                                  const std::string& device) {
  const auto found = index.find(device);
  return found == index.end() ? nullptr : find(found->second);
}

JobBook::Entry* JobBook::running(const std::string& device) {
  return entry_of(running_, device);
}
JobBook::Entry* JobBook::watching(const std::string& device) {
  return entry_of(watching_, device);
}

std::vector<std::string> JobBook::timed() const {
  std::vector<std::string> devices;
  for (const auto& [device, id] : running_)
    devices.push_back(device);
  for (const auto& [device, id] : watching_) {
    if (running_.count(device) == 0) devices.push_back(device);
  }
  std::sort(devices.begin(), devices.end());
  return devices;
}

std::vector<model::Job> JobBook::newest(const std::string& device, std::size_t limit) const {
  std::vector<model::Job> out;
  if (device.empty()) {
    for (auto job = jobs_.rbegin(); job != jobs_.rend() && out.size() < limit; ++job) {
      out.push_back(*job->second.job);
    }
    return out;
  }
  const auto ids = by_device_.find(device);
  if (ids == by_device_.end()) return out;
  for (auto id = ids->second.rbegin(); id != ids->second.rend() && out.size() < limit; ++id) {
    out.push_back(*jobs_.at(*id).job);
  }
  return out;
}

std::vector<std::shared_ptr<const model::Job>> JobBook::shown() const {
  std::vector<std::shared_ptr<const model::Job>> out;
  std::vector<std::string> running;
  for (const auto& [device, id] : running_)
    running.push_back(id);
  std::sort(running.rbegin(), running.rend(), ByAge{});
  for (const std::string& id : running) {
    if (out.size() < kShown) out.push_back(jobs_.at(id).job);
  }
  for (auto job = jobs_.rbegin(); job != jobs_.rend() && out.size() < kShown; ++job) {
    if (model::is_final(job->second.job->state)) out.push_back(job->second.job);
  }
  return out;
}

}  // namespace ota::fleet

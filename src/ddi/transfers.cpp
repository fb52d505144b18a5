#include "ddi/transfers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ota::ddi {

void Coverage::add(std::uint64_t first, std::uint64_t length) {
  if (length == 0) return;
  std::uint64_t end = first + length;
  auto next = ranges_.upper_bound(first);
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second >= first) {
      first = before->first;
      end = std::max(end, before->second);
      next = ranges_.erase(before);
    }
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_[first] = end;
  if (ranges_.size() > kMostRanges) ranges_.erase(std::prev(ranges_.end()));
}

std::uint64_t Coverage::prefix() const {
  const auto first = ranges_.begin();
  return first != ranges_.end() && first->first == 0 ? first->second : 0;
}

class Transfers::Watch final : public http::FileWatch {
 public:
  Watch(std::weak_ptr<Transfers> transfers, Key key)
      : transfers_(std::move(transfers)), key_(std::move(key)) {}
  ~Watch() override {
    if (const auto transfers = transfers_.lock()) transfers->ended(key_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void sent(std::uint64_t first, std::uint64_t length) override {
    if (const auto transfers = transfers_.lock()) transfers->sent(key_, first, length);
  }

 private:
  const std::weak_ptr<Transfers> transfers_;
  const Key key_;
};

bool Transfers::start(const Key& key, std::uint64_t size, std::uint64_t seen, std::uint32_t at_once,
                      std::function<void(std::shared_ptr<http::FileWatch>)> begin) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    if (images_.size() >= kMostImages) images_.erase(images_.begin());
    const auto [image, is_new] = images_.try_emplace(key);
    image->second.size = size;
    if (is_new && seen < size) image->second.coverage.add(0, seen);
    Device& device = devices_[key.device];
    if (device.running >= at_once) {
      if (device.waiting.size() >= kMostWaiting) return false;
      device.waiting.push_back({key, std::move(begin)});
      return true;
    }
    ++device.running;
  }
  begin(std::make_shared<Watch>(weak_from_this(), key));
  return true;
}

void Transfers::sent(const Key& key, std::uint64_t first, std::uint64_t length) {
  fleet::DdiFetch fetch;
  {
    const MutexLock lock(mutex_);
    const auto found = images_.find(key);
    if (found == images_.end()) return;
    Image& image = found->second;
    image.coverage.add(first, length);
    fetch.prefix = image.coverage.prefix();
    if (fetch.prefix >= image.size) {
      fetch.kind = fleet::DdiFetch::Kind::kWhole;
      image.coverage.clear();  // a further download counts anew
      image.told_percent = -1;
    } else {
      const auto percent = static_cast<int>(fetch.prefix * 100 / image.size);
      if (std::exchange(image.told_percent, percent) == percent) return;
    }
  }
  fetched_(key, fetch);
}

void Transfers::ended(const Key& key) {
  std::optional<Waiting> next;
  fleet::DdiFetch fetch{.kind = fleet::DdiFetch::Kind::kEnded, .prefix = 0};
  {
    const MutexLock lock(mutex_);
    if (const auto image = images_.find(key); image != images_.end()) {
      fetch.prefix = image->second.coverage.prefix();
    }
    const auto found = devices_.find(key.device);
    if (found == devices_.end()) return;
    Device& device = found->second;
    if (!device.waiting.empty() && !closed_) {
      next = std::move(device.waiting.front());
      device.waiting.pop_front();
    } else if (--device.running == 0) {
      devices_.erase(found);
    }
  }
  if (fetch.prefix > 0) fetched_(key, fetch);
  if (next) next->begin(std::make_shared<Watch>(weak_from_this(), next->key));
}

void Transfers::close() {
  std::map<std::string, Device> dropped;
  const MutexLock lock(mutex_);
  closed_ = true;
  for (auto& [name, device] : devices_)
    dropped[name].waiting.swap(device.waiting);
}

}  // namespace ota::ddi

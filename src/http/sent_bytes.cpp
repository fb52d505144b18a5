#include "http/sent_bytes.h"

#include <utility>

namespace ota::http {

class SentBytes::Watch final : public FileWatch {
 public:
  Watch(std::weak_ptr<SentBytes> counter, std::string who, std::shared_ptr<FileWatch> inner,
        MonoTime now)
      : counter_(std::move(counter)), who_(std::move(who)), inner_(std::move(inner)), told_(now) {}
  // Told before `inner` goes, which may let a next transfer begin.
  ~Watch() override { tell(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void sent(std::uint64_t first, std::uint64_t length) override {
    bytes_ += length;
    if (const auto counter = counter_.lock(); counter && counter->clock_.mono() - told_ >= kTold) {
      told_ = counter->clock_.mono();
      tell();
    }
    if (inner_) inner_->sent(first, length);
  }

 private:
  void tell() {
    const auto counter = counter_.lock();
    const std::uint64_t bytes = std::exchange(bytes_, 0);
    if (counter && bytes > 0) counter->tell_(who_, bytes);
  }

  const std::weak_ptr<SentBytes> counter_;
  const std::string who_;
  const std::shared_ptr<FileWatch> inner_;
  MonoTime told_;
  std::uint64_t bytes_ = 0;
};

std::shared_ptr<FileWatch> SentBytes::watch(std::string who, std::shared_ptr<FileWatch> inner) {
  return std::make_shared<Watch>(weak_from_this(), std::move(who), std::move(inner), clock_.mono());
}

}  // namespace ota::http

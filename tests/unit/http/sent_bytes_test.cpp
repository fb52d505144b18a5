#include "http/sent_bytes.h"

#include <vector>

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;

namespace {

struct Told {
  std::string who;
  std::uint64_t bytes;
  bool operator==(const Told&) const = default;
};

class Inner final : public http::FileWatch {
 public:
  Inner(std::vector<Told>& told, std::size_t& told_at_end, std::uint64_t& seen)
      : told_(told), told_at_end_(told_at_end), seen_(seen) {}
  ~Inner() override { told_at_end_ = told_.size(); }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;
  void sent(std::uint64_t, std::uint64_t length) override { seen_ += length; }

 private:
  std::vector<Told>& told_;
  std::size_t& told_at_end_;
  std::uint64_t& seen_;
};

}  // namespace

TEST_CASE("what is sent of a file is told every two seconds, and the rest at its end", "[http]") {
  ManualClock clock{test::kStart};
  std::vector<Told> told;
  auto counter =
      std::make_shared<http::SentBytes>(clock, [&](const std::string& who, std::uint64_t bytes) {
        told.push_back({who, bytes});
      });
  auto watch = counter->watch("iot-001");
  watch->sent(0, 100);
  CHECK(told.empty());
  clock.advance(seconds(2));
  watch->sent(100, 50);
  CHECK(told == std::vector<Told>{{"iot-001", 150}});
  watch->sent(150, 7);
  watch.reset();
  CHECK(told == std::vector<Told>{{"iot-001", 150}, {"iot-001", 7}});
  counter->watch("iot-002").reset();  // nothing was sent
  CHECK(told.size() == 2);

  // It outlives the counter, and tells nobody then.
  watch = counter->watch("iot-001");
  counter.reset();
  watch->sent(0, 100);
  clock.advance(seconds(5));
  watch->sent(100, 100);
  watch.reset();
  CHECK(told.size() == 2);
}

TEST_CASE("another watch of the file sees each piece, and goes after the count is told", "[http]") {
  ManualClock clock{test::kStart};
  std::vector<Told> told;
  std::size_t told_at_end = 99;
  std::uint64_t seen = 0;
  const auto counter =
      std::make_shared<http::SentBytes>(clock, [&](const std::string& who, std::uint64_t bytes) {
        told.push_back({who, bytes});
      });
  auto watch = counter->watch("iot-001", std::make_shared<Inner>(told, told_at_end, seen));
  watch->sent(0, 100);
  watch->sent(100, 100);
  CHECK(seen == 200);
  watch.reset();
  CHECK(told_at_end == 1);
}

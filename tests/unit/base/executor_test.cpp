#include "base/executor.h"

#include <algorithm>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/hand_executor.h"

using namespace ota;

TEST_CASE("tasks run one after the other, in the order in which they were posted", "[base]") {
  std::vector<int> order;
  ThreadExecutor executor;
  for (int i = 0; i < 100; ++i) {
    executor.post([&, i] {
      order.push_back(i);
      if (i == 0) executor.post([&] { order.push_back(100); });  // behind what may be there already
    });
  }
  executor.drain();
  executor.drain();  // what the first one posted
  REQUIRE(order.size() == 101);
  CHECK(std::is_sorted(order.begin(), std::find(order.begin(), order.end(), 100)));
}

TEST_CASE("an executor that ends runs what was posted to it", "[base]") {
  int ran = 0;
  {
    ThreadExecutor executor;
    for (int i = 0; i < 10; ++i)
      executor.post([&] { ++ran; });
  }
  CHECK(ran == 10);
}

#include "base/worker.h"

#include <atomic>
#include <future>

#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("a worker that is busy takes a bounded queue, and refuses what is more", "[api]") {
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::promise<void> begun;
  std::atomic<int> ran{0};
  {
    Worker worker(1, 2);
    REQUIRE(worker.post([&] {
      begun.set_value();
      gone.wait();
      ++ran;
    }));
    begun.get_future().wait();
    CHECK(worker.post([&] { ++ran; }));
    CHECK(worker.post([&] { ++ran; }));
    CHECK_FALSE(worker.post([&] { ran = 100; }));
    go.set_value();
  }
  CHECK(ran == 3);  // its end finishes what was taken
}

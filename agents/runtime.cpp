#include "agents/runtime.h"

#include <unistd.h>

#include <thread>

#include "base/digest.h"
#include "base/file.h"
#include "http/client.h"

namespace ota::agent {
namespace {

class RunningThread final : public Running {
 public:
  explicit RunningThread(std::function<void()> body) : thread_(std::move(body)) {}

 private:
  std::jthread thread_;
};

}  // namespace

std::uint32_t Runtime::seed() const {
  std::uint32_t seed = 0;
  for (const std::uint8_t byte : random(sizeof seed))
    seed = seed << 8 | byte;
  return seed;
}

Runtime this_process() {
  return {.start = [](std::function<void()> body) -> std::unique_ptr<Running> {
            return std::make_unique<RunningThread>(std::move(body));
          },
          .wait_point = [] { return threads_wait_point(); },
          .random = [](std::size_t count) { return random_bytes(count); },
          .connect = [](const http::ClientOptions& options) -> std::unique_ptr<http::Requester> {
            return std::make_unique<http::Client>(options);
          },
          .print =
              [](const std::string& line) {
                // One write, so that lines of several threads stay whole.
                (void)!write_all(STDOUT_FILENO, line + "\n");
              }};
}

}  // namespace ota::agent

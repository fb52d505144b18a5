// Polls that wait: nobody waits for what is there, nothing is told twice, a cut one is forgotten.
#include "api/command_polls.h"

#include <memory>

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;

namespace {

// A request of a device that waits for its answer.
class Waiting final : public http::Responder::Sink {
 public:
  void send(http::Response response) override {
    ++answers;
    status = response.status;
    body = response.body;
  }
  void on_close(std::function<void()> called) override { closed_ = std::move(called); }
  void goes_away() {
    if (closed_) std::exchange(closed_, nullptr)();
  }

  int answers = 0;
  int status = 0;
  std::string body;

 private:
  std::function<void()> closed_;
};

struct PolledFleet : test::SmallFleet {
  PolledFleet() {
    enrol("iot-001");
    run("iot-001", 12, 10);
  }
  std::shared_ptr<Waiting> poll(seconds wait = seconds(30)) {
    auto waiting = std::make_shared<Waiting>();
    polls.poll("iot-001", wait, http::Responder(waiting));
    REQUIRE(store.flush());
    return waiting;
  }
  void wake() {
    polls.wake("iot-001");
    REQUIRE(store.flush());
  }

  int directed = 0;
  api::CommandPolls polls{*fleet, clock, [this](const std::string&, const fleet::Command&) {
                            ++directed;
                            return std::string("the director's word");
                          }};
};

}  // namespace

TEST_CASE("a poll waits until there is a command, which comes with the director's word", "[api]") {
  PolledFleet it;
  const auto waiting = it.poll();
  it.wake();  // for nothing
  CHECK(waiting->answers == 0);
  REQUIRE(!it.push("iot-001").job_id.empty());
  CHECK(waiting->answers == 0);
  it.wake();
  REQUIRE(waiting->answers == 1);
  CHECK(waiting->status == 200);
  CHECK(waiting->body.find("the director's word") != std::string::npos);
  CHECK(it.directed == 1);
  it.wake();  // it is answered, and waits no more
  CHECK(waiting->answers == 1);
}

TEST_CASE("a cancel needs no word", "[api]") {
  PolledFleet it;
  const auto job = it.push("iot-001").job_id;
  CHECK(it.poll()->status == 200);
  CHECK(it.directed == 1);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->cancel(job, "operator:test", done); }));
  const auto told = it.poll();
  CHECK(told->status == 200);
  CHECK(told->body.find("cancel") != std::string::npos);
  CHECK(it.directed == 1);
}

TEST_CASE("a poll that nothing came for is answered when its time is over, not before", "[api]") {
  PolledFleet it;
  const auto waiting = it.poll(seconds(30));
  it.clock.advance(milliseconds(29'999));
  it.polls.end_overdue();
  CHECK(waiting->answers == 0);
  it.clock.advance(milliseconds(1));
  it.polls.end_overdue();
  CHECK(waiting->answers == 1);
  CHECK(waiting->status == 204);
}

TEST_CASE("a newer poll takes the place of the older, which is told so", "[api]") {
  PolledFleet it;
  const auto older = it.poll();
  const auto newer = it.poll();
  CHECK(older->status == 409);
  CHECK(newer->answers == 0);
  older->goes_away();  // which is not the newer one's end
  it.push("iot-001");
  it.wake();
  CHECK(newer->status == 200);
  CHECK(older->answers == 1);
}

TEST_CASE("a poll whose connection went away is told nothing", "[api]") {
  PolledFleet it;
  const auto gone = it.poll();
  gone->goes_away();
  it.push("iot-001");
  it.wake();
  CHECK(gone->answers == 0);
  CHECK(it.directed == 0);
  CHECK(it.poll()->status == 200);
}

TEST_CASE("at the end every poll is answered, and a later one at once", "[api]") {
  PolledFleet it;
  const auto waiting = it.poll();
  it.polls.close();
  CHECK(waiting->status == 204);
  const auto late = it.poll();
  it.polls.end_overdue();
  CHECK(late->status == 204);
}

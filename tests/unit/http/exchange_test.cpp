#include "http/exchange.h"

#include <thread>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;

namespace {

struct Target : AnswerTarget {
  std::vector<std::pair<std::uint64_t, unsigned>> answers;
  void answer(std::uint64_t request, Response response) override {
    answers.emplace_back(request, response.status);
  }
};

struct Bench {
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>([] {});
  std::shared_ptr<Target> target = std::make_shared<Target>();
  std::shared_ptr<Exchange> exchange(std::uint64_t number) {
    return std::make_shared<Exchange>(mailbox, target, number);
  }
};

}  // namespace

TEST_CASE("an answer within the handler is taken at once", "[http]") {
  Bench bench;
  const auto exchange = bench.exchange(1);
  exchange->send(Response::no_content());
  exchange->send(Response::problem(500, "x", "a second answer is ignored"));
  const auto answer = exchange->end_dispatch();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 204);
  bench.mailbox->run();
  CHECK(bench.target->answers.empty());
}

TEST_CASE("a later answer comes through the mailbox, once", "[http]") {
  Bench bench;
  const auto exchange = bench.exchange(7);
  CHECK_FALSE(exchange->end_dispatch().has_value());
  std::thread([responder = Responder(exchange)] {
    responder(Response::no_content());
    responder(Response::problem(500, "x", "ignored"));
  }).join();
  CHECK(bench.target->answers.empty());
  bench.mailbox->run();
  REQUIRE(bench.target->answers.size() == 1);
  CHECK(bench.target->answers[0] == std::pair<std::uint64_t, unsigned>(7, 204));
}

TEST_CASE("a request that everybody forgot is answered with 500", "[http]") {
  Bench bench;
  {
    auto exchange = bench.exchange(3);
    const Responder copy(exchange);
    exchange->end_dispatch();
  }
  bench.mailbox->run();
  REQUIRE(bench.target->answers.size() == 1);
  CHECK(bench.target->answers[0].second == 500);
}

TEST_CASE("a closed connection runs on_close once and drops the answer", "[http]") {
  Bench bench;
  const auto exchange = bench.exchange(4);
  int closed = 0;
  Responder(exchange).on_close([&] { ++closed; });
  exchange->end_dispatch();
  exchange->connection_closed();
  exchange->connection_closed();
  CHECK(closed == 1);
  Responder(exchange).on_close([&] { ++closed; });  // too late: at once
  CHECK(closed == 2);
  exchange->send(Response::no_content());
  bench.mailbox->run();
  CHECK(bench.target->answers.empty());
}

TEST_CASE("on_close does not run after the answer", "[http]") {
  Bench bench;
  const auto exchange = bench.exchange(5);
  int closed = 0;
  exchange->on_close([&] { ++closed; });
  exchange->end_dispatch();
  exchange->send(Response::no_content());
  exchange->connection_closed();
  CHECK(closed == 0);
}

TEST_CASE("an answer after the server's end is dropped", "[http]") {
  Bench bench;
  const auto exchange = bench.exchange(6);
  exchange->end_dispatch();
  bench.mailbox->close();
  exchange->send(Response::no_content());
  bench.target.reset();
  CHECK(true);
}

TEST_CASE("exchanges one after the other share a room, one that lives on keeps its own memory",
          "[http]") {
  Bench bench;
  const auto room = std::make_shared<ExchangeRoom>();
  auto first = make_exchange(room, bench.mailbox, bench.target, 1);
  const Exchange* const place = first.get();
  auto second = make_exchange(room, bench.mailbox, bench.target, 2);
  CHECK(second.get() != place);
  first->send(Response::no_content());
  first.reset();
  const auto third = make_exchange(room, bench.mailbox, bench.target, 3);
  CHECK(third.get() == place);
  const std::weak_ptr<ExchangeRoom> watch = room;
  second->send(Response::no_content());
  third->send(Response::no_content());
}

TEST_CASE("a mailbox wakes its owner once for all that lies in it", "[http][threads]") {
  std::atomic<int> woken{0};
  Mailbox mailbox([&] { ++woken; });
  int done = 0;
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      for (int n = 0; n < 100; ++n)
        mailbox.post([&] { ++done; });
    });
  }
  for (std::thread& sender : senders)
    sender.join();
  CHECK(woken == 1);
  mailbox.run();
  CHECK(done == 400);
  mailbox.post([&] { ++done; });
  CHECK(woken == 2);
}

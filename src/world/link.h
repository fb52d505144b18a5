// The network between one machine and the server, and what can go wrong on it.
//
// A request takes a while each way. It may be lost, its answer may be lost (the server has done it
// all the same), it may arrive twice (a client's library asks again on a connection that it found
// dead), it may arrive after the client gave up, and the client's end may stay unknown to the
// server. While the link is down nothing passes, also what was on its way.
//
// Thread: the world's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/requester.h"
#include "world/node_clock.h"
#include "world/random.h"
#include "world/server.h"
#include "world/timeline.h"
#include "world/trace.h"

namespace ota::world {

struct LinkFaults {
  milliseconds least{5};  // each way
  milliseconds most{50};
  double late = 0;        // takes up to a minute
  double lost = 0;        // the request
  double unanswered = 0;  // the answer is lost
  double twice = 0;
  double half_open = 0;  // the server does not hear that the client went away
  double cut = 0;        // of each piece of a download: it ends there
  std::uint64_t bytes_per_second = 1U << 20;
};

// Who sits on the way to the server, and hears and changes what is answered.
class Tap {
 public:
  virtual ~Tap() = default;
  virtual void heard(const Request& asked, http::Reply& reply) = 0;
  virtual void piece(std::string& bytes) = 0;  // of an image
};

class Link {
 public:
  Link(Timeline& timeline, Trace& trace, Server& server, std::string machine, std::string address,
       Random random, LinkFaults faults);

  void set_up(bool up) { up_ = up; }
  bool up() const { return up_; }
  void calm();                            // no faults from now on
  void set_tap(Tap* tap) { tap_ = tap; }  // null: nobody
  Tap* tap() const { return tap_; }
  const std::string& machine() const { return machine_; }
  const std::string& address() const { return address_; }
  const LinkFaults& faults() const { return faults_; }

  // Asks the server; blocks the fiber that calls. kUnavailable, kTimeout. `closed`: gives up where
  // it says so (after wake()).
  Result<http::Response> call(const Request& request, milliseconds patience,
                              const std::function<bool()>& closed);
  // One piece of a download's body arrives; false: the transfer is cut here.
  bool piece(std::size_t bytes, const std::function<bool()>& closed);
  // Looked at by those who watch what passes: the request, its answer, and whether that arrived.
  std::function<void(const Request&, const http::Response&)> answered;
  // So much of a file came to whoever has this name.
  std::function<void(const std::string& name, std::uint64_t bytes)> came;

 private:
  milliseconds way();
  void send(const Request& request, const std::shared_ptr<struct Flight>& flight);

  Timeline& timeline_;
  Trace& trace_;
  Server& server_;
  std::string machine_;
  std::string address_;
  Random random_;
  LinkFaults faults_;
  bool up_ = true;
  Tap* tap_ = nullptr;
};

// A requester over a link: what the agent has in place of libcurl.
class LinkedRequester final : public http::Requester {
 public:
  // `dead`: the machine has lost its power, and nothing leaves it.
  LinkedRequester(Timeline& timeline, Server& server, Link& link, const NodeClock& clock,
                  http::ClientOptions options, std::function<bool()> dead);
  ~LinkedRequester() override;

  Result<http::Reply> download(const std::string& path, const Download& options, const Sink& sink,
                               const std::function<void()>& restart) override;
  void cancel() override;
  void close() override;

 private:
  Result<http::Reply> do_get(const std::string& path, std::size_t max_bytes,
                             milliseconds timeout) override;
  Result<http::Reply> do_post(const std::string& path, std::string_view body, std::size_t max_bytes,
                              milliseconds timeout) override;
  Result<http::Response> call(Request request, milliseconds timeout);
  Result<void> shake_hands(Request& request);
  Result<http::Reply> reply(const std::string& target, http::Response response,
                            std::size_t max_bytes) const;

  Timeline& timeline_;
  Server& server_;
  Link& link_;
  const NodeClock& clock_;
  http::ClientOptions options_;
  std::function<bool()> dead_;
  std::shared_ptr<Fiber> waiting_;
  bool cancelled_ = false;
  bool closed_ = false;
  // The connection: what the handshake found.
  bool connected_ = false;
  MonoTime answered_at_{};  // the server's last byte
  http::Peer peer_;
  WallTime begins_{};
  WallTime ends_{};
};

}  // namespace ota::world

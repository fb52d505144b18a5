// What a route file is given, and the few lines that every one of them needs.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "api/command_polls.h"
#include "api/event_followers.h"
#include "api/service.h"
#include "api/worker.h"
#include "base/json.h"
#include "http/message.h"

namespace ota::api {

struct Context {
  explicit Context(Ports p);

  Ports ports;
  Worker worker;
  CommandPolls commands;
  EventFollowers followers;

  // Runs `work` on the worker; 503 where it is full.
  void on_worker(const http::Responder& respond, std::function<void()> work);
};

// The body as an object; a problem (400, 413) was sent where it is none.
std::optional<Json> body_object(const Context& context, const http::Request& request,
                                const http::Responder& respond);

// A query parameter as a number in [least, most]; `fallback` where it is absent or no number.
std::uint64_t number_of(const http::Request& request, const std::string& name,
                        std::uint64_t fallback, std::uint64_t least, std::uint64_t most);
std::string text_of(const http::Request& request, const std::string& name);

// Who asks, for the audit: "operator:NAME".
std::string actor_of(const http::Request& request);

// Answers 204, or the error's problem.
std::function<void(Result<void>)> no_content_or_problem(const http::Responder& respond);

}  // namespace ota::api

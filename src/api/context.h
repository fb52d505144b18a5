// What a route file is given, and the few lines that every one of them needs.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "api/command_polls.h"
#include "api/event_followers.h"
#include "api/service.h"
#include "base/json.h"
#include "base/worker.h"
#include "http/message.h"
#include "http/sent_bytes.h"

namespace ota::api {

struct Context {
  explicit Context(Ports p);

  Ports ports;
  CommandPolls commands;
  EventFollowers followers;
  std::shared_ptr<http::SentBytes> sent;  // of images, to devices
  Worker worker;                          // last: its threads end before what their work uses

  // Runs `work` on the worker; 503 where it is full.
  void on_worker(const http::Responder& respond, std::function<void()> work);
};

// The body as an object; a problem (400, 413) was sent where it is none.
std::optional<Json> body_object(const Context& context, const http::Request& request,
                                const http::Responder& respond);

// A query parameter as a number; `fallback` where it is absent. More than `most` counts as that:
// pages and waits have an end. Nothing, and 400 was sent, where it is no whole number from `least`.
struct NumberRange {
  std::uint64_t fallback = 0;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
std::optional<std::uint64_t> number_of(const http::Request& request, const http::Responder& respond,
                                       const std::string& name, const NumberRange& range);
std::string text_of(const http::Request& request, const std::string& name);

// True, and 429 was sent, where the device has used up what may be written for it.
bool write_budget_spent(const Context& context, const http::Request& request,
                        const http::Responder& respond);

// Who asks, for the audit: "operator:NAME".
std::string actor_of(const http::Request& request);

// Answers 204, or the error's problem.
std::function<void(Result<void>)> no_content_or_problem(const http::Responder& respond);

}  // namespace ota::api
